import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { OUTBOX, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const MANIFESTS = `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {seen: {column: seen, type: date}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: recent}
spec: {attributes: person, pql: seen occurs <= 2 days before now}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: outbox
  segments: [recent]
  mapping: [{source: identityMap.crmId, target: id}]
  file: {name: "%SEGMENT_ID%", maxRows: 1}
  schedule: {every: 24h, at: "00:00", start: 2026-01-01}
`;
/** Two people on the second, three on the fifth, one on the seventh. */
const PEOPLE = 'id,seen\n1,2026-01-01\n2,2026-01-02\n3,2026-01-04\n4,2026-01-04\n5,2026-01-05\n';
let project: TempProject;

beforeEach(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: again}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'people.csv': PEOPLE,
  });
  expect(await call(1, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
});
afterEach(() => project[Symbol.dispose]());

const call = (day: number, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', `2026-01-0${day}T00:00:00Z`, ...args]);

async function run(day: number): Promise<string> {
  const ended = await call(day, 'run', 'daily', '--slot', `2026-01-0${day}T00:00:00Z`, '--json');
  expect(ended.code, ended.stderr).toBe(0);
  return (JSON.parse(ended.stdout) as { readonly runs: readonly Run[] }).runs[0]?.id ?? '';
}

async function replay(id: string): Promise<void> {
  const ended = await call(8, 'runs', 'replay', id);
  expect(ended.code, ended.stderr + ended.stdout).toBe(0);
}

/** The rows of each file at the destination. */
const delivered = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(join(project.directory, 'out'))
      .toSorted()
      .map((name) => [
        name,
        readFileSync(join(project.directory, 'out', name), 'utf8')
          .replace('id\n', '')
          .trimEnd(),
      ]),
  );

test('files delivered again under a name that a later run has used since leave no part of that one beside them', async () => {
  const [second, fifth] = [await run(2), await run(5)];
  expect(delivered()).toEqual({ 'recent.csv': '3', 'recent_2.csv': '4', 'recent_3.csv': '5' });
  await replay(second);
  expect(delivered()).toEqual({ 'recent.csv': '1', 'recent_2.csv': '2' });
  // What it puts back is ours as before: a shorter export takes it away.
  await replay(fifth);
  expect(delivered()).toEqual({ 'recent.csv': '3', 'recent_2.csv': '4', 'recent_3.csv': '5' });
  await run(7);
  expect(delivered()).toEqual({ 'recent.csv': '5' });
}, 120_000);

test('a file that somebody else has put there since is not replaced', async () => {
  const second = await run(2);
  const elsewhere = MANIFESTS.replace('path: out', 'path: other');
  expect(elsewhere).not.toBe(MANIFESTS);
  project.write('manifests/all.yaml', elsewhere);
  project.write('other/recent.csv', 'theirs\n');
  expect(await call(3, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await call(8, 'runs', 'replay', second)).toMatchObject({ code: 1, stderr: expect.stringContaining('RC4008') });
  expect(readFileSync(join(project.directory, 'other/recent.csv'), 'utf8')).toBe('theirs\n');
}, 120_000);
