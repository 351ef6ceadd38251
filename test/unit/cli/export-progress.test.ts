import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CommandContext } from '../../../src/cli/context.ts';
import { createProgressReporter } from '../../../src/cli/export-progress.ts';
import type { ExportProgress } from '../../../src/export/deps.ts';

const WRITING: ExportProgress = {
  runId: 'r1',
  activation: 'letter',
  segment: 'rich',
  step: 'writing',
  rows: 25_000,
  totalRows: 100_000,
  bytes: 1_500_000,
  files: 2,
  startedAt: 0,
};

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

function contextOf(terminal: boolean, change: Partial<CommandContext['options']> = {}): { readonly context: CommandContext; readonly said: string[] } {
  const said: string[] = [];
  const options = { quiet: false, logFormat: 'text', ...change } as CommandContext['options'];
  const context = { terminal, width: 120, options, clock: () => Date.now(), say: (text: string) => void said.push(text) } as unknown as CommandContext;
  return { context, said };
}

test('in CI: a line each ten seconds, also while a step says nothing', () => {
  const { context, said } = contextOf(false);
  const progress = createProgressReporter(context);
  progress.report(WRITING);
  vi.advanceTimersByTime(9_999);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(20_001);
  progress.end();
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([
    'letter/rich   writing      30 s left   25,000 of 100,000 rows   2,500 rows/s   1.5 MB   2 files   10 s',
    'letter/rich   writing      1 min 0 s left   25,000 of 100,000 rows   1,250 rows/s   1.5 MB   2 files   20 s',
    'letter/rich   writing      1 min 30 s left   25,000 of 100,000 rows   833 rows/s   1.5 MB   2 files   30 s',
  ]);
});

test('on a terminal: a bar per segment at work, drawn over, gone at the end', () => {
  const { context, said } = contextOf(true);
  const progress = createProgressReporter(context);
  progress.report(WRITING);
  vi.advanceTimersByTime(250);
  progress.report({ ...WRITING, runId: 'r2', segment: 'poor', step: 'publishing', bytes: 50, totalBytes: 100 });
  vi.advanceTimersByTime(250);
  progress.report({ ...WRITING, step: 'done' });
  vi.advanceTimersByTime(250);
  progress.end();
  expect(said[0]).toMatch(/^letter\/rich {3}writing {6}█{5}░{15} {2}25 % {3}/);
  expect(said[1]?.startsWith('\u001B[1A\u001B[J')).toBe(true);
  expect(said[1]).toMatch(/letter\/rich[^\n]*\nletter\/poor {3}publishing {3}█{10}░{10} {2}50 % {3}/);
  expect(said[2]?.startsWith('\u001B[2A\u001B[Jletter/poor')).toBe(true);
  expect(said.at(-1)).toBe('\u001B[1A\u001B[J\u001B[1A');
  expect(said.flatMap((text) => text.split('\n')).every((line) => line.length < 140)).toBe(true);
});

test('as JSON, one object a line; with --quiet nothing', () => {
  const json = contextOf(false, { logFormat: 'json' });
  const quiet = contextOf(false, { quiet: true });
  for (const { context } of [json, quiet]) createProgressReporter(context).report(WRITING);
  vi.advanceTimersByTime(10_000);
  expect(JSON.parse(json.said[0] ?? '')).toMatchObject({ event: 'progress', elapsedMs: 10_000, rows: 25_000, totalRows: 100_000, files: 2 });
  expect(quiet.said).toEqual([]);
});
