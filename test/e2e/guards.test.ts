import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { GERMAN, OUTBOX } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}, orders: {path: orders.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {cc: {column: cc, type: string}}
  events: {dataset: orders, profile: id, timestamp: at, eventType: {value: purchase}}
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
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  guards: {maxRemovedPercent: 10, maxAddedPercent: 20, maxSourceAge: 48h}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: evaluated}
spec:
  destination: outbox
  segments: [german]
  mapping: [{source: identityMap.crmId, target: id}]
  schedule: {after: evaluation}
  guards: {minMembers: 1000}
  file: {name: "evaluated_%SEGMENT_ID%_%TIMESTAMP%"}
`;
let project: TempProject;

beforeAll(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
  });
  load(200, '2026-01-01T01:00:00Z');
  const applied = await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr + applied.stdout).toBe(0);
  expect((await call('2026-01-01T02:00:00Z', 'run', 'daily', '--slot', '2026-01-01T02:00:00Z')).code).toBe(0);
}, 60_000);
afterAll(() => project[Symbol.dispose]());

function load(members: number, newest: string): void {
  project.write('people.csv', `id,cc\n${Array.from({ length: 300 }, (_, id) => `${id},${id < members ? 'DE' : 'FR'}`).join('\n')}\n`);
  project.write('orders.csv', `id,at\n1,${newest}\n2,2025-01-01T00:00:00Z\n2,2027-06-01T00:00:00Z\n`);
}

function call(now: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--now', now, ...args]);
}

/** What stands behind `reconcile`, run as it was printed. */
function paste(command: string | undefined, ...more: readonly string[]): Promise<Ended> {
  return reconcile([...(command ?? '').split(' ').slice(1), ...more]);
}

function runsOf(ended: Ended): readonly Run[] {
  return (JSON.parse(ended.stdout) as { runs: readonly Run[] }).runs;
}

test('a slot that is held: plan says so before, everything that is wrong is told, and the printed command lets it pass once, on record', async () => {
  const slot = '2026-01-05T02:00:00Z';
  load(100, '2026-01-01T01:00:00Z');
  project.write('manifests/all.yaml', MANIFESTS.replace('cc = "DE"', 'cc = "DE" or cc = "XX"'));
  const planned = await call('2026-01-05T01:00:00Z', 'plan', '--json');
  project.write('manifests/all.yaml', MANIFESTS);
  const held = await call(slot, 'run', 'daily', '--slot', slot, '--json');
  const [run] = runsOf(held);
  const command = /reconcile .*/.exec(run?.error?.hint ?? '')?.[0];
  const passed = await paste(command, '--because', 'the campaign is over', '--json');
  const shown = await call(slot, 'runs', 'show', run?.id ?? '');

  const impact = (JSON.parse(planned.stdout) as { impact: readonly { activation: string; held?: { message: string; accept: string } }[] }).impact;
  expect(impact.find(({ activation }) => activation === 'daily')?.held).toMatchObject({
    message: expect.stringContaining('would lose 100 of 200 members'),
    accept: `reconcile -C ${project.directory} run daily --segment german --slot ${slot} --allow-removed=100 --allow-stale=2026-01-01T01:00:00Z`,
  });
  expect([held.code, run?.status, run?.counts.received, run?.files]).toEqual([3, 'held', 0, []]);
  expect(run?.error?.message).toMatch(/would lose 100 of 200 members \(50 %\).*newest event, of 2026-01-01T01:00:00Z, is 97 hours old/);
  expect(passed.code, passed.stdout + passed.stderr).toBe(0);
  expect(runsOf(passed)[0]).toMatchObject({
    id: run?.id,
    status: 'success',
    accepted: [
      { guard: 'maxRemovedPercent', measured: '100', by: expect.stringContaining('@'), because: 'the campaign is over' },
      { guard: 'maxSourceAge', measured: '2026-01-01T01:00:00Z', because: 'the campaign is over' },
    ],
  });
  expect(shown.stdout).toMatch(/accepted {3}guards\.maxRemovedPercent, measured 100, by .*@.*: the campaign is over/);
});

test('growth is held, and no number but the measured one passes', async () => {
  const slot = '2026-01-06T02:00:00Z';
  load(121, '2026-01-06T01:00:00Z');
  const held = await call(slot, 'run', 'daily', '--slot', slot, '--allow-added=20', '--json');
  load(120, '2026-01-06T01:00:00Z');
  const within = await call(slot, 'run', 'daily', '--slot', slot, '--json');
  expect([held.code, runsOf(held)[0]?.error?.code, runsOf(held)[0]?.error?.message]).toEqual([
    3,
    'RC4028',
    expect.stringContaining('`--allow-added=20` is not the measured number'),
  ]);
  expect(within.code, within.stdout).toBe(0);
  expect(runsOf(within)[0]?.accepted).toBeUndefined();
});

test('a run that an evaluation fired is taken up by its id, as it prints', async () => {
  const held = await call('2026-01-06T03:00:00Z', 'evaluate', '--json');
  const [run] = runsOf(held);
  const command = /reconcile .*/.exec(run?.error?.hint ?? '')?.[0];
  const passed = await paste(command, '--json');
  expect([held.code, run?.error?.code]).toEqual([3, 'RC4005']);
  expect(command).toContain(`runs retry ${run?.id} --allow-members=120`);
  expect(passed.code, passed.stdout + passed.stderr).toBe(0);
  expect(runsOf(passed)[0]).toMatchObject({ id: run?.id, status: 'success', counts: { activated: 120 } });
});

test('a guard over events where there are none, and a reason without an override, are refused', async () => {
  using bare = createTempProject({
    'reconcile.yaml': project.read('reconcile.yaml'),
    'manifests/all.yaml': MANIFESTS.replace(/^ {2}events:.*\n/m, ''),
  });
  const invalid = await reconcile(['-C', bare.directory, 'validate']);
  const idle = await call('2026-01-07T02:00:00Z', 'run', 'daily', '--because', 'so');
  expect([invalid.code, invalid.stderr + invalid.stdout]).toEqual([8, expect.stringMatching(/RC1326.*maxSourceAge/)]);
  expect([idle.code, idle.stderr]).toEqual([64, expect.stringContaining('RC9011')]);
});
