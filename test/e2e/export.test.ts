import { existsSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  identities: {crmId: {column: id, primary: true}, Email: {column: email, labels: [I1]}}
  fields: {name: {column: name, type: string}, cc: {column: cc, type: string}}
  events: {dataset: orders, profile: person_id, timestamp: at, eventType: {value: purchase}, fields: {amount: {column: amount, type: decimal}}}
---
${GERMAN}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: nobody}
spec: {attributes: person, pql: 'cc = "XX"'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: outbox
  segments: [german]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: name}
    - {expression: 'if(cc = "DE", "here", "there")', target: place}
    - {expression: 'sum(xEvent, amount)', target: spent}
    - {expression: 'xEvent.topN(amount, 1).head()', target: dearest}
    - {source: segmentMembership.status, target: status}
  export: incremental
  schedule: {every: 24h, at: "02:00", start: 2026-01-01, end: 2026-02-01}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: guarded}
spec:
  destination: outbox
  segments: [german, nobody]
  mapping: [{source: identityMap.crmId, target: id}]
  schedule: {after: evaluation}
  guards: {minMembers: 1}
  file: {name: "guarded_%DESTINATION%_%SEGMENT_ID%_%TIMESTAMP%"}
`;
const PEOPLE = ['1,Ann,ann@x.org,DE', '2,Bob,bob@x.org,DE', '3,Cid,cid@x.org,FR', '4,Dan,,DE'];
let project: TempProject;

beforeAll(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'people.csv': `id,name,email,cc\n${PEOPLE.join('\n')}\n`,
    'orders.csv': 'person_id,at,amount\n1,2026-01-01T00:00:00Z,1.10\n1,2026-01-01T01:00:00Z,2.20\n3,2026-01-01T00:00:00Z,9\n',
  });
  const applied = await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr + applied.stdout).toBe(0);
}, 60_000);
afterAll(() => project[Symbol.dispose]());

function call(now: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--now', now, ...args]);
}

function runsOf(ended: Ended): readonly Run[] {
  return (JSON.parse(ended.stdout) as { runs: readonly Run[] }).runs;
}

test('a slot: everybody, calculated fields, the same run when asked again; then who came and went', async () => {
  const slot = '2026-01-01T02:00:00Z';
  const first = await call(slot, 'run', 'daily', '--slot', slot, '--json');
  expect(first.code, first.stderr).toBe(0);
  const [run] = runsOf(first);
  expect(run?.counts).toEqual({ received: 3, activated: 2, excluded: 1, failed: 0, reasons: { 'no email': 1 } });
  expect(readFileSync(join(project.directory, 'out', run?.files[0]?.path ?? ''), 'utf8')).toBe(
    // A whole event has all its fields, though the expression names one.
    'email,name,place,spent,dearest,status\n' +
      'ann@x.org,Ann,here,3.30,"{""timestamp"":""2026-01-01 01:00:00"",""amount"":2.2,""eventType"":""purchase""}",realized\n' +
      'bob@x.org,Bob,here,0.00,,realized\n',
  );

  const again = await call('2026-01-01T03:00:00Z', 'run', 'daily', '--slot', slot, '--json');
  expect(runsOf(again)).toEqual([run]);

  project.write('people.csv', `id,name,email,cc\n1,Ann,ann@x.org,DE\n3,Cid,cid@x.org,DE\n`);
  const next = await call('2026-01-02T02:00:00Z', 'run', 'daily', '--slot', '2026-01-02T02:00:00Z', '--json');
  expect(next.code, next.stderr).toBe(0);
  expect(
    readFileSync(join(project.directory, 'out', runsOf(next)[0]?.files[0]?.path ?? ''), 'utf8')
      .split('\n')
      .toSorted(),
  ).toEqual([
    '',
    'bob@x.org,,,,,exited',
    'cid@x.org,Cid,here,9.00,"{""timestamp"":""2026-01-01 00:00:00"",""amount"":9.0,""eventType"":""purchase""}",realized',
    'email,name,place,spent,dearest,status',
  ]);
});

test('a slot that succeeded is shown again when a later one has, too', async () => {
  const slot = '2026-01-01T02:00:00Z';
  const again = await call('2026-01-02T03:00:00Z', 'run', 'daily', '--slot', slot, '--json');
  expect(again.code, again.stdout).toBe(0);
  expect(runsOf(again)).toMatchObject([{ slot, status: 'success', counts: { activated: 2 } }]);
});

test.each([
  ['2026-01-03T03:00:00Z', '2026-01-03T03:00:00Z', 'off the grid'],
  ['2026-01-02T02:00:00Z', '2026-01-05T02:00:00Z', 'future'],
  ['2026-03-02T02:00:00Z', '2026-02-05T02:00:00Z', 'ended'],
  ['2026-03-02T02:00:00Z', '2025-12-31T02:00:00Z', 'before the schedule'],
])('at %s the slot %s is refused: %s', async (now, slot, why) => {
  const refused = await call(now, 'run', 'daily', '--slot', slot, '--json');
  expect(refused.code).toBe(64);
  expect(refused.stdout).toContain(why);
});

test('unknown activations and segments, and exports outside the schedule, are 64 with a suggestion', async () => {
  const unknown = await call('2026-01-03T00:00:00Z', 'run', 'dayly');
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('did you mean `daily`?')]);
  const segment = await call('2026-01-03T00:00:00Z', 'run', 'daily', '--segment', 'germen');
  expect([segment.code, segment.stderr]).toEqual([64, expect.stringContaining('did you mean `german`?')]);
  expect((await call('2026-05-01T00:00:00Z', 'run', 'daily')).code).toBe(64);
});

test('replay: from the spool, then built again and compared; never other bytes', async () => {
  const slot = '2026-01-02T02:00:00Z';
  const [run] = runsOf(await call(slot, 'run', 'daily', '--slot', slot, '--json'));
  const path = join(project.directory, 'out', run?.files[0]?.path ?? '');
  const before = readFileSync(path);
  rmSync(path);

  const replayed = await call('2026-01-02T03:00:00Z', 'runs', 'replay', run?.id ?? '');
  expect(replayed.code, replayed.stderr + replayed.stdout).toBe(0);
  expect(readFileSync(path).equals(before)).toBe(true);

  rmSync(join(project.directory, '.reconcile', 'spool'), { recursive: true });
  rmSync(path);
  const refused = await call('2026-01-02T03:00:00Z', 'runs', 'replay', run?.id ?? '');
  expect([refused.code, existsSync(path)]).toEqual([1, false]);
  expect(refused.stderr).toContain('RC4021');
  const shown = await call('2026-01-02T03:00:00Z', 'runs', 'show', run?.id ?? '', '--json');
  expect(runsOf(shown)[0]).toMatchObject({ id: run?.id, status: 'success' });

  const retried = await call('2026-01-02T03:00:00Z', 'runs', 'retry', run?.id ?? '');
  expect(retried.code).toBe(64);
  writeFileSync(path, before);
});

test('evaluate counts, and fires what is scheduled after it: one segment exported, the other held', async () => {
  const evaluated = await call('2026-01-05T00:00:00Z', 'evaluate', '--json');
  expect(evaluated.code, evaluated.stderr).toBe(6);
  const { segments, runs } = JSON.parse(evaluated.stdout) as { segments: unknown; runs: readonly Run[] };
  expect(segments).toEqual([
    { segment: 'german', members: 2 },
    { segment: 'nobody', members: 0 },
  ]);
  expect(runs.map(({ segment, status }) => [segment, status])).toEqual([
    ['german', 'success'],
    ['nobody', 'held'],
  ]);
});

test('preview: what is labelled tells nothing of itself, nor does its column under a second name', async () => {
  using other = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: p}\nspec: {}\n',
    'data/people.csv': 'id,mail,ill,income,sex\np1,jo@example.com,true,92000,female\n',
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: data/people.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crm: {column: id, primary: true}, Email: {column: mail}}
  fields:
    ill: {column: ill, type: boolean, labels: [S1]}
    income: {column: income, type: decimal, labels: [C4]}
    sex: {column: sex, type: string, labels: [S2]}
    again: {column: income, type: integer}
    mail: {column: mail, type: string}
`,
  });
  const pql = 'ill = true and income > 1 and sex != "x" and again > 1 and mail != "x"';
  const { stdout } = await reconcile(['-C', other.directory, 'preview', '--attributes', 'person', '--pql', pql, '--json']);

  const sample = [{ id: 'p***', ill: '***', income: '***', sex: '***', again: '***', mail: 'j***@***.com' }];
  expect(JSON.parse(stdout)).toMatchObject({ members: 1, sample });
  const unknown = await reconcile(['-C', other.directory, 'preview', 'nobody']);
  expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining('there is no Segment `nobody`') as string });
});

