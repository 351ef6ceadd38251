import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { Engine, OpenedSource } from '../../../src/engine/engine.ts';
import type { AttributesSpec, ElementTypeSpec, NestedTypeSpec } from '../../../src/model/generated/kinds.ts';
import { columnSql } from '../../../src/segment/compile/columns.ts';
import type { Compiler } from '../../../src/segment/compile/context.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { sql, type Sql } from '../../../src/sql/sql.ts';
import { randomFrom } from '../../support/random.ts';

let folder: string;
const opened: Engine[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nested-value-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((engine) => engine[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

interface Found {
  readonly engine: Engine;
  readonly source: OpenedSource;
  /** `COUNT @ROW PATH is no TYPE: VALUE`, or nothing. */
  readonly told: string;
  readonly schema: ReturnType<typeof toProfileSchema>;
}

async function open(declared: NestedTypeSpec, path: string): Promise<Found> {
  const attributes: AttributesSpec = {
    source: 's',
    dataset: 'people',
    identities: { id: { column: 'id', primary: true } },
    fields: { v: { column: 'v', ...declared } },
  };
  const engine = createDuckDbEngine({
    model: { name: 'a', attributes, sourceName: 's', source: { engine: 'duckdb', datasets: { people: { path } } } },
    project: folder,
    cacheFolder: join(folder, 'cache'),
    temporaryFolder: join(folder, 'tmp'),
    memoryLimitMb: 256,
  });
  opened.push(engine);
  const source = await engine.open({ profile: ['v'], event: undefined });
  const [bad] = source.health.badValues;
  const told = bad === undefined ? '' : `${bad.count} @${bad.row} v${bad.inside?.path ?? ''} is no ${bad.inside?.type ?? bad.type}: ${bad.value}`;
  return { engine, source, told, schema: toProfileSchema(attributes) };
}

function csv(texts: readonly string[]): string {
  return `id,v\n${texts.map((text, index) => `${index},${text === '' ? '' : `"${text.replaceAll('"', '""')}"`}`).join('\n')}\n`;
}

/** The same values as JSON in text, as JSON lines and as a JSON column of a Parquet file. */
async function writeAll(texts: readonly string[]): Promise<readonly string[]> {
  await writeFile(join(folder, 'people.csv'), csv(texts));
  await writeFile(join(folder, 'people.ndjson'), texts.map((text, index) => `{"id": ${index}, "v": ${text === '' ? 'null' : text}}\n`).join(''));
  await writeParquet(`select id, v::json as v from read_csv('${folder}/people.csv', columns => {id: 'bigint', v: 'varchar'})`);
  return ['people.csv', 'people.ndjson', 'people.parquet'];
}

async function writeParquet(query: string): Promise<void> {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`copy (${query}) to '${folder}/people.parquet'`);
  connection.closeSync();
}

const LINES: ElementTypeSpec = { type: 'array', items: { type: 'object', fields: { n: 'integer', at: 'timestamp' } } };
const ORDERS: NestedTypeSpec = {
  type: 'array',
  items: { type: 'object', fields: { sku: 'string', price: 'decimal(9,2)', paid: 'boolean', lines: LINES, rates: { type: 'map', values: 'double' } } },
};
const FINE = '[{"sku":"PS","price":20.5,"paid":true,"lines":[{"n":1,"at":"2024-02-29T10:00:00+02:00"}],"rates":{"a b":1e-3}}]';

test.each([
  '',
  'null',
  '[]',
  '[null]',
  '[{}]',
  '[{"sku":null,"price":null,"lines":null,"rates":null}]',
  '[{"other":[{"deep":{}}]}]',
  `[${FINE.slice(1, -1)},{"lines":[]}]`,
])('nulls, missing and extra keys are fine: %s', async (text) => {
  for (const path of await writeAll([FINE, text])) expect((await open(ORDERS, path)).told, path).toBe('');
});

test.each([
  ['{"a":1}', 'v is no array: {"a":1}'],
  ['[5]', 'v[0] is no object: 5'],
  ['[{},[]]', 'v[1] is no object: []'],
  ['[{"price":"cheap"}]', 'v[0].price is no decimal(9,2): "cheap"'],
  ['[{"price":1.555}]', 'v[0].price is no decimal(9,2): 1.555'],
  ['[{"price":12345678}]', 'v[0].price is no decimal(9,2): 12345678'],
  ['[{"price":{"amount":1}}]', 'v[0].price is no decimal(9,2): {"amount":1}'],
  ['[{"paid":"maybe"}]', 'v[0].paid is no boolean: "maybe"'],
  ['[{"paid":2}]', 'v[0].paid is no boolean: 2'],
  ['[{"lines":{"n":1}}]', 'v[0].lines is no array: {"n":1}'],
  ['[{"lines":"none"}]', 'v[0].lines is no array: "none"'],
  ['[{"lines":[{"n":1},{"n":1.5}]}]', 'v[0].lines[1].n is no integer: 1.5'],
  ['[{"lines":[{"n":99999999999999999999}]}]', 'v[0].lines[0].n is no integer: 99999999999999999999'],
  ['[{"lines":[{"n":"one"}]}]', 'v[0].lines[0].n is no integer: "one"'],
  ['[{"lines":[{"at":"2023-02-29T10:00:00Z"}]}]', 'v[0].lines[0].at is no timestamp: "2023-02-29T10:00:00Z"'],
  ['[{"lines":[{"at":1700000000}]}]', 'v[0].lines[0].at is no timestamp: 1700000000'],
  ['[{"rates":[1]}]', 'v[0].rates is no map: [1]'],
  ['[{"rates":{"a":1,"b \\"c\\"":"much"}}]', 'v[0].rates["b \\"c\\""] is no double: "much"'],
  ['[{"sku":"PS"},{"paid":"maybe","price":"cheap"}]', 'v[1].price is no decimal(9,2): "cheap"'],
])('%s is told with its place', async (text, place) => {
  for (const path of await writeAll(['', FINE, text, text])) expect((await open(ORDERS, path)).told, path).toBe(`2 @3 ${place}`);
});

test('text that is no JSON is told as it stands, in CSV and in a Parquet column that claims to be JSON', async () => {
  await writeFile(join(folder, 'people.csv'), csv([FINE, '[{"sku":', '{oops', '']));
  await writeParquet(`select id, '[{"sku":' as v from range(3) t(id)`);
  expect((await open(ORDERS, 'people.csv')).told).toBe('2 @2 v is no JSON: [{"sku":');
  expect((await open(ORDERS, 'people.parquet')).told).toBe('3 @1 v is no JSON: [{"sku":');
});

test('a JSON column of a Parquet file that holds no JSON is told, beside values that are fine', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  // No cast checks what is only called JSON.
  await connection.run(`create table t(id bigint, v json); create table u(id bigint, v varchar)`);
  await connection.run(`insert into u select i, case when i = 2500 then '[{"sku"' else '${FINE}' end from range(5000) r(i)`);
  await connection.run(`copy u to '${folder}/text.parquet'`);
  connection.closeSync();
  expect((await open(ORDERS, 'text.parquet')).told).toBe('1 @2501 v is no JSON: [{"sku"');
});

test.each<readonly [string, NestedTypeSpec, string]>([
  [`[{n: 1, price: 2.5::decimal(9, 2)}]`, { type: 'array', items: { type: 'object', fields: { n: 'integer', price: 'decimal' } } }, ''],
  [`[{n: '1', t: '2024-01-01'}]`, { type: 'array', items: { type: 'object', fields: { n: 'integer', t: 'timestamp' } } }, ''],
  [`[{N: 1}, {N: 2}]`, { type: 'array', items: { type: 'object', fields: { n: 'integer', other: 'string' } } }, ''],
  [`[{n: '1'}, {n: 'x'}]`, { type: 'array', items: { type: 'object', fields: { n: 'integer' } } }, '1 @2 v[1].n is no integer: "x"'],
  [`[1.0, 1.5]::double[]`, { type: 'array', items: 'integer' }, '1 @2 v[1] is no integer: 1.5'],
  [`[18446744073709551615::ubigint]`, { type: 'array', items: 'integer' }, '1 @2 v[0] is no integer: 18446744073709551615'],
  [`map {'a': timestamp '2024-01-01 10:00'}`, { type: 'map', values: 'date' }, '1 @2 v["a"] is no date: "2024-01-01 10:00:00"'],
  [
    `{o: {d: ['2024-02-30']}}`,
    { type: 'object', fields: { o: { type: 'object', fields: { d: { type: 'array', items: 'date' } } } } },
    '1 @2 v.o.d[0] is no date: "2024-02-30"',
  ],
  [`['1', 'nan']::double[]`, { type: 'array', items: 'double' }, '1 @2 v[1] is no double: NaN'],
  [`{a: 1e300::double}`, { type: 'object', fields: { a: 'decimal' } }, '1 @2 v.a is no decimal: 1e300'],
  // Of another shape than declared: read as JSON.
  [`{a: 1, b: 2}`, { type: 'map', values: 'integer' }, ''],
  [`{a: 1}`, { type: 'array', items: 'integer' }, '1 @2 v is no array: {"a":1}'],
  [`[{a: 1}]`, { type: 'array', items: { type: 'object', fields: { b: 'integer' } } }, ''],
  [`5`, { type: 'array', items: 'integer' }, '1 @2 v is no array: 5'],
])('a column %s', async (value, declared, told) => {
  await writeParquet(`select 0 as id, null as v union all select 1, ${value}`);
  const found = await open(declared, 'people.parquet');
  expect(found.told).toBe(told);
  if (told !== '') return;
  const [row] = await found.engine.rows(sql`select ${shaped(found)} is not null as fine from profile p where p."id" = '1'`);
  expect(row).toEqual({ fine: true });
});

function shaped({ schema }: Found): ReturnType<typeof columnSql> {
  return columnSql({ profileColumns: new Set<string>(), innerTimes: true } as unknown as Compiler, 'v', schema.fields.get('v')?.type);
}

test.each<readonly [string, NestedTypeSpec]>([
  [`['2024-01-02T00:30:00+01:00']`, { type: 'array', items: 'timestamp' }],
  [`map {'a': '2024-01-02T00:30:00+01:00'}`, { type: 'map', values: 'timestamp' }],
  [`[{T: '2024-01-02T00:30:00+01:00', n: 1}]`, { type: 'array', items: { type: 'object', fields: { t: 'timestamp', n: 'integer' } } }],
  [`{o: {t: '2024-01-02T00:30:00+01:00'}}::json`, { type: 'object', fields: { o: { type: 'object', fields: { t: 'timestamp' } } } }],
  [`[{t: timestamp '2024-01-01 23:30', s: 'x'}]`, { type: 'array', items: { type: 'object', fields: { t: 'timestamp', s: 'string' } } }],
])('the zone of a time that is text inside %s counts', async (value, declared) => {
  await writeParquet(`select 1 as id, ${value} as v`);
  const found = await open(declared, 'people.parquet');
  const [row] = await found.engine.rows(sql`select cast(${shaped(found)} as varchar) as text from profile p`);
  expect(row?.['text']).toContain('2024-01-01 23:30:00');
});

const PRICES: NestedTypeSpec = { type: 'array', items: { type: 'object', fields: { p: 'decimal', at: 'timestamp' } } };

test.each<readonly [string, NestedTypeSpec, string]>([
  // 32 bits: what the source shows, as of a column.
  ['[0.1::float, null, 3.4e38::float]', { type: 'array', items: 'double' }, '[0.1, NULL, 3.4e+38]'],
  ['[2.5::float, 0.1::float]', { type: 'array', items: 'decimal' }, '[2.5000000000, 0.1000000000]'],
  [`{"x y": 0.1::float, n: 1, t: timestamp '2024-01-01', e: 'a'::enum('a')}`, { type: 'object', fields: { 'x y': 'double' } }, "{'x y': 0.1}"],
  [`map {'k': [{f: 0.1::float}]}`, { type: 'map', values: { type: 'array', items: { type: 'object', fields: { f: 'double' } } } }, "{k=[{'f': 0.1}]}"],
  ['[0.1, 0.2, 0.3]::float[3]', { type: 'array', items: 'double' }, '[0.1, 0.2, 0.3]'],
  // 64 bits, JSON's among them, of which ten decimals are asked.
  ['[1234567.89, 99999.1234567891, 1e7]::double[]', { type: 'array', items: 'decimal' }, '[1234567.8900000000, 99999.1234567891, 10000000.0000000000]'],
  [`'[-1234567.89, 1.23456789e6, 12]'::json`, { type: 'array', items: 'decimal' }, '[-1234567.8900000000, 1234567.8900000000, 12.0000000000]'],
  [`[{p: 7654321.98::double, "at": '2024-01-02T00:30:00+01:00'}]`, PRICES, `[{'p': 7654321.9800000000, 'at': '2024-01-01 23:30:00'}]`],
  [
    `'[{"p": 7654321.98, "at": "2024-01-02T00:30:00+01:00"}, {"p": "1234567.89"}]'::json`,
    PRICES,
    `[{'p': 7654321.9800000000, 'at': '2024-01-01 23:30:00'}, {'p': 1234567.8900000000, 'at': NULL}]`,
  ],
])('a number inside %s is the one that the source shows', async (value, declared, text) => {
  await writeParquet(`select 0 as id, null as v union all select 1, ${value}`);
  const found = await open(declared, 'people.parquet');
  expect(found.told).toBe('');
  const rows = await found.engine.rows(sql`select cast(${shaped(found)} as varchar) as text from profile p order by p."id"`);
  expect(rows.map((row) => row['text'])).toEqual([null, text]);
});

test('what an export writes of 32-bit floats inside a value is what the source shows', async () => {
  await writeParquet(`select 1 as id, [{f: 0.1::float, n: 1.25::decimal(5, 2), s: 'x'}] as v`);
  const { engine } = await open({ type: 'array', items: { type: 'object', fields: { f: 'double' } } }, 'people.parquet');
  expect(await engine.rows(sql`select cast(to_json(p."v") as varchar) as json from profile p`)).toEqual([{ json: '[{"f":0.1,"n":1.25,"s":"x"}]' }]);
});

/** Texts of which some are of the type and some are not, in every spelling that one of the engine's casts may take or leave. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  integer: [
    '0',
    '-0',
    '7',
    '-12',
    '+3',
    '007',
    ' 7',
    '7 ',
    '1_000',
    '0x10',
    '1.0',
    '1.5',
    '1e3',
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    '',
    'one',
  ],
  decimal: [
    '0',
    '1.50',
    '.5',
    '5.',
    '+1.5',
    '-0.125',
    '1e5',
    '00.5',
    '0.00001',
    '1234567890123456789012345678',
    '9'.repeat(27),
    '9'.repeat(28),
    '9'.repeat(29),
    '.',
    '',
    '1,5',
  ],
  'decimal(4,2)': ['12.34', '12.340', '12.345', '123', '99.99', '-99.99', '.5', '0.001'],
  'decimal(2,2)': ['0.25', '.25', '1.25', '0', '.'],
  'decimal(3,0)': ['12', '12.0', '12.5', '.5', '1234'],
  double: ['1e3', '-1.5E-3', '+1', '1_1', 'nan', 'inf', 'Infinity', '1e400', ' 1', '5.', '.5', '', '12345678901234567890'],
  boolean: ['true', 'TRUE', 'tRuE', 'False', 't', 'f', 'T', 'yes', 'no', 'y', 'n', '1', '0', 'on', 'off', '', ' true'],
  date: ['2024-02-29', '2023-02-29', '2024-1-1', '2024-01-01T00:00:00', '0001-01-01', '9999-12-31', 'infinity', 'epoch', ''],
  timestamp: [
    ...['', 'Z', ' UTC', '+02', '+02:00', '+0200', '-23:59', '+02:60', '+16:00', ' +01:00'].flatMap((zone) =>
      [
        '2024-02-29T10:00',
        '2024-02-29 10:00:00',
        '2024-02-29T10:00:00.1234567',
        '2024-02-29 24:00:00',
        '2024-02-29T25:00:00',
        '2023-02-29 10:00',
        '2024-02-29 10:00:60',
      ].map((time) => `${time}${zone}`),
    ),
    '2024-02-29',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999Z',
    'infinity',
    'now',
    '20240229',
  ],
};
const NUMBERS = [
  '0',
  '-0',
  '7',
  '-12',
  '1.0',
  '1.5',
  '-0.125',
  '1e3',
  '1E-7',
  '0.00001',
  '12.345',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '12345678901234567890123',
  '1e27',
  '1e29',
];
/** Not compared with a column, whose digits are those of all its values. */
const OTHERS = [`"${'9'.repeat(28)}.99999999999"`, 'true', 'false', '{}', '[]', '[1]', '{"a":1}'];

test.each(Object.keys(SPELLINGS))('what is taken for a %s inside JSON is what a segment reads, and a column would take it as well', async (type) => {
  const spellings = SPELLINGS[type] ?? [];
  const tokens = [...spellings.map((text) => JSON.stringify(text)), ...NUMBERS, ...OTHERS];
  const inside = await judge({ type: 'array', items: type }, csv(tokens.map((token) => `[${token}]`)), (found) => sql`(${shaped(found)})[1]`);
  const outside = await judge({ type }, csv(spellings.map((text) => (text === '' ? ' ' : text))), () => sql`p."v"`);
  const compared = spellings.flatMap((text, index) => (inside[index]?.bad === false ? [{ text, inside: inside[index], outside: outside[index] }] : []));

  expect(tokens.filter((_, index) => inside[index]?.bad === false && inside[index]?.value === null)).toEqual([]);
  expect(compared.filter((one) => one.outside?.bad !== false)).toEqual([]);
  expect(compared.filter((one) => plain(one.inside?.value) !== plain(one.outside?.value))).toEqual([]);
  expect(new Set(inside.map(({ bad }) => bad))).toEqual(new Set([true, false]));
  expect(compared).not.toEqual([]);
});

/** Decimals without the zeros that only their type adds. */
function plain(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d*\.?\d*$/.test(value) ? value.replace(/^(-?)\./, '$10.').replace(/\.?0+$/, '') : value;
}

/** Each row alone: whether it is told, and what a segment reads. */
async function judge(
  declared: NestedTypeSpec,
  text: string,
  value: (found: Found) => Sql,
): Promise<readonly { readonly bad: boolean; readonly value: unknown }[]> {
  await writeFile(join(folder, `${declared.type}.csv`), text);
  const found = await open(declared, `${declared.type}.csv`);
  const bad = found.source.health.badValues.length > 0 ? sql`p."v#bad"` : sql`false`;
  const rows = await found.engine.rows(sql`select ${bad} as bad, cast(${value(found)} as varchar) as value from profile p order by cast("id" as int)`);
  return rows.map((row) => ({ bad: row['bad'] === true, value: row['value'] }));
}

type Draw = () => number;
const LEAVES: Readonly<Record<string, readonly [fine: readonly string[], wrong: readonly string[]]>> = {
  integer: [
    ['0', '-7', '"12"', '9223372036854775807'],
    ['1.5', '"x"', '9223372036854775808', 'true', '{}', '[1]'],
  ],
  'decimal(6,2)': [
    ['1', '-0.25', '"9999.990"', '1e2'],
    ['1.555', '12345', '"1e2"', 'false', '[]'],
  ],
  decimal: [
    ['1', '0.30000000000000004', '1e-7', '"5."'],
    ['"x"', '1e300', '{"a":1}'],
  ],
  double: [
    ['1', '1e300', '"-2.5"'],
    ['"nan"', '"+1"', '[]', 'true'],
  ],
  boolean: [
    ['true', 'false', '1', '"Yes"'],
    ['"maybe"', '2', '"1"', '{}'],
  ],
  date: [['"2024-02-29"'], ['"2023-02-29"', '20240229', '"2024-02-29T00:00"', '[]']],
  timestamp: [
    ['"2024-02-29"', '"2024-02-29T10:00:00+02:00"', '"2024-02-29 10:00"'],
    ['"2024-02-29T25:00"', '1', '{}', '"x"'],
  ],
  string: [['"x"', '1', 'true', '{"a":[1]}', '[]'], []],
};

function pick<T>(draw: Draw, items: readonly T[]): T {
  return items[Math.floor(draw() * items.length)] as T;
}

function drawType(draw: Draw, depth: number): ElementTypeSpec {
  const kind = depth === 0 ? 'leaf' : pick(draw, ['leaf', 'array', 'map', 'object', 'object']);
  if (kind === 'leaf') return pick(draw, Object.keys(LEAVES));
  if (kind === 'array') return { type: 'array', items: drawType(draw, depth - 1) };
  if (kind === 'map') return { type: 'map', values: drawType(draw, depth - 1) };
  return { type: 'object', fields: Object.fromEntries(['a', 'b', 'c'].slice(0, 1 + Math.floor(draw() * 3)).map((name) => [name, drawType(draw, depth - 1)])) };
}

/** JSON of a type; `wrong` of those that stand inside it are not, and `first` is where the first is. */
function drawJson(draw: Draw, type: ElementTypeSpec, odds: number, at: string, found: { first?: string }): string {
  const spec: NestedTypeSpec = typeof type === 'string' ? { type } : type;
  if (draw() < 0.1) return 'null';
  const wrong = draw() < odds;
  const [fine, bad] = LEAVES[spec.type] ?? [[], { array: ['{}', '1', '"[]"'], map: ['[]', 'true', '"x"'], object: ['[{}]', '0', '"{}"'] }[spec.type] ?? []];
  if (wrong && bad.length > 0) {
    found.first ??= at;
    return pick(draw, bad);
  }
  if (spec.type in LEAVES) return pick(draw, fine);
  const some = Array.from({ length: Math.floor(draw() * 4) }, (_, index) => index);
  if (spec.type === 'array') return `[${some.map((index) => drawJson(draw, spec.items ?? 'string', odds, `${at}[${index}]`, found)).join(', ')}]`;
  if (spec.type === 'map')
    return `{${some.map((index) => `"k${index}": ${drawJson(draw, spec.values ?? 'string', odds, `${at}["k${index}"]`, found)}`).join(', ')}}`;
  const members = Object.entries(spec.fields ?? {}).flatMap(([name, field]) =>
    draw() < 0.2 ? [] : [`"${name}": ${drawJson(draw, field, odds, `${at}.${name}`, found)}`],
  );
  return `{${[...members, ...(draw() < 0.3 ? ['"extra": [{"a": "x"}]'] : [])].join(', ')}}`;
}

test('whatever the types, exactly those values are told in which something does not fit, and the first place is the right one', async () => {
  const draw = randomFrom(20261124);
  for (let round = 0; round < 25; round += 1) {
    const drawn = drawType(draw, 3);
    const declared: NestedTypeSpec = typeof drawn === 'string' ? { type: 'array', items: drawn } : drawn;
    const rows = Array.from({ length: 300 }, () => {
      const found: { first?: string } = {};
      const text = drawJson(draw, declared, 0.05, 'v', found);
      return { text, first: found.first };
    });
    const wanted = rows.flatMap(({ first }, index) => (first === undefined ? [] : [{ row: index + 1, first }]));
    await writeFile(join(folder, `r${round}.csv`), csv(rows.map(({ text }) => text)));

    const { told } = await open(declared, `r${round}.csv`);

    const about = `${JSON.stringify(declared)}\n${rows[(wanted[0]?.row ?? 1) - 1]?.text ?? ''}`;
    expect(told.replace(/ is no .*/s, ''), about).toBe(wanted.length === 0 ? '' : `${wanted.length} @${wanted[0]?.row} ${wanted[0]?.first}`);
  }
});
