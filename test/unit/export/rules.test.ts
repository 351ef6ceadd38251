import { readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../../src/sql/sql.ts';
import type { AttributesSpec, MappingEntry } from '../../../src/model/generated/kinds.ts';
import { openExportBench, type BenchJob, type ExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const HEAD = 'id,first,last,email,country,income\n';
const ID = { source: 'identityMap.crmId', target: 'id' } as const;
let bench: ExportBench;
beforeEach(async () => {
  bench = await openExportBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function errorOf(change: Partial<BenchJob>): Promise<string> {
  const { run } = await bench.run(change);
  expect(run.counts).toEqual({ received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} });
  return `${run.status} ${run.error?.code ?? ''} ${run.error?.message ?? ''}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('sources that must not be exported', () => {
  test('an empty file and a header alone are held', async () => {
    await bench.writePeople(HEAD);
    expect(await errorOf({})).toMatch(/^held RC4001/);
  });

  test('a missing file and a missing column fail with the name', async () => {
    expect(await errorOf({ dataset: 'gone.csv' })).toMatch(/^failed RC2001 .*gone\.csv/);
    await bench.writePeople('id,frist\n1,x\n');
    const { run } = await bench.run({});
    expect(run.error).toMatchObject({ code: 'RC2002', hint: 'did you mean `frist`?' });
  });

  test('a primary identity that occurs twice fails and names the first three', async () => {
    await bench.writePeople(`${HEAD}${['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd'].map((id) => `${id},,,,,\n`).join('')}`);
    expect(await errorOf({})).toMatch(/^failed RC4002 4 primary identities occur more than once in dataset `people`: `a`, `b`, `c` …/);
  });

  test('a value that is not of its type fails with column, row and value; only where the column is used', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,7\n2,B,,,,lots\n`);
    expect(await errorOf({ mapping: [ID, { source: 'income' }] })).toMatch(
      /^failed RC4003 column `income` of dataset `people` is declared decimal, but row 2 holds "lots"/,
    );
    expect((await bench.run({})).run.status).toBe('success');
  });

  test('badValues: exclude counts such rows, also where the value decides', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,7\n2,B,,,,lots\n3,C,,,,9\n`);
    const attributes = {
      source: 'shop',
      dataset: 'people',
      badValues: 'exclude',
      identities: { crmId: { column: 'id', primary: true } },
      fields: { income: { column: 'income', type: 'decimal' } },
    } as const;
    const mapped = await bench.run({ attributes, mapping: [ID, { source: 'income' }] });
    const deciding = await bench.run({ attributes, mapping: [ID], predicate: sql`p."income" > 8`, profileColumns: ['income'] });
    expect(mapped.run.counts).toEqual({ received: 3, activated: 2, excluded: 1, failed: 0, reasons: { 'bad-value': 1 } });
    expect(deciding.run.counts).toEqual({ received: 2, activated: 1, excluded: 1, failed: 0, reasons: { 'bad-value': 1 } });
  });

  test('a source that changes while it is read fails the run and leaves nothing behind', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,\n`);
    const text = await errorOf({
      crashPoint: (name) => void (name === 'selected' && writeFileSync(join(bench.folder, 'people.csv'), `${HEAD}1,A,,,,\n2,B,,,,\n`)),
    });
    expect(text).toMatch(/^failed RC4010/);
    await expect(bench.read('out.csv')).rejects.toThrow('ENOENT');
  });
});

describe('guards', () => {
  const options = { mode: 'incremental', mapping: [ID, { source: 'segmentMembership.status', target: 'status' }] } as const;

  test('too many who leave are held, with the exact number that lets it pass this once', async () => {
    await bench.writePeople(people(200));
    await bench.run({ ...options, slot: HOUR, name: 's1' });
    await bench.writePeople(people(90));

    const held = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
    const wrong = await bench.run({ ...options, slot: 2 * HOUR, name: 's2', allow: { removed: 100 } });
    const right = await bench.run({ ...options, slot: 2 * HOUR, name: 's2', allow: { removed: 110 } });

    expect(held.run).toMatchObject({
      status: 'held',
      counts: { received: 0 },
      error: { code: 'RC4004', hint: expect.stringContaining('--allow-removed=110') },
    });
    expect(wrong.run.status).toBe('held');
    expect(right.run).toMatchObject({ status: 'success', id: held.run.id, counts: { received: 110, activated: 110 } });
    expect(await bench.state.ledger.snapshot('act', 'all')).toMatchObject({ members: 90 });
  });

  test('fewer than a hundred recorded members are not counted in percent; too few members are held', async () => {
    await bench.writePeople(people(99));
    await bench.run({ ...options, slot: HOUR, name: 's1' });
    await bench.writePeople(people(2));
    expect((await bench.run({ ...options, slot: 2 * HOUR, name: 's2' })).run.status).toBe('success');
    expect(await errorOf({ guards: { minMembers: 3 } })).toMatch(/^held RC4005 `all` has 2 members, fewer than guards\.minMembers 3/);
    await expect(bench.read('out.csv')).rejects.toThrow('ENOENT');
  });
});

