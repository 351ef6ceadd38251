import { expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { OUTBOX } from '../support/shop-project.ts';
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
  badValues: \${var.badValues}
  identities: {crmId: {column: id, primary: true}}
  fields: {cc: {column: cc, type: string}}
  events:
    dataset: orders
    profile: person_id
    timestamp: at
    eventType: {value: purchase}
    fields:
      amount: {column: amount, type: decimal}
      note: {column: note, type: integer}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: buyers}
spec: {attributes: person, pql: "(sum E.amount over E from xEvent where E.timestamp occurs <= 30 days before now) >= 10.5"}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: quiet}
spec: {attributes: person, pql: "not (exists E from xEvent where E.amount > 10)"}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: german}
spec: {attributes: person, pql: 'cc = "DE"'}
---
${OUTBOX}
${['buyers', 'quiet', 'german'].map((segment) => activation(segment, segment)).join('')}${activation('totals', 'german', ', {expression: "sum E.amount over E from xEvent where true", target: total}')}`;

function activation(name: string, segment: string, more = ''): string {
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec:
  destination: outbox
  segments: [${segment}]
  mapping: [{source: identityMap.crmId, target: id}, {source: segmentMembership.status, target: status}${more}]
  export: incremental
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  file: {name: "${name}_%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%"}
`;
}

/** 1 bought, 2 and 3 have an amount that is none, 4 has no order, 5 one that is too small, 6 one at no time; all notes are read by nobody. */
const ORDERS = ['1,2026-01-01,20,x', '2,2026-01-01,lots,x', '3,2026-01-01,20,x', '3,2026-01-01,n/a,x', '5,2026-01-01,5,x', '6,yesterday,50,x'];
const SLOT = '2026-01-02T02:00:00Z';
const NEXT = '2026-01-03T02:00:00Z';

function createProject(): TempProject {
  return createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: bad-events}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'people.csv': `id,cc\n${[1, 2, 3, 4, 5, 6].map((id) => `${id},DE`).join('\n')}\n`,
    'orders.csv': orders(ORDERS),
  });
}

function orders(lines: readonly string[]): string {
  return `person_id,at,amount,note\n${lines.join('\n')}\n`;
}

async function call(project: TempProject, badValues: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--var', `badValues=${badValues}`, '--now', NEXT, ...args]);
}

function reasons(some: number): object {
  return { reasons: { 'bad-event-value': some } };
}

function runOf({ stdout }: Ended): Run | undefined {
  return (JSON.parse(stdout) as { runs: readonly Run[] }).runs[0];
}

async function exclude(project: TempProject, name: string, slot: string): Promise<Run | undefined> {
  return runOf(await call(project, 'exclude', 'run', name, '--slot', slot, '--json'));
}

function linesOf(project: TempProject, run: Run | undefined): readonly string[] {
  return (run?.files ?? []).flatMap(({ path }) => project.read(`out/${path}`).trimEnd().split('\n').slice(1)).toSorted();
}

test('badValues: exclude leaves out and counts whoever has an event with a bad value that is read', async () => {
  using project = createProject();
  expect((await call(project, 'exclude', 'apply', '--auto-approve', '--no-input')).code).toBe(0);
  const [buyers, quiet] = [await exclude(project, 'buyers', SLOT), await exclude(project, 'quiet', SLOT)];
  const [german, totals] = [await exclude(project, 'german', SLOT), await exclude(project, 'totals', SLOT)];

  expect(buyers?.counts).toEqual({ received: 4, activated: 1, excluded: 3, failed: 0, ...reasons(3) });
  expect(linesOf(project, buyers)).toEqual(['1,realized']);
  // No time is asked for here: what 6 bought counts.
  expect(quiet?.counts).toEqual({ received: 4, activated: 2, excluded: 2, failed: 0, ...reasons(2) });
  expect(linesOf(project, quiet)).toEqual(['4,realized', '5,realized']);
  expect(german?.counts).toEqual({ received: 6, activated: 6, excluded: 0, failed: 0, reasons: {} });
  expect(totals?.counts).toEqual({ received: 6, activated: 4, excluded: 2, failed: 0, ...reasons(2) });
  expect(JSON.parse((await call(project, 'exclude', 'preview', 'buyers', '--json')).stdout)).toMatchObject({ members: 4 });

  const explained = await call(project, 'exclude', 'explain', 'buyers', '--member', '3');
  expect(explained.stdout).toContain('in an event, `amount` is not of the declared type');
  expect(explained.stdout).toMatch(/manifests\/all\.yaml:\d+/);
});

test('nobody joins or leaves by an event with a bad value', async () => {
  using project = createProject();
  expect((await call(project, 'exclude', 'apply', '--auto-approve', '--no-input')).code).toBe(0);
  for (const name of ['buyers', 'quiet']) expect((await exclude(project, name, SLOT))?.status).toBe('success');

  // 1 was delivered, and what it bought cannot be read any more; 3 and 4 bought, 2 and 6 did not.
  project.write('orders.csv', orders(['1,2026-01-01,?,x', '3,2026-01-01,20,x', '4,2026-01-01,30,x', '5,2026-01-01,5,x']));
  const [buyers, quiet] = [await exclude(project, 'buyers', NEXT), await exclude(project, 'quiet', NEXT)];
  expect(buyers?.counts).toEqual({ received: 2, activated: 2, excluded: 0, failed: 0, reasons: {} });
  expect(linesOf(project, buyers)).toEqual(['3,realized', '4,realized']);
  expect(linesOf(project, quiet)).toEqual(['2,realized', '4,exited', '6,realized']);
  expect(quiet?.counts).toMatchObject({ ...reasons(1), excluded: 1 });
});

test('without it the run fails with column, row and value', async () => {
  using project = createProject();
  expect((await call(project, 'fail', 'apply', '--auto-approve', '--no-input')).code).toBe(0);
  const ended = await call(project, 'fail', 'run', 'quiet', '--json');

  expect(ended.code).toBe(1);
  expect(runOf(ended)).toMatchObject({ status: 'failed', counts: { received: 0 }, error: { code: 'RC4003' } });
  expect(runOf(ended)?.error?.message).toContain('column `at` of dataset `orders` is declared timestamp, but row 6 holds "yesterday"; 2 more such values');
  expect(runOf(ended)?.error?.hint).toContain('leaves the people of such events out and counts them');
});