test('preview shows a masked sample; a mistake in --pql is told with its place', async () => {
  const preview = await call('2026-01-05T00:00:00Z', 'preview', 'german', '--json');
  expect(JSON.parse(preview.stdout)).toMatchObject({
    segment: 'german',
    members: 2,
    sample: [
      { id: '***', cc: 'DE' },
      { id: '***', cc: 'DE' },
    ],
  });
  const wrong = await call('2026-01-05T00:00:00Z', 'preview', '--attributes', 'person', '--pql', '(cc = "DE" and\n  cc = "😀" and nam = "x"');
  expect(wrong.code).toBe(64);
  expect(wrong.stderr).toBe(`error RC1207  unknown attribute \`nam\`
  --> --pql:2:16
   |
 2 |   cc = "😀" and nam = "x"
   |                 ^^^
   |
   = did you mean \`name\`?

error RC1201  expected \`)\`, found the end
  --> --pql:2:24
   |
 2 |   cc = "😀" and nam = "x"
   |                         ^
`);
});

test('forget: out of snapshots and kept files, out of every export to come, no trace but a keyed hash', async () => {
  const forgotten = await call('2026-01-05T00:00:00Z', 'forget', '--identity', 'Email=CID@x.org', '--json');
  expect(forgotten.code, forgotten.stderr).toBe(0);
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ members: 2, snapshots: 2 });

  const run = await call('2026-01-05T01:00:00Z', 'run', 'daily', '--json');
  expect(runsOf(run)[0]?.counts).toMatchObject({ received: 2, activated: 1, reasons: { forgotten: 1 } });
  const slot = await call('2026-01-06T02:00:00Z', 'run', 'daily', '--slot', '2026-01-06T02:00:00Z', '--json');
  expect(runsOf(slot)[0]).toMatchObject({ status: 'success', files: [], counts: { received: 1, activated: 0 } });
  const state = join(project.directory, '.reconcile');
  for (const name of readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
    expect(readFileSync(join(name.parentPath, name.name)).includes('cid@x.org'), name.name).toBe(false);
  }
  expect((await call('2026-01-06T03:00:00Z', 'forget', '--identity', 'Email')).code).toBe(64);
});

