import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, ROOT, type Ended } from '../support/reconcile.ts';
import { GERMAN, OUTBOX, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';
import { startTinyDisk } from '../support/tiny-disk.ts';

const MANIFESTS = `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {cc: {column: cc, type: string}}}
---
${GERMAN}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: outbox
  segments: [german]
  mapping: [{source: identityMap.crmId, target: id}]
  export: incremental
  file: {maxRows: 100, manifest: true}
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  guards: {maxRemovedPercent: 10}
`;
/** So many parts of one file that somebody has the time to change their mind. */
const MANY = 120_000;
const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z'] as const;
let project: TempProject;

beforeAll(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
  });
  load(MANY);
  const applied = await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr + applied.stdout).toBe(0);
}, 60_000);
afterAll(() => project[Symbol.dispose]());

function load(members: number): void {
  project.write('people.csv', `id,cc\n${Array.from({ length: members }, (_, id) => `${id},DE`).join('\n')}\n`);
}

function call(now: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--now', now, ...args]);
}

function runsOf(ended: Ended): readonly Run[] {
  return (JSON.parse(ended.stdout) as { runs: readonly Run[] }).runs;
}

function visible(): readonly string[] {
  const out = join(project.directory, 'out');
  return existsSync(out) ? readdirSync(out) : [];
}

/** The run of the slot once it is on record as running. */
async function running(slot: string): Promise<Run> {
  for (;;) {
    const listed = runsOf(await call(slot, 'runs', 'list', '--status', 'running', '--json'));
    if (listed[0]?.slot === slot) return listed[0];
    await sleep(100);
  }
}

test('a run in another process is cancelled: it ends itself, nothing is visible, watch leaves it alone, retry takes it up', async () => {
  const [slot] = SLOTS;
  const working = call(slot, 'run', 'daily', '--slot', slot, '--json');
  const run = await running(slot);
  const cancelled = await call(slot, 'runs', 'cancel', run.id.slice(0, 20), '--because', 'wrong segment', '--json');
  const ended = await working;
  const listed = await call(slot, 'runs', 'list', '--status', 'cancelled');
  const status = await call(slot, 'status');
  const watched = await call('2026-01-01T03:00:00Z', 'watch', '--once', '--json');

  expect(cancelled.code, cancelled.stderr + cancelled.stdout).toBe(0);
  expect(runsOf(cancelled)[0]).toMatchObject({
    id: run.id,
    status: 'failed',
    error: { code: 'RC4031', message: expect.stringMatching(/^cancelled by .+@.+: wrong segment$/) },
  });
  expect([ended.code, runsOf(ended)[0]?.error?.code]).toEqual([1, 'RC4031']);
  expect([visible(), readdirSync(join(project.directory, '.reconcile', 'spool'))]).toEqual([[], []]);
  expect(listed.stdout).toContain(run.id);
  expect(status.stdout).toContain('Cancelled');
  expect(runsOf(watched)).toEqual([]);

  load(1000);
  const retried = await call(slot, 'runs', 'retry', run.id, '--json');
  expect(retried.code, retried.stderr + retried.stdout).toBe(0);
  expect(runsOf(retried)[0]).toMatchObject({ id: run.id, status: 'success', counts: { activated: 1000 } });
  expect(visible()).toHaveLength(11);
});

test('a run whose process was killed among its files is cancelled here: what was visible is taken back', async () => {
  const slot = SLOTS[1];
  load(1300);
  const killed = await reconcile(['-C', project.directory, '--now', slot, 'run', 'daily', '--slot', slot], { env: { RECONCILE_CRASH_AT: 'published-part-2' } });
  const before = visible().length;
  const [dead] = runsOf(await call(slot, 'runs', 'list', '--json'));
  const cancelled = await call(slot, 'runs', 'cancel', dead?.id ?? '', '--json');
  const again = await call(slot, 'runs', 'cancel', dead?.id ?? '');

  expect([killed.signal, before]).toEqual(['SIGKILL', 13]);
  expect(cancelled.code, cancelled.stderr + cancelled.stdout).toBe(0);
  expect(runsOf(cancelled)[0]).toMatchObject({ error: { code: 'RC4031' }, files: [], counts: { received: 300, activated: 0, failed: 300 } });
  expect([visible().length, readdirSync(join(project.directory, '.reconcile', 'spool')).includes(dead?.id ?? '')]).toEqual([11, false]);
  expect([again.code, again.stderr]).toEqual([64, expect.stringContaining('RC4032')]);
  const taken = await call(slot, 'run', 'daily', '--slot', slot, '--json');
  expect(runsOf(taken)[0]).toMatchObject({ id: dead?.id, status: 'success', counts: { activated: 300 } });
});

