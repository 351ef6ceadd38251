import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import { engineFormat, fileSettings } from '../../../src/export/file-settings.ts';
import { compressionStages, writeFile } from '../../../src/export/write-file.ts';
import type { AttributesSpec, MappingEntry } from '../../../src/model/generated/kinds.ts';
import { sql } from '../../../src/sql/sql.ts';
import { openExportBench, type ExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const STATUS = {
  source: 'segmentMembership.status',
  target: 'status',
} as const;

/** With that little memory a statement that keeps a table of so many ids has nothing left for the rest. */
const ROWS = 240_000;
const SHORT_MB = 48;
const AMPLE_MB = 1000;

let short: ExportBench;
let ample: ExportBench;
beforeEach(async () => {
  short = await openExportBench();
  ample = await openExportBench();
});
afterEach(async () => {
  await short[Symbol.asyncDispose]();
  await ample[Symbol.asyncDispose]();
});

/** Three people share an email. */
async function writePeople(from: number, to: number): Promise<void> {
  const people = `select range as id, 'first' || hash(range) as first, 'last' || (range % 7) as last, 'mail' || hash(range // 3) as email, 'DE' as country, range % 100 as income from range(${from}, ${to})`;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const { folder } of [short, ample]) await connection.run(`copy (${people}) to '${join(folder, 'people.parquet')}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
}

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  identities: {
    crmId: { column: 'id', primary: true },
    Email: { column: 'email' },
  },
  fields: {
    mail: { column: 'email', type: 'string' },
    first: { column: 'first', type: 'string' },
    last: { column: 'last', type: 'string' },
    country: { column: 'country', type: 'string' },
    income: { column: 'income', type: 'integer' },
  },
};

const KEYS: Readonly<Record<string, readonly MappingEntry[]>> = {
  'one identity': [{ source: 'identityMap.Email', target: 'email' }],
  'one attribute': [{ source: 'mail', key: true }],
  'two attributes': [
    { source: 'mail', key: true },
    { source: 'country', key: true },
  ],
};

test.each(Object.keys(KEYS))('%s: slots deduplicate with little memory, and the winners are those of ample memory', async (keys) => {
  const mapping: readonly MappingEntry[] = [...(KEYS[keys] ?? []), { source: 'first' }, { source: 'last' }, { source: 'income' }, STATUS];
  const slot = async (bench: ExportBench, memoryLimitMb: number, number: number, mode: 'full' | 'incremental'): Promise<string> => {
    const { run } = await bench.run({
      dataset: 'people.parquet',
      attributes: ATTRIBUTES,
      mapping,
      mode,
      slot: number * HOUR,
      name: `s${number}`,
      memory: { memoryLimitMb },
    });
    expect(run.error).toBeUndefined();
    return `${JSON.stringify(run.counts)}\n${(await bench.read(`s${number}.csv`)).trimEnd().split('\n').toSorted().join('\n')}`;
  };
  await writePeople(0, ROWS);
  expect((await slot(short, SHORT_MB, 1, 'full')) === (await slot(ample, AMPLE_MB, 1, 'full'))).toBe(true);
  await writePeople(ROWS / 4, ROWS * 1.25);
  expect((await slot(short, SHORT_MB, 2, 'incremental')) === (await slot(ample, AMPLE_MB, 2, 'incremental'))).toBe(true);
});

/** Rows that are written at once, and lists, which stay in memory whatever folder there is to spill to. */
const ROWS_THEN_LISTS = sql`select range as id, 'first' || range as first from range(1000000) union all select sum(len(l)), 'lists' from (select range % 50000 as k, list(range order by range desc) as l from range(3000000) group by k)`;

test.each([false, true])('a file whose writing starts over with more memory is told as what it is in the end; compressed: $0', async (compressed) => {
  const source = {
    engine: 'duckdb',
    datasets: { people: { path: 'people.csv' } },
  } as const;
  const attributes = {
    source: 'shop',
    dataset: 'people',
    identities: { crmId: { column: 'id', primary: true } },
  };
  await using engine = createDuckDbEngine({
    model: { name: 'customer', attributes, sourceName: 'shop', source },
    project: short.folder,
    cacheFolder: join(short.folder, 'cache'),
    temporaryFolder: join(short.folder, 'spill'),
    memoryLimitMb: 48,
    mostMemoryMb: 1000,
    threads: 2,
  });
  const path = join(short.folder, 'out');
  const settings = fileSettings({ format: 'csv', compression: compressed ? 'gzip' : 'none' }, false);

  const written = await writeFile({
    engine,
    query: ROWS_THEN_LISTS,
    columns: 2,
    format: engineFormat(settings, undefined),
    whenEmpty: undefined,
    stages: compressionStages('csv', settings.compression),
    path,
  });

  const bytes = await readFile(path);
  expect(written).toEqual({
    rows: 1_000_001,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  const text = String(compressed ? gunzipSync(bytes) : bytes);
  expect(text.trimEnd().split('\n').length).toBe(1_000_002);
  expect(text.includes('3000000,lists')).toBe(true);
});
