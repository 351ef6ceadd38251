import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { ident, sql } from '../../../src/sql/sql.ts';

let folder: string;
const opened: Engine[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'typed-value-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((engine) => engine[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

function engineOver(type: string, path = 'people.csv'): Engine {
  const attributes: AttributesSpec = {
    source: 's',
    dataset: 'people',
    identities: { id: { column: 'id', primary: true } },
    fields: { v: { column: 'v', type } },
  };
  const engine = createDuckDbEngine({
    model: { name: 'a', attributes, sourceName: 's', source: { engine: 'duckdb', datasets: { people: { path } } } },
    project: folder,
    cacheFolder: join(folder, 'cache'),
    temporaryFolder: join(folder, 'tmp'),
    memoryLimitMb: 128,
  });
  opened.push(engine);
  return engine;
}

async function read(type: string, values: readonly string[]): Promise<{ readonly values: readonly unknown[]; readonly bad: readonly string[] }> {
  await writeFile(join(folder, 'people.csv'), `id,v\n${values.map((value, index) => `${index},${value}`).join('\n')}\n`);
  const engine = engineOver(type);
  const { health } = await engine.open({ profile: ['v'], event: undefined });
  const rows = await engine.rows(sql`select cast(${ident('v')} as varchar) as v from profile order by cast("id" as int)`);
  return { values: rows.map((row) => row['v']), bad: health.badValues.map(({ count, value, row }) => `${count} ${value} @${row}`) };
}

test.each([
  ['integer', ['1', '-07', '+3', ''], ['1', '-7', '3', null]],
  ['decimal', ['1.50', '-0.125', '90000', ''], ['1.500', '-0.125', '90000.000', null]],
  ['decimal(6,2)', ['1.5', '2.500', '-3'], ['1.50', '2.50', '-3.00']],
  ['double', ['1e3', '0.5'], ['1000.0', '0.5']],
  ['boolean', ['true', 'F', '1', ''], ['true', 'false', 'true', null]],
  ['date', ['2024-02-29'], ['2024-02-29']],
  ['timestamp', ['2024-02-29T10:00:00+02:00', '2024-02-29 10:00', '2024-02-29'], ['2024-02-29 08:00:00', '2024-02-29 10:00:00', '2024-02-29 00:00:00']],
  ['string', ['""', '', 'NULL', '"a\nb"'], ['', null, 'NULL', 'a\nb']],
])('%s is read from text exactly', async (type, texts, wanted) => {
  const { values, bad } = await read(type, texts);

  expect(values).toEqual(wanted);
  expect(bad).toEqual([]);
});

test.each([
  ['integer', '1.5'],
  ['integer', '0x10'],
  ['integer', '1_000'],
  ['integer', '99999999999999999999'],
  ['decimal', '1e5'],
  ['decimal', 'n/a'],
  ['decimal(6,2)', '1.555'],
  ['decimal(6,2)', '12345.00'],
  ['double', 'nan'],
  ['boolean', 'maybe'],
  ['date', '2023-02-29'],
  ['date', '2024-01-01 10:00'],
  ['date', '01/02/2024'],
  ['timestamp', '2024-01-01T25:00:00Z'],
  ['timestamp', 'yesterday'],
  ['integer', '""'],
])('%s: %s is told with its row and never read as something else', async (type, text) => {
  const { values, bad } = await read(type, ['', text]);

  expect(values).toEqual([null, null]);
  expect(bad).toEqual([`1 ${text === '""' ? '' : text} @2`]);
});

test.each([
  ['double', 'double', 'nan'],
  ['double', 'float', 'inf'],
  ['date', 'date', 'infinity'],
  ['date', 'timestamp', '-infinity'],
  ['timestamp', 'timestamp', 'infinity'],
  ['timestamp', 'timestamp with time zone', 'infinity'],
  ['timestamp', 'timestamp_ns', 'infinity'],
  ['timestamp', 'date', 'infinity'],
])('%s in a typed column, %s: %s is told as in a text', async (type, physical, text) => {
  const connection = await (await DuckDBInstance.create()).connect();
  const good = physical.startsWith('t') || physical === 'date' ? '2024-01-01' : '-0.5';
  const path = join(folder, 'people.parquet');
  await connection.run(`copy (select 0 as id, '${good}'::${physical} as v union all select 1, '${text}'::${physical} union all select 2, null) to '${path}'`);
  connection.closeSync();
  const engine = engineOver(type, 'people.parquet');
  const { health } = await engine.open({ profile: ['v'], event: undefined });

  expect(health.badValues.map(({ count, value, row }) => [count, value, row])).toEqual([[1, text, 2]]);
  expect(await engine.rows(sql`select "id" from profile where ${ident('v')} is not null`)).toEqual([{ id: '0' }]);
});

test('32-bit floats are the numbers that they show', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  const shown = ['0.1', '-2.5', '16777216.0', '3.4028235e+38', '1e-45', null];
  const floats = shown.map((text, id) => `select ${id} as id, '${text ?? ''}'::varchar as text`).join(' union all ');
  await connection.run(`copy (select id, try_cast(text as float) as v from (${floats})) to '${join(folder, 'people.parquet')}'`);
  connection.closeSync();
  const engine = engineOver('double', 'people.parquet');
  await engine.open({ profile: ['v'], event: undefined });

  expect(await engine.rows(sql`select cast("v" as varchar) as v, "v" = 0.1 and "v" = 0.1e0 as tenth from profile order by "id"`)).toEqual(
    shown.map((v) => ({ v, tenth: v === null ? null : v === '0.1' })),
  );
});

test('whole numbers declared decimal are computed with the digits of decimals', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`copy (select 0 as id, 2000000000::integer as v union all select 1, -7) to '${join(folder, 'people.parquet')}'`);
  connection.closeSync();
  const engine = engineOver('decimal', 'people.parquet');
  await engine.open({ profile: ['v'], event: undefined });

  expect(await engine.rows(sql`select cast("v" as varchar) as v, cast("v" + "v" as varchar) as twice from profile order by "id"`)).toEqual([
    { v: '2000000000', twice: '4000000000' },
    { v: '-7', twice: '-14' },
  ]);
});

test('a missing column is named with the nearest one, a missing file with its path, a broken line with its number', async () => {
  await writeFile(join(folder, 'people.csv'), 'id,w\n1,2\n');
  await expect(engineOver('string').open({ profile: ['v'], event: undefined })).rejects.toMatchObject({
    code: 'RC2002',
    message: expect.stringContaining('no column `v`'),
  });
  await expect(engineOver('string', 'gone.csv').open({ profile: [], event: undefined })).rejects.toMatchObject({
    code: 'RC2001',
    message: expect.stringContaining('`gone.csv`'),
  });
  await writeFile(join(folder, 'case.ndjson'), '{"id": 1, "v": {"a": 1, "A": 2}}\n');
  await expect(engineOver('string', 'case.ndjson').open({ profile: ['v'], event: undefined })).rejects.toMatchObject({
    code: 'RC2003',
    message: expect.stringContaining('`A`'),
  });
  await writeFile(join(folder, 'broken.csv'), 'id,v\n1,2\n2,3,4\n');
  await expect(engineOver('string', 'broken.csv').open({ profile: ['v'], event: undefined })).rejects.toMatchObject({
    code: 'RC2003',
    message: expect.stringContaining('3'),
  });
});
