import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { OUTBOX } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

const PEOPLE = "(values ('a', '2024-1-5', 1), ('b', '2024-01-05', 2), ('c', 'a/b é', 3), ('d', null, 4)) t(id, code, n)";
/** Folders as Hive and Spark write them. */
const FOLDERS = [
  ['2024-1-5', 1],
  ['2024-01-05', 2],
  ['2024-11-04', 3],
  ['__HIVE_DEFAULT_PARTITION__', 4],
] as const;

async function write(path: string, query: string, format: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`copy (${query}) to '${path}' (format ${format})`);
  connection.closeSync();
}

/** How many of these people meet a condition, of the files that a pattern finds. */
async function count(directory: string, pql: string): Promise<string> {
  const { stdout, stderr } = await reconcile(['-C', directory, 'preview', '--attributes', 'person', '--pql', pql]);
  return /(\d+) members?/.exec(stdout)?.[1] ?? stderr;
}

function manifests(path: string, more = ''): Record<string, string> {
  return {
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: s}
spec: {engine: duckdb, datasets: {people: {path: "${path}"}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: s
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {code: {column: code, type: string}, n: {column: n, type: integer}${more}}
`,
  };
}

const LETTER = `apiVersion: reconcile/v1
kind: Segment
metadata: {name: all}
spec: {attributes: person, pql: 'n > 0'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: letter}
spec:
  destination: outbox
  segments: [all]
  mapping: [{source: identityMap.crmId, target: id}, {source: segmentMembership.status, target: status}]
  export: incremental
  schedule: {every: 6h, at: "02:00", start: 2026-01-01}
`;

test.for(['parquet', 'json'])('a key of folders is a column, as the text that the folders say: %s', async (format) => {
  using project = createTempProject(manifests(`data/**/*.${format}`, ', place: {column: place, type: string}'));
  for (const [code, n] of FOLDERS)
    await write(join(project.directory, `data/place=a%2Fb%20%C3%A9/code=${code}/people.${format}`), `select 'p' || ${n} as id, ${n} as n`, format);
  expect(await count(project.directory, 'code = "2024-1-5"')).toBe('1');
  expect(await count(project.directory, 'code.startsWith("2024-") and place = "a/b é"')).toBe('3');
  expect(await count(project.directory, 'code.isNull() and n = 4')).toBe('1');
});

test.for(['csv', 'parquet', 'json'])('a column that the files have is theirs, whatever a folder is called: %s', async (format) => {
  using project = createTempProject(manifests(`data/**/*.${format}`));
  await write(join(project.directory, 'data', 'CODE=x', 'n=7', `people.${format}`), `select * from ${PEOPLE}`, format);
  expect(await count(project.directory, 'code = "2024-1-5" and n = 1')).toBe('1');
  expect(await count(project.directory, 'code = "x" or n = 7')).toBe('0');
});

test.for(['parquet', 'json'])('where the files have one key as a column, the other keys are columns still, and a folder `Null` says so: %s', async (format) => {
  using project = createTempProject(manifests(`data/**/*.${format}`, ', place: {column: place, type: string}'));
  for (const place of ['Null', 'a.b', '__HIVE_DEFAULT_PARTITION__'])
    await write(
      join(project.directory, 'data', 'Place=z', 'code=x', `place=${place}`, 'n=7', `people.${format}`),
      `select '${place}' || id as id, code, n from ${PEOPLE}`,
      format,
    );
  expect(await count(project.directory, 'code = "2024-1-5" and place = "Null"')).toBe('1');
  expect(await count(project.directory, 'n < 4 and place = "a.b"')).toBe('3');
  expect(await count(project.directory, 'place.isNull() and n < 7')).toBe('4');
  expect(await count(project.directory, 'code = "x" or n = 7 or place = "z"')).toBe('0');
});

test('a project below a folder that is called like a column of its own files tells right who left', async () => {
  using parent = createTempProject();
  const project = join(parent.directory, 'id=5');
  const run = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await reconcile(['-C', project, ...args]);
    return stdout + stderr;
  };
  const files = { ...manifests('people.csv'), 'manifests/letter.yaml': LETTER, 'people.csv': 'id,code,n\na,x,1\nb,y,2\n' };
  for (const [path, text] of Object.entries(files)) parent.write(join('id=5', path), text);
  await run('apply', '--auto-approve', '--now', '2026-01-01T00:00:00Z');
  await run('run', 'letter', '--slot', '2026-01-02T02:00:00Z', '--now', '2026-01-02T03:00:00Z');
  parent.write('id=5/people.csv', 'id,code,n\na,x,0\nb,y,2\n');
  await run('run', 'letter', '--slot', '2026-01-02T08:00:00Z', '--now', '2026-01-02T09:00:00Z');
  expect(parent.read('id=5/out/outbox_all_20260102_080000.csv')).toBe('id,status\na,exited\n');
});
