import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { SourceHealth } from '../../../src/engine/engine.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'source-facts-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** More than one row group, so that more than one thread reads. */
const MANY = 400_000;

async function healthOf(query: string, memoryLimitMb = 256): Promise<SourceHealth> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`copy (${query}) to '${join(folder, 'people.parquet')}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
  const attributes = { source: 's', dataset: 'people', identities: { crmId: { column: 'id', primary: true } }, fields: {} };
  await using engine = createDuckDbEngine({
    model: { name: 'a', attributes, sourceName: 's', source: { engine: 'duckdb', datasets: { people: { path: 'people.parquet' } } } },
    project: folder,
    cacheFolder: join(folder, 'cache'),
    temporaryFolder: join(folder, 'tmp'),
    memoryLimitMb,
  });
  return (await engine.open({ profile: [], event: undefined })).health;
}

test.each([
  ['in order', `select range id from range(${MANY})`, 0, []],
  ['in order, texts', `select lpad(range::varchar, 9, '0') id from range(${MANY})`, 0, []],
  ['backwards', `select ${MANY} - range id from range(${MANY})`, 0, []],
  ['scattered', `select (range * 7919) % 1000003 id from range(${MANY})`, 0, []],
  ['texts as numbers go', `select range::varchar id from range(${MANY})`, 0, []],
  ['in order, one again at once', `select unnest([range, range + case when range = 300000 then 0 else ${MANY} end]) id from range(${MANY})`, 1, ['300000']],
  ['in order, the last as the one before', `select least(range, ${MANY - 2}) id from range(${MANY})`, 1, [String(MANY - 2)]],
  ['in order, and all of it again', `select range % ${MANY / 2} id from range(${MANY})`, MANY / 2, ['0', '1', '10']],
])('identities %s: those that are there twice are found', async (_what, query, duplicates, examples) => {
  const health = await healthOf(query);

  expect([health.duplicates, health.duplicateExamples, health.withoutIdentity]).toEqual([duplicates, examples, 0]);
});

test('rows without an identity are counted apart, and stand between no two', async () => {
  const health = await healthOf(
    `select case when range % 4 = 0 then null when range % 4 = 1 then '' else lpad(range::varchar, 9, '0') end id from range(${MANY})`,
  );

  expect([health.duplicates, health.withoutIdentity]).toEqual([0, MANY / 2]);
});

test('more identities than the memory holds are compared on disk', async () => {
  const health = await healthOf(`select 'somebody-with-a-long-name-' || hash(range % 2499999) id from range(2500000)`, 128);

  expect(health.duplicates).toBe(1);
});
