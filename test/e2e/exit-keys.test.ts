import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { GERMAN, OUTBOX, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const MANIFESTS = `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}, Email: {column: email}}, fields: {cc: {column: cc, type: string}}}
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
  mapping: [KEY, {source: segmentMembership.status, target: status}]
  export: incremental
  file: {name: "%SEGMENT_ID%-%DATETIME(dd)%"}
  schedule: {every: 24h, at: "00:00", start: 2026-01-01}
  guards: {maxRemovedPercent: 100}
`;
const BY_ID = MANIFESTS.replace('KEY', '{source: identityMap.crmId, target: id}');
const BY_EMAIL = MANIFESTS.replace('KEY', '{source: identityMap.Email, target: email}');
let project: TempProject;

beforeEach(() => {
  project = createTempProject({ 'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: keys}\nspec: {}\n' });
});
afterEach(() => project[Symbol.dispose]());

async function apply(manifests: string): Promise<void> {
  project.write('manifests/all.yaml', manifests);
  const applied = await reconcile(['-C', project.directory, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve']);
  expect(applied.code, applied.stderr + applied.stdout).toBe(0);
}

/** The rows of the file of a day with these people, `id,email,cc` each. */
function run(day: number, ...people: readonly string[]): Promise<readonly string[]> {
  return runWith('id,email,cc', day, ...people);
}

async function runWith(header: string, day: number, ...people: readonly string[]): Promise<readonly string[]> {
  project.write('people.csv', `${header}\n${people.join('\n')}\n`);
  const slot = `2026-01-0${day}T00:00:00Z`;
  const ended = await reconcile(['-C', project.directory, '--now', slot, 'run', 'daily', '--slot', slot]);
  expect(ended.code, ended.stderr + ended.stdout).toBe(0);
  return readFileSync(join(project.directory, `out/german-0${day}.csv`), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .toSorted();
}

test('everybody who leaves in the first slot after the key was changed gets their exit, with the key of now', async () => {
  await apply(BY_ID);
  await run(1, '1,a@x.org,DE', '2,b@x.org,DE', '3,c@x.org,DE', '4,d@x.org,DE', '5,same@x.org,DE', '6,same@x.org,DE');
  await apply(BY_EMAIL);
  // Of 4 nobody knows the email any more; that of 5 has stayed with 6.
  expect(await run(2, '1,a@x.org,FR', '2,b@x.org,FR', '3,c@x.org,DE', '5,same@x.org,FR', '6,same@x.org,DE')).toEqual([
    ',exited',
    'a@x.org,exited',
    'b@x.org,exited',
  ]);
});

test('who leaves and has taken over the key of a member takes nobody with them', async () => {
  await apply(BY_EMAIL);
  expect(await run(1, '1,a@x.org,DE', '2,b@x.org,DE', '3,c@x.org,DE')).toEqual(['a@x.org,realized', 'b@x.org,realized', 'c@x.org,realized']);
  expect(await run(2, '1,b@x.org,FR', '2,b@x.org,DE', '3,c@x.org,FR')).toEqual(['c@x.org,exited']);
});

test('who leaves does not take out a member delivered under the same key who is left out only for now', async () => {
  const named = BY_EMAIL.replace('cc: {column: cc, type: string}', '$&, name: {column: name, type: string}').replace(
    'mapping: [',
    '$&{source: name, mandatory: true}, ',
  );
  const header = 'id,email,cc,name';
  await apply(named);
  await runWith(header, 1, '1,a@x.org,DE,Ann', '2,b@x.org,DE,Bea', '3,c@x.org,DE,Cem');
  expect(await runWith(header, 2, '1,a@x.org,DE,Ann', '2,b@x.org,DE,Bea', '3,c@x.org,DE,Cem', '4,a@x.org,DE,Ann', '5,b@x.org,DE,Bea')).toEqual([
    'Ann,a@x.org,realized',
    'Bea,b@x.org,realized',
  ]);
  // Nothing would tell of 1 and 2 again, once they have everything: they are delivered.
  expect(await runWith(header, 3, '1,a@x.org,DE,', '2,,DE,Bea', '3,c@x.org,FR,', '4,a@x.org,FR,Ann', '5,b@x.org,FR,Bea')).toEqual([',c@x.org,exited']);
});

test('who has vanished leaves hashed, where the primary identity leaves hashed', async () => {
  const hashed = '{source: identityMap.Email, target: email_lc_sha256, transform: sha256}';
  await apply(
    MANIFESTS.replace('KEY', hashed).replace('{column: id, primary: true}', '{column: id}').replace('{column: email}', '{column: email, primary: true}'),
  );
  const first = await run(1, '1,a@x.org,DE', '2,B@x.org,DE', '3,c@x.org,DE');
  expect(await run(2, '1,a@x.org,FR', '3,c@x.org,DE')).toEqual(
    ['a@x.org', 'b@x.org'].map((email) => `${createHash('sha256').update(email).digest('hex')},exited`).toSorted(),
  );
  expect(first).toHaveLength(3);
});

test.each([
  ['its key, when the column has another name by now', '{source: identityMap.Email, target: mail}', 'b@x.org'],
  [
    'its key hashed, when it leaves hashed by now',
    '{source: identityMap.Email, target: email, transform: sha256}',
    createHash('sha256').update('b@x.org').digest('hex'),
  ],
  ['no key, when the column is of another attribute by now', '{source: cc, target: email, key: true}', ''],
])('who has vanished leaves with %s', async (_what, mapping, key) => {
  await apply(BY_EMAIL);
  await run(1, '1,a@x.org,DE', '2,b@x.org,DE');
  await apply(MANIFESTS.replace('KEY', mapping));
  expect(await run(2, '1,a@x.org,DE')).toEqual([`${key},exited`]);
});

test('forget finds who has vanished by the identity that they left with, also when its column has another name by now', async () => {
  await apply(BY_EMAIL);
  await run(1, '1,a@x.org,DE', '2,b@x.org,DE', '3,c@x.org,DE');
  await apply(MANIFESTS.replace('KEY', '{source: identityMap.Email, target: mail}'));
  project.write('people.csv', 'id,email,cc\n1,a@x.org,DE\n');
  const forgotten = await reconcile(['-C', project.directory, '--now', '2026-01-01T12:00:00Z', 'forget', '--identity', 'Email=b@x.org']);
  expect(forgotten.code, forgotten.stderr).toBe(0);
  expect(await run(2, '1,a@x.org,DE')).toEqual(['c@x.org,exited']);
});

test('who has vanished leaves with a key that is calculated', async () => {
  const calculated = `{expression: 'if(name = "Ann", "A", name)', target: key, key: true}, {expression: 'if(name = "Ann", 1, 2)', target: other}`;
  await apply(MANIFESTS.replace('KEY', calculated).replace('cc: {column: cc, type: string}', '$&, name: {column: name, type: string}'));
  await runWith('id,email,cc,name', 1, '1,,DE,Ann', '2,,DE,Bea', '3,,DE,Cem');
  expect(await runWith('id,email,cc,name', 2, '2,,DE,Bea', '3,,FR,')).toEqual(['A,,exited', 'Cem,2,exited']);
});
