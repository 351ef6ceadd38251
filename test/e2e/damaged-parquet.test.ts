import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, afterEach, expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

let project: TempProject;

beforeEach(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: s}
spec: {engine: duckdb, datasets: {people: {path: "people/*.parquet"}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: s, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {name: {column: name, type: string}}}
`,
  });
  mkdirSync(join(project.directory, 'people'));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const number of [0, 1, 2])
    await connection.run(
      `copy (select i * 3 + ${number} as id, 'Grace' || i as name from range(100) t(i)) to '${project.directory}/people/${number}.parquet' (compression uncompressed)`,
    );
  connection.closeSync();
});

afterEach(() => project[Symbol.dispose]());

test.for([
  ['its footer', (bytes: Buffer) => bytes.fill(0xff, bytes.length - 60, bytes.length - 40), 'the file `people/1.parquet` is damaged'],
  ['its first page', (bytes: Buffer) => bytes.fill(0xff, 4, 24), 'the file `people/1.parquet` is damaged'],
  ['a text', (bytes: Buffer) => bytes.fill(0xff, bytes.indexOf('Grace7'), bytes.indexOf('Grace7') + 2), 'file "people/1.parquet": a text is not UTF-8'],
] as const)('of many Parquet files the damaged one is named, and no value of it: %s', async ([, damage, told]) => {
  const path = join(project.directory, 'people/1.parquet');
  const bytes = readFileSync(path);
  damage(bytes);
  writeFileSync(path, bytes);
  const { code, stderr } = await reconcile(['-C', project.directory, 'preview', '--attributes', 'person', '--pql', 'name.startsWith("G")']);
  expect(stderr).toContain('RC2003');
  expect(stderr).toContain(told);
  expect(stderr).not.toMatch(/has a bug|ace7/);
  expect(code).toBe(1);
});