test('what has replaced files of the same names stays, is told, and the retry completes it from the very bytes', async () => {
  using fixed = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: fixed}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS.replace('export: incremental', 'export: full').replace('{maxRows: 100, manifest: true}', '{name: german, maxRows: 100}'),
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', fixed.directory, '--now', now, ...args]);
  const people = (count: number): void => fixed.write('people.csv', `id,cc\n${Array.from({ length: count }, (_, id) => `${id},DE`).join('\n')}\n`);
  const files = (): readonly string[] => readdirSync(join(fixed.directory, 'out')).toSorted();
  people(150);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect((await at(SLOTS[0], 'run', 'daily', '--slot', SLOTS[0])).code).toBe(0);
  const [first] = files();
  people(350);
  const env = { RECONCILE_CRASH_AT: 'published-part-3' };
  const killed = await reconcile(['-C', fixed.directory, '--now', SLOTS[1], 'run', 'daily', '--slot', SLOTS[1]], { env });
  expect([killed.signal, files().length]).toEqual(['SIGKILL', 3]);
  const [dead] = runsOf(await at(SLOTS[1], 'runs', 'list', '--limit', '1', '--json'));

  const cancelled = await at(SLOTS[1], 'runs', 'cancel', dead?.id ?? '', '--json');
  const [run] = runsOf(cancelled);
  expect(run?.error?.message).toContain('2 of its files had replaced earlier ones of the same names and stay');
  expect([files().length, run?.files.map(({ rows }) => rows)]).toEqual([2, [100, 100]]);
  people(10);
  const retried = runsOf(await at(SLOTS[1], 'runs', 'retry', dead?.id ?? '', '--json'));
  expect(retried).toMatchObject([{ id: dead?.id, status: 'success', counts: { activated: 350 } }]);
  expect([files().length, files()[0]]).toEqual([4, first]);
});

test('cancelled while the destination takes nothing back: it ends, says what may be visible and why, and nothing goes on with it by itself', async () => {
  await using disk = await startTinyDisk(4 << 20);
  const [, holder = '', folder = ''] = /^\/proc\/(\d+)\/root(.*)$/.exec(disk.folder) ?? [];
  const mount = (mode: string): unknown => execFileSync('nsenter', ['-t', holder, '-m', 'mount', '-o', `remount,${mode}`, dirname(folder)]);
  using own = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS.replace('path: out', `path: ${disk.folder}`),
    'people.csv': 'id,cc\n1,DE\n',
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', own.directory, '--now', now, ...args]);
  const run = (slot: string): Promise<Ended> => at(slot, 'run', 'daily', '--slot', slot, '--json');
  expect(await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const killed = await reconcile(['-C', own.directory, '--now', SLOTS[0], 'run', 'daily', '--slot', SLOTS[0]], {
    env: { RECONCILE_CRASH_AT: 'published-part-1' },
  });
  expect(killed.signal).toBe('SIGKILL');
  const [dead] = runsOf(await at(SLOTS[0], 'runs', 'list', '--json'));

  mount('ro');
  const cancelled = await at(SLOTS[0], 'runs', 'cancel', dead?.id ?? '', '--json');
  mount('rw');
  expect(runsOf(cancelled)).toMatchObject([{ id: dead?.id, status: 'failed', error: { code: 'RC4031' } }]);
  expect(runsOf(cancelled)[0]?.error?.message).toMatch(/1 of its files may be visible and could not be taken back: .*read-only/);
  // The next slot leaves it alone, and knows whom it told of.
  own.write('people.csv', 'id,cc\n1,DE\n2,DE\n');
  expect(runsOf(await run(SLOTS[1]))).toMatchObject([{ slot: SLOTS[1], status: 'success', counts: { activated: 2 } }]);
});

test('Ctrl-C stops a run in good order: 130, nothing is visible, and the slot goes on when it is started again', async () => {
  const slot = SLOTS[2];
  load(MANY);
  const child = spawn(process.execPath, [`${ROOT}scripts/reconcile.mjs`, '-C', project.directory, '--now', slot, 'run', 'daily', '--slot', slot], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const before = visible().length;
  await running(slot);
  child.kill('SIGINT');
  const [code] = (await ended) as [number | null];
  const [stopped] = runsOf(await call(slot, 'runs', 'list', '--json'));

  expect([code, stopped?.error?.code, visible().length]).toEqual([130, 'RC4013', before]);
  load(1400);
  const taken = await call(slot, 'run', 'daily', '--slot', slot, '--json');
  expect(runsOf(taken)[0]).toMatchObject({ id: stopped?.id, status: 'success', counts: { activated: 100 } });
});
