import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z', '2026-01-01T14:00:00Z'] as const;
let project: TempProject;
let first: Run | undefined;

const call = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  reconcile(['-C', project.directory, '--now', '2026-01-01T15:00:00Z', ...args], { env });
const runsOf = ({ stdout }: Ended): readonly Run[] => (JSON.parse(stdout) as { readonly runs: readonly Run[] }).runs;
const show = async (): Promise<Run | undefined> => runsOf(await call(['runs', 'show', first?.id ?? '', '--json']))[0];
const delivered = (): readonly string[] => readdirSync(join(project.directory, 'out')).toSorted();

/** Two slots that succeeded; the delivery of the first one's files again is killed. */
beforeEach(async () => {
  project = createShopProject();
  expect(await reconcile(['-C', project.directory, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  for (const slot of SLOTS.slice(0, 2)) {
    const ended = await call(['run', 'letter', '--segment', 'rich', '--slot', slot, '--json']);
    expect(ended.code, ended.stderr).toBe(0);
    if (slot === SLOTS[0]) [first] = runsOf(ended);
  }
  const killed = await call(['runs', 'replay', first?.id ?? ''], { RECONCILE_CRASH_AT: 'taken-up' });
  expect(killed.signal).toBe('SIGKILL');
  expect(await show()).toMatchObject({ status: 'running' });
});
afterEach(() => project[Symbol.dispose]());

test('a replay that was killed takes nothing from the run: it can be replayed again, or ended with retry', async () => {
  const replayed = await call(['runs', 'replay', first?.id ?? '']);
  expect(replayed.code, replayed.stderr).toBe(0);
  expect(await show()).toMatchObject({ status: 'success', counts: first?.counts, files: first?.files });

  await call(['runs', 'replay', first?.id ?? ''], { RECONCILE_CRASH_AT: 'taken-up' });
  const retried = await call(['runs', 'retry', first?.id ?? '']);
  expect(retried.code, retried.stderr).toBe(0);
  expect(await show()).toMatchObject({ status: 'success', counts: first?.counts, files: first?.files });
});

test('cancelling it takes back no file of the run', async () => {
  const before = delivered();
  const cancelled = await call(['runs', 'cancel', first?.id ?? '']);
  expect([cancelled.code, cancelled.stderr]).toEqual([64, expect.stringContaining(`runs retry ${first?.id}`)]);
  expect(delivered()).toEqual(before);
  expect(before).toContain('outbox_rich_20260101_020000.csv');
});

test('the next run of the same segment ends it as what it was', async () => {
  expect(await call(['run', 'letter', '--segment', 'rich', '--slot', SLOTS[2]])).toMatchObject({ code: 0 });
  expect(await show()).toMatchObject({ status: 'success', counts: first?.counts, files: first?.files });
});