test('gc removes what nothing needs and keeps what the next slot needs', async () => {
  const folder = join(project.directory, '.reconcile', 'snapshots');
  const snapshots = (): readonly string[] =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => /\.parquet(\.sha256)?$/.test(name));
  const before = snapshots();
  // Of nobody on record: for a day it may be of a run that has just begun.
  const longAgo = Date.now() / 1000 - 2 * 86_400;
  for (const orphan of ['orphan.parquet', 'orphan.parquet.sha256']) {
    project.write(`.reconcile/snapshots/daily/german/${orphan}`, 'x');
    utimesSync(join(project.directory, `.reconcile/snapshots/daily/german/${orphan}`), longAgo, longAgo);
  }
  const dry = await call('2026-01-06T03:00:00Z', 'gc', '--dry-run', '--json');
  expect(JSON.parse(dry.stdout)).toMatchObject({ snapshots: 1 });
  const collected = await call('2026-01-06T03:00:00Z', 'gc', '--spool', '0', '--json');
  expect(collected.code, collected.stderr).toBe(0);
  expect(snapshots().toSorted()).toEqual(before.toSorted());
  const next = await call('2026-01-07T02:00:00Z', 'run', 'daily', '--slot', '2026-01-07T02:00:00Z', '--json');
  expect(runsOf(next)[0]).toMatchObject({ status: 'success', files: [] });
});
