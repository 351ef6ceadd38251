import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { OUTBOX, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

const WHY = 'everybody will be sent: the primary identity is `shopId` now, and they were delivered by `crmId`';
const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z'] as const;

function manifests(identities: string): string {
  return `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: ${identities}, fields: {email: {column: email, type: string}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: 'email != ""'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: letter}
spec:
  destination: outbox
  segments: [everybody]
  mapping: [{source: email}, {source: segmentMembership.status, target: status}]
  export: incremental
  schedule: {every: 6h, at: "02:00", start: 2026-01-01}
`;
}

test.each([
  ['of another namespace now: its ids are not those of the other, so that everybody is new', 'shopId', ['ann', 'bob', 'cid']],
  ['the one it was: who was delivered is known by their ids', 'crmId', ['cid']],
])('the primary identity is %s', async (_, namespace, joined) => {
  using project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
    'manifests/all.yaml': manifests('{crmId: {column: crm, primary: true}}'),
    // Whoever compares the numbers alone takes Cid, who is new, for Ann.
    'people.csv': 'crm,shop,email\n1,2,ann\n2,3,bob\n',
  });
  const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await call(SLOTS[0], 'run', 'letter', '--slot', SLOTS[0])).toMatchObject({ code: 0 });

  const crm = namespace === 'crmId' ? 3 : 9;
  project.write('people.csv', `crm,shop,email\n1,2,ann\n2,3,bob\n${crm},1,cid\n`);
  project.write('manifests/all.yaml', manifests(`{${namespace}: {column: ${namespace === 'crmId' ? 'crm' : 'shop'}, primary: true}}`));
  const plan = await call('2026-01-01T03:00:00Z', 'plan', '--json');
  const shown = [await call('2026-01-01T03:00:00Z', 'plan'), await call('2026-01-01T03:00:00Z', 'plan', '--markdown')];
  const { impact } = JSON.parse(plan.stdout) as { readonly impact: readonly { readonly added?: number; readonly removed?: number }[] };
  expect(await call('2026-01-01T03:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const second = await call(SLOTS[1], 'run', 'letter', '--slot', SLOTS[1], '--json');

  const [run] = (JSON.parse(second.stdout) as { readonly runs: readonly Run[] }).runs;
  expect(run).toMatchObject({ status: 'success', mode: 'incremental', counts: { received: joined.length, activated: joined.length } });
  const folder = join(project.directory, 'out');
  const file = readdirSync(folder).find((name) => name.includes('20260101_080000')) ?? '';
  expect(readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').slice(1).toSorted()).toEqual(joined.map((name) => `${name},realized`));
  if (namespace === 'crmId') expect(impact).toEqual([]);
  else expect(impact).toMatchObject([{ added: 3, removed: 0, startsOver: WHY }]);
  expect(shown.map(({ stdout }) => stdout.includes(WHY))).toEqual(shown.map(() => namespace !== 'crmId'));
});
