import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { settableClock } from '../support/shifted-clock.ts';
import { startWatch, type WatchProcess } from '../support/watch-process.ts';

const HOUR_MS = 3_600_000;
const work = mkdtempSync(join(tmpdir(), 'watch-'));
const running: WatchProcess[] = [];
let counter = 0;

beforeAll(async () => {
  expect(await reconcile(['init', join(work, 'starter')])).toMatchObject({ code: 0 });
  return () => rmSync(work, { recursive: true, force: true });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.end('SIGKILL');
});

/** A starter project with a slot each 6 hours, applied on 1 December 2026 at 00:00. */
async function makeProject(change: (manifest: string) => string = (text) => text): Promise<string> {
  const folder = join(work, `p${(counter += 1)}`);
  cpSync(join(work, 'starter'), folder, { recursive: true });
  edit(folder, (text) => change(text.replace('{every: 24h, at: "02:00"}', '{every: 6h, at: "02:00", start: 2026-12-01}')));
  expect(await reconcile(['-C', folder, '--now', '2026-12-01T00:00:00Z', 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  return folder;
}

function edit(folder: string, change: (text: string) => string): void {
  const path = join(folder, 'manifests/newsletter.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function watch(folder: string, now: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): WatchProcess {
  const process = startWatch(['-C', folder, '--now', now, 'watch', ...args], env);
  running.push(process);
  return process;
}

const once = (folder: string, now: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  reconcile(['-C', folder, '--now', now, '--json', 'watch', '--once'], { env });
const runsOf = ({ stdout }: Ended): readonly Run[] => (JSON.parse(stdout) as { readonly runs: readonly Run[] }).runs;
const brief = (runs: readonly Run[]): string[] => runs.map(({ segment, slot, status }) => `${slot?.slice(5, 13)} ${segment} ${status}`).toSorted();
const files = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(join(folder, 'out')).map((name) => [name, readFileSync(join(folder, 'out', name), 'utf8')]));
const list = async (folder: string): Promise<readonly Run[]> => runsOf(await reconcile(['-C', folder, 'runs', 'list', '--json']));

describe('--once', () => {
  test('runs what is due, then nothing; exits as run does', async () => {
    const folder = await makeProject();
    const first = await once(folder, '2026-12-01T02:05:00Z');
    expect(first.code).toBe(0);
    expect(brief(runsOf(first))).toEqual(['12-01T02 german-recent-buyers success', '12-01T02 wealthy-owners success']);
    const again = await once(folder, '2026-12-01T02:06:00Z');
    expect(again).toMatchObject({ code: 0, stdout: '{"runs":[]}\n' });
    const later = await once(folder, '2026-12-01T21:00:00Z');
    expect(brief(runsOf(later)).filter((line) => line.includes('wealthy'))).toEqual([
      '12-01T08 wealthy-owners skipped',
      '12-01T14 wealthy-owners skipped',
      '12-01T20 wealthy-owners success',
    ]);
  });

  test('a run that fails exits 1, is tried again at the next call, and is made good', async () => {
    const folder = await makeProject();
    const data = join(folder, 'data/customers.csv');
    const text = readFileSync(data, 'utf8');
    rmSync(data);
    const failed = await once(folder, '2026-12-01T02:05:00Z');
    expect(failed.code).toBe(1);
    expect(runsOf(failed).map(({ status }) => status)).toEqual(['failed', 'failed']);
    writeFileSync(data, text);
    const mended = await once(folder, '2026-12-01T02:10:00Z');
    expect(mended.code).toBe(0);
    expect(runsOf(mended).map(({ id }) => id)).toEqual(runsOf(failed).map(({ id }) => id));
  });

  test.each(['latest', 'all'])('missed: %s makes up for no slot that passed before a segment was added', async (missed) => {
    const folder = await makeProject((text) => text.replace('[german-recent-buyers, wealthy-owners]', '[german-recent-buyers]') + `  missed: ${missed}\n`);
    expect((await once(folder, '2026-12-01T02:05:00Z')).code).toBe(0);
    expect((await once(folder, '2026-12-01T08:05:00Z')).code).toBe(0);
    edit(folder, (text) => text.replace('[german-recent-buyers]', '[german-recent-buyers, wealthy-owners]'));
    expect(await reconcile(['-C', folder, '--now', '2026-12-01T09:00:00Z', 'apply', '--auto-approve'])).toMatchObject({ code: 0 });

    expect(brief(runsOf(await once(folder, '2026-12-01T09:05:00Z')))).toEqual([]);
    expect(brief(runsOf(await once(folder, '2026-12-01T14:05:00Z')))).toEqual(['12-01T14 german-recent-buyers success', '12-01T14 wealthy-owners success']);
    const shown = await reconcile(['-C', folder, 'state', 'show', 'Activation/newsletter']);
    expect(shown.stdout).toContain('# of wealthy-owners, those before 2026-12-01T09:00:00Z');
    const exported = JSON.parse((await reconcile(['-C', folder, 'state', 'export'])).stdout) as { resources: readonly object[] };
    expect(exported.resources).toContainEqual(expect.objectContaining({ segmentsFrom: { 'wealthy-owners': '2026-12-01T09:00:00Z' } }));
  });

  test('a project where nothing is applied has nothing due', async () => {
    const folder = join(work, `p${(counter += 1)}`);
    cpSync(join(work, 'starter'), folder, { recursive: true });
    expect(await once(folder, '2026-12-01T02:05:00Z')).toMatchObject({ code: 0, stdout: '{"runs":[]}\n' });
    expect(existsSync(join(folder, '.reconcile/state.db'))).toBe(false);
  });
});

describe('the process', () => {
  test('cleans up at its start what ended runs left behind', async () => {
    const folder = await makeProject();
    const rejects = join(folder, '.reconcile/rejects/newsletter/wealthy-owners');
    mkdirSync(rejects, { recursive: true });
    writeFileSync(join(rejects, 'old.csv'), 'id,reason\n');
    writeFileSync(join(rejects, 'new.csv'), 'id,reason\n');
    const longAgo = Date.now() / 1000 - 31 * 86_400;
    utimesSync(join(rejects, 'old.csv'), longAgo, longAgo);
    const process = watch(folder, '2026-12-01T01:00:00Z');
    expect(await process.until('garbage-collected')).toMatchObject({ rejects: 1, message: expect.stringContaining('1 rejects') });
    expect(readdirSync(rejects)).toEqual(['new.csv']);
    expect(await process.end('SIGTERM')).toMatchObject({ code: 0 });
  });

  test('waits for the slot, runs it, and ends cleanly on SIGTERM', async () => {
    const folder = await makeProject();
    const process = watch(folder, '2026-12-01T01:59:57Z');
    expect((await process.until('next-slots'))['slots']).toEqual(['2026-12-01T02:00:00Z', '2026-12-01T08:00:00Z', '2026-12-01T14:00:00Z']);
    await process.until('run-success', 2);
    const end = await process.end('SIGTERM');
    // With --log-format json every line is JSON, the answer to the signal too.
    const told = end.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly event: string; readonly message: string });
    expect(told.find(({ event }) => event === 'signal')?.message).toBe('SIGTERM: finishing what is in flight; once more to stop at once');
    expect(end).toMatchObject({ code: 0, signal: null, stdout: '' });
    expect(process.events.at(-1)?.event).toBe('stopped');
    expect(Object.keys(files(folder)).filter((name) => name.endsWith('.csv'))).toEqual([
      'outbox_german-recent-buyers_20261201_020000.csv',
      'outbox_wealthy-owners_20261201_020000.csv',
    ]);
  });

  test('SIGINT ends it as cleanly, with nothing applied at all', async () => {
    const folder = join(work, `p${(counter += 1)}`);
    cpSync(join(work, 'starter'), folder, { recursive: true });
    const process = watch(folder, '2026-12-01T01:00:00Z');
    await process.until('nothing-applied');
    await process.until('planned');
    expect((await process.end('SIGINT')).code).toBe(0);
  });

  test.each(['claimed', 'written', 'published-part-1', 'snapshot-placed', 'recorded'])(
    'killed at `%s` and started again: the slot ends once, with the same files',
    async (step) => {
      const folder = await makeProject((text) => text.replace('segments: [german-recent-buyers, wealthy-owners]', 'segments: [wealthy-owners]'));
      const killed = watch(folder, '2026-12-01T01:59:58Z', [], { RECONCILE_CRASH_AT: step });
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
      const [before] = await list(folder);
      const visible = existsSync(join(folder, 'out')) ? files(folder) : {};
      // Hours later: a later slot is due as well, and what was begun ends first.
      const again = await once(folder, '2026-12-01T08:10:00Z');
      expect(again.code).toBe(0);
      const after = (await list(folder)).filter(({ status }) => status === 'success');
      expect(brief(after)).toEqual(['12-01T02 wealthy-owners success', '12-01T08 wealthy-owners success']);
      expect(after.find(({ slot }) => slot === '2026-12-01T02:00:00Z')?.id).toBe(before?.id);
      expect(files(folder)).toMatchObject(Object.fromEntries(Object.entries(visible).filter(([name]) => !name.startsWith('.'))));
      expect(readdirSync(join(folder, 'out')).filter((name) => name.startsWith('.'))).toEqual([]);
      // Everybody once, in the first file; the second slot saw no change.
      expect(files(folder)['outbox_wealthy-owners_20261201_020000.csv']?.trimEnd().split('\n')).toHaveLength(6);
    },
  );

  test('two beside each other run each slot once', async () => {
    const folder = await makeProject();
    const both = [watch(folder, '2026-12-01T01:59:56Z'), watch(folder, '2026-12-01T01:59:56Z')];
    // One may take both segments, or each takes one.
    await Promise.race([...both.map((one) => one.until('run-success', 2)), Promise.all(both.map((one) => one.until('run-success', 1)))]);
    for (const one of both) expect(await one.end('SIGTERM')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('skipped') });
    expect(brief(await list(folder))).toEqual(['12-01T02 german-recent-buyers success', '12-01T02 wealthy-owners success']);
  });
});

/** By how much the watch's own clock is ahead; a file that is read at each look is never half written. */
function setClock(folder: string, aheadMs: number): void {
  writeFileSync(join(folder, 'next-clock'), String(aheadMs));
  renameSync(join(folder, 'next-clock'), join(folder, 'clock'));
}

test.each([
  ['spool', 'slot-refused'],
  ['snapshots', 'run-failed'],
])('a folder of ours that cannot be made (%s) is told, not taken for a bug, and the slot is made good', async (name, event) => {
  const folder = await makeProject();
  rmSync(join(folder, '.reconcile', name), { recursive: true, force: true });
  symlinkSync('/nowhere/at/all', join(folder, '.reconcile', name));
  const process = watch(folder, '2026-12-01T02:05:00Z');
  expect(await process.until(event)).toMatchObject({ code: 'RC9020', message: expect.stringContaining('cannot be used: ') });
  rmSync(join(folder, '.reconcile', name));
  await process.until('run-success', 2);
  expect((await process.end('SIGTERM')).stderr).not.toContain('a bug');
});

describe('a clock that is set', () => {
  test('back by an hour and forward by a week: told at once, and the slot that is due runs', { timeout: 60_000 }, async () => {
    const folder = await makeProject();
    setClock(folder, 0);
    const process = watch(folder, '2026-12-01T02:30:00Z', [], { NODE_OPTIONS: `--import=${settableClock(join(folder, 'clock'))}` });
    await process.until('run-success', 2);
    setClock(folder, -HOUR_MS);
    expect(await process.until('clock-jumped')).toMatchObject({ message: expect.stringContaining('set back by 1 h') });
    setClock(folder, 7 * 24 * HOUR_MS);
    expect(await process.until('clock-jumped', 2)).toMatchObject({ message: expect.stringContaining('went forward by 7 d 1 h') });
    await process.until('run-success', 4);
    expect((await process.end('SIGTERM')).code).toBe(0);
    const ran = runsOf(await reconcile(['-C', folder, 'runs', 'list', '--status', 'success', '--json']));
    expect(brief(ran).filter((line) => line.includes('wealthy'))).toEqual(['12-01T02 wealthy-owners success', '12-08T02 wealthy-owners success']);
  });
});

describe('a slot delivered ahead of the clock', () => {
  test('is told with what to do, and binds an activation no more that is applied anew', async () => {
    const folder = await makeProject((text) => text.replace('[german-recent-buyers, wealthy-owners]', '[wealthy-owners]'));
    const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', folder, '--now', now, ...args]);
    expect((await once(folder, '2027-01-05T02:05:00Z')).code).toBe(0);
    const late = await at('2026-12-02T09:00:00Z', 'watch', '--once');
    expect(late).toMatchObject({ code: 0, stderr: expect.stringContaining('slot 2027-01-05T02:00:00Z was delivered already, ahead of the clock') });
    const screen = (await at('2026-12-02T09:00:00Z', 'status')).stdout;
    expect(screen).toMatch(/5 Jan 2027 08:00 +Ahead +slot 2027-01-05T02:00:00Z was delivered .* apply without the activation, then with it again/);

    const manifest = readFileSync(join(folder, 'manifests/newsletter.yaml'), 'utf8');
    edit(folder, (text) => text.slice(0, text.indexOf('---')));
    expect((await at('2026-12-02T09:10:00Z', 'apply', '--auto-approve')).code).toBe(0);
    edit(folder, () => manifest);
    expect((await at('2026-12-02T09:20:00Z', 'apply', '--auto-approve')).code).toBe(0);
    const anew = await once(folder, '2026-12-02T14:05:00Z');
    expect(brief(runsOf(anew))).toEqual(['12-02T14 wealthy-owners success']);
    expect(runsOf(anew)[0]?.counts.activated).toBe(5);
    expect((await at('2026-12-02T14:10:00Z', 'status')).stdout).toMatch(/newsletter +14:00 \(10 min ago\) +14:00 success, 5 rows +20:00 +Ready/);
  });
});

describe('manifests', () => {
  test('a change is planned and printed, and applied only with --auto-apply', async () => {
    const folder = await makeProject();
    const printing = watch(folder, '2026-12-01T00:10:00Z');
    await printing.until('plan-empty');
    edit(folder, (text) => text.replace('every: 6h', 'every: 3h'));
    expect((await printing.until('planned'))['summary']).toMatchObject({ create: 0, update: 1, delete: 0 });
    await printing.until('apply-wanted');
    await printing.end('SIGTERM');
    const applying = watch(folder, '2026-12-01T00:20:00Z', ['--auto-apply']);
    await applying.until('applied');
    await applying.end('SIGTERM');
    const { activations } = JSON.parse((await reconcile(['-C', folder, '--now', '2026-12-01T00:30:00Z', 'status', '--json'])).stdout) as {
      activations: { nextSlots: string[] }[];
    };
    expect(activations[0]?.nextSlots.slice(0, 2)).toEqual(['2026-12-01T02:00:00Z', '2026-12-01T05:00:00Z']);
  });

  test('broken ones are told and change nothing: slots go on', async () => {
    const folder = await makeProject();
    const process = watch(folder, '2026-12-01T01:59:55Z', ['--auto-apply']);
    await process.until('plan-empty');
    appendFileSync(join(folder, 'manifests/newsletter.yaml'), '\n  unbalanced: [');
    expect(await process.until('look-failed')).toMatchObject({ what: 'manifests' });
    await process.until('run-success', 2);
    // Everything gone is no wish to delete everything.
    for (const name of readdirSync(join(folder, 'manifests'))) rmSync(join(folder, 'manifests', name));
    await process.until('look-failed', 2);
    expect((await process.end('SIGTERM')).code).toBe(0);
    const { resources } = JSON.parse((await reconcile(['-C', folder, 'status', '--json'])).stdout) as { resources: unknown[] };
    expect(resources).toHaveLength(6);
  });
});

describe('status and runs', () => {
  test('show a failure and what to do, and every run', async () => {
    const folder = await makeProject();
    await once(folder, '2026-12-01T02:05:00Z');
    rmSync(join(folder, 'data/customers.csv'));
    await once(folder, '2026-12-01T08:05:00Z');
    const screen = (await reconcile(['-C', folder, '--now', '2026-12-01T09:00:00Z', 'status'])).stdout;
    expect(screen).toMatch(/newsletter +02:00 \(7 h ago\) +08:00 failed: .* +14:00 +Stalled +reconcile -C \S+ runs show /);
    const failed = (await list(folder)).find(({ status }) => status === 'failed');
    const shown = await reconcile(['-C', folder, 'runs', 'show', failed?.id.slice(0, 22) ?? '']);
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.stdout).toContain('customers.csv');
    const filtered = runsOf(await reconcile(['-C', folder, 'runs', 'list', '--status', 'success', '--segment', 'wealthy-owners', '--limit', '5', '--json']));
    expect(brief(filtered)).toEqual(['12-01T02 wealthy-owners success']);
    expect(await reconcile(['-C', folder, 'runs', 'show', 'NOSUCH'])).toMatchObject({ code: 64 });
    expect(await reconcile(['-C', folder, 'runs', 'show'])).toMatchObject({ code: 64 });
    expect(await reconcile(['-C', folder, 'runs', 'list', '--limit', '0'])).toMatchObject({ code: 64 });
  });
});