describe('files', () => {
  test('a file that no run of this state wrote fails the run; one of our own is replaced and its surplus parts go', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,\n2,B,,,,\n3,C,,,,\n`);
    mkdirSync(join(bench.folder, 'out'));
    await writeFile(join(bench.folder, 'out', 'theirs.csv'), 'theirs');
    expect(await errorOf({ name: 'theirs' })).toMatch(/^failed RC4008/);
    expect(await bench.read('theirs.csv')).toBe('theirs');

    await bench.run({ file: { maxRows: 1 } });
    await bench.writePeople(`${HEAD}1,A,,,,\n`);
    const { run } = await bench.run({ file: { maxRows: 1 } });

    expect(run.files.map(({ path }) => path)).toEqual(['out.csv']);
    await expect(bench.read('out_2.csv')).rejects.toThrow('ENOENT');
    await expect(bench.read('out_3.csv')).rejects.toThrow('ENOENT');
  });

  test('JSON keeps the digits of decimals and NULL, as lines and as an array', async () => {
    await bench.writePeople(`${HEAD}1,"Q""x\ny",,,,12345678901234567890.10\n2,,,,,+0.50\n3,"",,,,\n`);
    const mapping = [ID, { source: 'first' }, { source: 'income' }] as const;
    await bench.run({ mapping, file: { format: 'json' }, name: 'lines' });
    await bench.run({ mapping, file: { format: 'json', json: { array: true } }, name: 'array' });
    await bench.run({ mapping: [ID, { source: 'first' }], file: { format: 'json' }, name: 'plain' });
    const lines =
      '{"id":"1","first":"Q\\"x\\ny","income":12345678901234567890.10}\n{"id":"2","first":null,"income":0.50}\n{"id":"3","first":"","income":null}\n';
    expect(await bench.read('lines.json')).toBe(lines);
    expect(await bench.read('array.json')).toBe(`[\n${lines.trimEnd().split('\n').join(',\n')}\n]\n`);
    expect(
      (await bench.read('plain.json'))
        .split('\n')
        .slice(0, 3)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { id: '1', first: 'Q"x\ny' },
      { id: '2', first: null },
      { id: '3', first: '' },
    ]);
  });

  test('Parquet keeps types: exact decimals, text, NULL', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,1.50\n2,"",,,,20\n`);
    await bench.run({ mapping: [ID, { source: 'first' }, { source: 'last' }, { source: 'income' }], file: { format: 'parquet' } });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(
      `select *, typeof(id) ti, typeof(income) td, cast(income as varchar) shown from '${join(bench.folder, 'out', 'out.parquet')}'`,
    );
    expect(reader.getRowObjects().map(({ id, first, last, ti, td, shown }) => [id, first, last, ti, td, shown])).toEqual([
      ['1', 'A', null, 'VARCHAR', 'DECIMAL(4,2)', '1.50'],
      ['2', '', null, 'VARCHAR', 'DECIMAL(4,2)', '20.00'],
    ]);
  });

  test('no rows: a full export writes its header or an empty array, an incremental one nothing', async () => {
    await bench.writePeople(`${HEAD}1,A,,,,\n`);
    const nobody = { predicate: sql`false` } as const;
    expect((await bench.run({ ...nobody })).run).toMatchObject({ status: 'success', files: [{ rows: 0 }] });
    expect(await bench.read('out.csv')).toBe('id,first\n');
    await bench.run({ ...nobody, name: 'lines', file: { csv: { quoteAll: true, lineEnding: 'CRLF' } } });
    expect(await bench.read('lines.csv')).toBe('"id","first"\r\n');
    await bench.run({ ...nobody, name: 'array', file: { format: 'json', json: { array: true } } });
    expect(JSON.parse(await bench.read('array.json'))).toEqual([]);
    expect((await bench.run({ ...nobody, mode: 'incremental', slot: HOUR, name: 'inc' })).run).toMatchObject({ status: 'success', files: [] });
  });

  test('rows can be ordered by the primary identity', async () => {
    await bench.writePeople(`${HEAD}b,,,,,\nc,,,,,\na,,,,,\n`);
    await bench.run({ mapping: [ID], file: { sort: true } });
    expect(await bench.read('out.csv')).toBe('id\na\nb\nc\n');
  });

  test('line breaks in values become spaces for Campaign, and are counted', async () => {
    await bench.writePeople(`${HEAD}1,"a\nb","c\r\nd",,,\n2,plain,,,,\n`);
    const { run } = await bench.run({ spaces: true, mapping: [ID, { source: 'first' }, { source: 'last' }] });
    expect(await bench.read('out.csv')).toBe('id,first,last\n1,a b,c d\n2,plain,\n');
    expect(run.work['spacedValues']).toBe(2);
  });
});

describe('columns', () => {
  const DOUBLES = {
    source: 'shop',
    dataset: 'people',
    identities: { crmId: { column: 'id', primary: true } },
    fields: { d: { column: 'd', type: 'double' } },
  } as const;
  const GROWN: MappingEntry = { expression: 'd * 1e300', target: 'grown' };

  test.each<[string, Partial<BenchJob>]>([
    ['a number', { mapping: [ID, GROWN] }],
    ['a mandatory number in JSON', { mapping: [ID, { ...GROWN, mandatory: true }], file: { format: 'json' } }],
    ['hashed', { mapping: [ID, { ...GROWN, transform: 'sha256' }] }],
    ['inside an array', { mapping: [ID, { expression: '[d, d * 1e300]', target: 'grown' }], file: { format: 'json' } }],
    ['in a slot', { mapping: [ID, GROWN, { source: 'segmentMembership.status', target: 'status' }], mode: 'incremental', slot: HOUR }],
  ])('a calculated double that overflows is a bad value: the run fails, or leaves the row out (%s)', async (_what, change) => {
    await bench.writePeople('id,d\n1,1e10\n2,\n3,2.5\n4,-1e9\n');
    expect(await errorOf({ attributes: DOUBLES, ...change })).toBe(
      'failed RC4003 the calculated column `grown` is beyond the numbers that a double holds in 2 rows',
    );
    await expect(bench.read(`out.${change.file?.format ?? 'csv'}`)).rejects.toThrow('ENOENT');

    const { run } = await bench.run({ attributes: { ...DOUBLES, badValues: 'exclude' }, ...change });
    const empty = change.file?.format === 'json' && 'mandatory' in (change.mapping?.[1] ?? {}) ? 1 : 0;
    expect(run).toMatchObject({ status: 'success', counts: { received: 4, activated: 2 - empty, excluded: 2 + empty, reasons: { 'bad-value': 2 } } });
    expect(await bench.read(`out.${change.file?.format ?? 'csv'}`)).not.toMatch(/inf/i);
  });

  test('what overflows for those alone who are not in the file hurts nobody', async () => {
    await bench.writePeople('id,d\n1,1e10\n2,2.5\n');
    const change = { attributes: DOUBLES, mapping: [ID, GROWN], predicate: sql`p."d" < 10`, profileColumns: ['d'] };
    expect((await bench.run(change)).run.status).toBe('success');
    expect(await bench.read('out.csv')).toBe('id,grown\n2,2.5e+300\n');
  });

  test('decimals below one have a digit before their point, dates before Christ one spelling', async () => {
    const connection = await (await DuckDBInstance.create()).connect();
    const row = '1 as id, 0.5::decimal(2,2) as a, -0.25::decimal(2,2) as b, make_date(-43, 3, 15) as d';
    await connection.run(`copy (select ${row}) to '${join(bench.folder, 'people.parquet')}'`);
    connection.closeSync();
    const change: Partial<BenchJob> = {
      dataset: 'people.parquet',
      attributes: { ...DOUBLES, fields: { a: { column: 'a', type: 'decimal' }, b: { column: 'b', type: 'decimal(2,2)' }, d: { column: 'd', type: 'date' } } },
      mapping: [ID, { source: 'a' }, { source: 'b' }, { source: 'd' }, { expression: '-0.0', target: 'zero' }, { expression: '0.5', target: 'half' }],
    };

    await bench.run(change);
    await bench.run({ ...change, name: 'quoted', file: { csv: { quoteAll: true } } });
    await bench.run({ ...change, file: { format: 'json' } });
    await bench.run({ ...change, name: 'plain', file: { format: 'json' }, mapping: [ID, { source: 'd' }] });

    expect(await bench.read('out.csv')).toBe('id,a,b,d,zero,half\n1,0.50,-0.25,-43-03-15,0.0,0.5\n');
    expect((await bench.read('quoted.csv')).split('\n')[1]).toBe('"1","0.50","-0.25","-43-03-15","0.0","0.5"');
    expect(await bench.read('out.json')).toBe('{"id":"1","a":0.50,"b":-0.25,"d":"-43-03-15","zero":0.0,"half":0.5}\n');
    expect(await bench.read('plain.json')).toBe('{"id":"1","d":"-43-03-15"}\n');
  });

  test('hashed identities are normalised first, and what is hashed already is passed on', async () => {
    const hash = sha256('ready@x.org');
    await bench.writePeople(`${HEAD}1,," Jo@X.org \t\r\n",,,\n2,,${hash.toUpperCase()},,,\n3,,+49 (0)170 / 55-1,,,\n`);
    const email = await bench.run({ mapping: [ID, { source: 'last', target: 'email_lc_sha256', transform: 'sha256' }], name: 'email' });
    await bench.run({ mapping: [ID, { source: 'last', target: 'phone_sha256', transform: 'sha256' }], name: 'phone' });
    expect(email.run.error).toBeUndefined();
    expect((await bench.read('email.csv')).split('\n').slice(1, 3)).toEqual([`1,${sha256('jo@x.org')}`, `2,${hash}`]);
    expect((await bench.read('phone.csv')).split('\n')[3]).toBe(`3,${sha256('490170551')}`);
    // Only the name of a phone makes one: an id would lose its letters.
    await bench.run({ mapping: [ID, { source: 'last', target: 'mobileApp_userId', transform: 'sha256' }], name: 'app' });
    expect((await bench.read('app.csv')).split('\n')[3]).toBe(`3,${sha256('+49 (0)170 / 55-1')}`);
  });

  test('expectations exclude by reason and leave a list of rejects on this side only', async () => {
    await bench.writePeople(`${HEAD}1,Ann,x,,DE,5\n2,bob,x,,DE,500\n3,Cid,x,,XX,7\n4,Dan,y,,FR,8\n5,Eve,y,,FR,\n`);
    const { run } = await bench.run({
      mapping: [
        ID,
        { source: 'first', expect: { pattern: '[A-Z].*' } },
        { source: 'income', expect: { notNull: true, range: { min: 0, max: 100 } } },
        { source: 'country', expect: { values: ['DE', 'FR'] } },
        { source: 'last', expect: { unique: true } },
      ],
    });
    expect(run.error).toBeUndefined();
    expect(run.counts).toEqual({ received: 5, activated: 2, excluded: 3, failed: 0, reasons: { 'first pattern': 1, 'no income': 1, 'country values': 1 } });
    expect((await readFile(join(bench.folder, '.reconcile', 'rejects', 'act', 'all', `${run.id}.csv`), 'utf8')).split('\n')).toEqual([
      'id,reason',
      '2,first pattern',
      '3,country values',
      '5,no income',
      '',
    ]);
    await rm(join(bench.folder, 'out', 'out.csv'));
  });

  test('a pattern is held against what stands in the file: the digits of the source, the time as it is written', async () => {
    const attributes: AttributesSpec = {
      source: 'shop',
      dataset: 'people',
      identities: { crmId: { column: 'id', primary: true } },
      fields: { price: { column: 'price', type: 'decimal' }, seen: { column: 'seen', type: 'timestamp' } },
    };
    await bench.writePeople('id,price,seen\n1,1.50,2026-01-01T10:00:00Z\n2,1.5,2026-01-01T11:00:00+01:00\n3,2,\n');
    const options: Partial<BenchJob> = { attributes, predicate: sql`true`, profileColumns: [], file: { sort: true } };
    const price = { source: 'price', expect: { pattern: '[0-9]+[.][0-9][0-9]' } };
    const seen = { source: 'seen', expect: { pattern: '2026-01-01T10:00:00Z' } };
    const prices = await bench.run({ ...options, mapping: [ID, price], name: 'prices' });
    const times = await bench.run({ ...options, mapping: [ID, seen], name: 'times' });
    const hashed = await bench.run({ ...options, mapping: [ID, { ...price, transform: 'sha256' }], name: 'hashed' });
    expect([prices, times, hashed].map(({ run }) => run.counts.reasons)).toEqual([{ 'price pattern': 2 }, {}, { 'price pattern': 2 }]);
    expect(await bench.read('prices.csv')).toBe('id,price\n1,1.50\n');
    expect(await bench.read('times.csv')).toBe('id,seen\n1,2026-01-01T10:00:00Z\n2,2026-01-01T10:00:00Z\n3,\n');
  });

  test.each([
    ['income * 2', { values: ['many'] }, 'names `many`, and the column is of the type double'],
    ['income * 2', { range: { min: '' } }, 'names ``, and the column is of the type double'],
    ['now', { values: [5] }, 'names `5`, and the column is of the type timestamp'],
    ['today', { range: { max: 'soon' } }, 'names `soon`, and the column is of the type'],
  ])('what is expected of `%s` has to be of its type: %j', async (expression, expected, told) => {
    await bench.writePeople(`${HEAD}1,Ann,x,,DE,5\n`);
    const { run } = await bench.run({ mapping: [ID, { expression, target: 'x', expect: expected }] });
    expect(run).toMatchObject({ status: 'failed', files: [], error: { code: 'RC1327', message: expect.stringContaining(told) } });
  });

  test.each<[string, MappingEntry, Readonly<Record<string, number>>]>([
    ['a whole number', { source: 'n', expect: { range: { max: '9007199254740992' } } }, { 'n range': 1 }],
    ['values', { source: 'n', expect: { values: ['9007199254740993', 5] } }, { 'n values': 1 }],
    ['a fraction that the type has not', { expression: 'd', target: 'd', expect: { range: { min: '0.004' } } }, { 'd range': 1 }],
    ['a fraction of a whole number', { expression: 'n', target: 'n', expect: { range: { max: '9007199254740992.5' } } }, { 'n range': 1 }],
    ['more than the type holds', { expression: 'n', target: 'n', expect: { range: { max: '99999999999999999999' } } }, {}],
  ])('a bound counts with all its digits: %s', async (_what, entry, reasons) => {
    const attributes: AttributesSpec = {
      source: 'shop',
      dataset: 'people',
      identities: { crmId: { column: 'id', primary: true } },
      fields: { n: { column: 'n', type: 'integer' }, d: { column: 'd', type: 'decimal(10,2)' } },
    };
    await bench.writePeople('id,n,d\n1,9007199254740993,0.00\n2,9007199254740992,0.01\n3,5,1.00\n');
    const { run } = await bench.run({ attributes, predicate: sql`true`, profileColumns: [], mapping: [ID, entry] });
    expect(run.error).toBeUndefined();
    expect(run.counts.reasons).toEqual(reasons);
  });

  test('expectations that hold: nothing leaves, the list of rejects tells whom to look at, and their number lets it pass once', async () => {
    await bench.writePeople(`${HEAD}1,Ann,x,,DE,5\n2,bob,x,,DE,500\n3,Cid,z,,DE,7.50\n4,Dan,y,,DE,8\n`);
    const options: Partial<BenchJob> = {
      mapping: [
        ID,
        { source: 'first', transform: 'sha256', expect: { pattern: '[A-Z].*', otherwise: 'hold' } },
        { source: 'income', expect: { values: [5, 7.5, 8, 500], range: { max: 400 }, otherwise: 'hold' } },
        { source: 'last', expect: { unique: true, otherwise: 'hold' } },
      ],
      file: { sort: true },
    };
    const held = await bench.run(options);
    const list = await readFile(join(bench.folder, '.reconcile', 'rejects', 'act', 'all', `${held.run.id}.csv`), 'utf8');
    const passed = await bench.run({ ...options, allow: { rejected: 1, because: 'known' } });
    const clean = await bench.run({ ...options, mapping: [ID, { source: 'income', expect: { values: [5, 7.5, 8, 500], otherwise: 'hold' } }], name: 'clean' });

    expect(held.run).toMatchObject({
      status: 'held',
      files: [],
      counts: { received: 0 },
      error: { code: 'RC4033', message: '1 row of `all` is not what the mapping expects (first pattern 1), and `expect.otherwise` is hold' },
    });
    expect(list).toBe('id,reason\n2,first pattern\n');
    expect(passed.run).toMatchObject({
      status: 'success',
      counts: { activated: 3, excluded: 1 },
      work: { accepted: [{ guard: 'expect', measured: '1', because: 'known' }] },
    });
    expect((await bench.read('out.csv')).split('\n')[1]).toBe(`1,${sha256('Ann')},5,x`);
    expect(clean.run).toMatchObject({ status: 'success', counts: { activated: 4 } });
  });

  test.each<[string, MappingEntry]>([
    ['no income 1', { source: 'income', expect: { notNull: true, otherwise: 'hold' } }],
    ['income range 2', { source: 'income', expect: { range: { min: 0, max: 100 }, otherwise: 'hold' } }],
    ['country values 1', { source: 'country', expect: { values: ['DE'], otherwise: 'hold' } }],
    ['last unique 1', { source: 'last', expect: { unique: true, otherwise: 'hold' } }],
  ])('each kind of expectation can hold, and what is at a limit keeps it: %s', async (why, entry) => {
    await bench.writePeople(`${HEAD}1,A,v,,DE,0\n2,B,w,,DE,100\n3,C,x,,DE,100.01\n4,D,x,,DE,-0.01\n5,E,z,,FR,\n`);
    const { run } = await bench.run({ mapping: [ID, entry] });
    expect(run).toMatchObject({ status: 'held', error: { code: 'RC4033', message: expect.stringContaining(`(${why})`) } });
  });

  test('an empty text identifies nobody, and a slot without rows still has its header', async () => {
    await bench.writePeople(`${HEAD}1,A,,"",DE,\n2,B,,b@x,DE,\n`);
    const email = await bench.run({ mapping: [{ source: 'identityMap.Email', target: 'email' }], name: 'email' });
    const none = await bench.run({ slot: HOUR, name: 'none', predicate: sql`false` });
    expect(email.run.counts).toEqual({ received: 2, activated: 1, excluded: 1, failed: 0, reasons: { 'no email': 1 } });
    expect(await bench.read('email.csv')).toBe('email\nb@x\n');
    expect(none.run).toMatchObject({ status: 'success', counts: { received: 0 } });
    expect(await bench.read('none.csv')).toBe('id,first\n');
  });

  test('rows that lose a value that has to be unique are listed under the very reason that counts them', async () => {
    await bench.writePeople(`${HEAD}1,Ann,x,a@x,DE,\n2,Bob,x,b@x,DE,\n3,Cid,y,a@x,DE,\n`);
    const { run } = await bench.run({
      mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'last', expect: { unique: true } }, { source: 'first' }],
    });
    const list = await readFile(join(bench.folder, '.reconcile', 'rejects', 'act', 'all', `${run.id}.csv`), 'utf8');
    const listed = list
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[1] ?? '');
    const counted = Object.fromEntries(Object.keys(run.counts.reasons).map((reason) => [reason, listed.filter((one) => one === reason).length]));
    expect(counted).toEqual(run.counts.reasons);
    expect(listed).toContain('last unique');
  });

  test('the worked example of deduplication by attributes: one and two keys', async () => {
    await bench.writePeople(`${HEAD}a,John,Doe,,DE,\n`);
    const one = { mode: 'incremental', mapping: [{ source: 'country', key: true }, { source: 'first' }, { source: 'last' }] } as const;
    await bench.run({ ...one, slot: HOUR, name: 'k1' });
    await bench.writePeople(`${HEAD}a,John,Doe,,DE,\nb,John,D,,DE,\n`);
    await bench.run({ ...one, slot: 2 * HOUR, name: 'k2' });
    const two = await bench.run({
      mapping: [{ source: 'country', key: true }, { source: 'last', key: true }, { source: 'first' }],
      name: 'two',
      file: { sort: true },
    });
    expect(await bench.read('k2.csv')).toBe('country,first,last\nDE,John,D\n');
    expect(two.run.counts).toMatchObject({ received: 2, activated: 2 });
    expect(await bench.read('two.csv')).toBe('country,last,first\nDE,Doe,John\nDE,D,John\n');
  });
});

function people(count: number): string {
  return `${HEAD}${Array.from({ length: count }, (_, id) => `${id},n,,,,\n`).join('')}`;
}
