import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { assert, asyncProperty, gen, nat } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AttributesSpec, FileSpec, MappingEntry } from '../../src/model/generated/kinds.ts';
import { sql } from '../../src/sql/sql.ts';
import { openExportBench } from '../support/export-bench.ts';
import { ExportModel, NOBODY, type Cell, type Expected, type ModelColumn, type Person } from '../support/export-model.ts';

/** `EXPORT_CASES=5000 EXPORT_SEED=… npx vitest run test/property/export-agreement.test.ts` for a long run; a case is one activation over up to five slots. */
const CASES = Number(process.env['EXPORT_CASES'] ?? 100);
const SEED = Number(process.env['EXPORT_SEED'] ?? 20261128);
const HOUR = 3_600_000;

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  badValues: 'exclude',
  identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email' } },
  fields: {
    first: { column: 'first', type: 'string' },
    last: { column: 'last', type: 'string' },
    country: { column: 'country', type: 'string' },
    income: { column: 'income', type: 'decimal' },
    score: { column: 'score', type: 'double' },
    day: { column: 'day', type: 'date' },
    ok: { column: 'ok', type: 'boolean' },
  },
};
/** Of the Parquet source, where the digits of a decimal are those of its type. */
const TYPES = {
  id: 'varchar',
  email: 'varchar',
  first: 'varchar',
  last: 'varchar',
  country: 'varchar',
  income: 'decimal(24, 2)',
  score: 'double',
  day: 'date',
  ok: 'boolean',
} as const;

const TEXTS = ['Ann', 'Bob', '', ' x ', 'a,b;c|d', 'say "hi"', 'two\nlines', 'two\r\nlines', 'NULL', 'Zoë 😀', "it's", '\t', '\\', '0012', '-', '#1'];
const EMAILS = ['', 'a@x', 'b@x', 'C@x', 'c@x', ' c@X '];
/** No decimal. */
const BAD = 'many';
const INCOMES = ['1.50', '0.10', '-3.25', '12345678901234567890.12', '0.00', '100.00'];
/** The same few numbers in several spellings: a typed column would have one. */
const SPELLINGS = ['1.50', '1.5', '01.50', '100', '100.00', '-3', '-3.0', '0', '-0.0'];
const IDS = Array.from({ length: 11 }, (_, index) => String(index * 7));
const SCORES = [0, 1.5, -7, 12_345_678.25, 0.1, 123_456.789];
const DAYS = ['2026-01-31', '1999-12-31', '2024-02-29'];

type From = (count: number) => number;
type Key = 'none' | 'primary' | 'email' | 'first' | 'first+last' | 'income';

interface Case {
  readonly parquet: boolean;
  readonly incremental: boolean;
  readonly file: FileSpec;
  readonly mapping: readonly MappingEntry[];
  readonly columns: readonly ModelColumn[];
  readonly slots: readonly (readonly Person[])[];
}

let database: DuckDBConnection;

beforeAll(async () => {
  database = await (await DuckDBInstance.create()).connect();
});
afterAll(() => database.closeSync());

test(
  `${CASES} activations over some slots hold what the rules say, in every format (seed ${SEED})`,
  async () => {
    const seen = { files: 0, exits: 0, duplicates: 0, missing: 0, bad: 0, parts: 0 };
    await assert(
      asyncProperty(gen(), async (draw) => {
        const drawn = drawCase((count) => draw(nat, { max: count - 1 }));
        await using bench = await openExportBench();
        const model = new ExportModel(drawn.columns, drawn.incremental);
        for (const [index, people] of drawn.slots.entries()) {
          const slot = (index + 1) * HOUR;
          await writeSource(join(bench.folder, drawn.parquet ? 'people.parquet' : 'people.csv'), people, drawn.parquet);
          const expected = model.next(people, ({ country }) => country === 'DE', slot);
          const { run } = await bench.run({
            attributes: ATTRIBUTES,
            dataset: drawn.parquet ? 'people.parquet' : 'people.csv',
            predicate: sql`p."country" = 'DE'`,
            profileColumns: ['country'],
            mode: drawn.incremental ? 'incremental' : 'full',
            mapping: drawn.mapping,
            file: drawn.file,
            slot,
            name: `s${slot}`,
          });
          expect(run.error).toBeUndefined();
          const files = await Promise.all(run.files.map(({ path }) => readRows(join(bench.folder, 'out', path), drawn)));
          expect({ counts: run.counts, rows: inOrder(files.flat()) }).toEqual({ counts: countsOf(expected), rows: inOrder(expected.rows) });
          expectParts(files, drawn, expected);
          if (drawn.file.sort === true) expectSorted(files.flat(), drawn.columns);
          seen.files += files.length;
          seen.parts += files.length > 1 ? 1 : 0;
          seen.exits += expected.rows.filter((row) => row.includes('exited')).length;
          seen.bad += expected.reasons['bad-value'] ?? 0;
          seen.duplicates += expected.reasons['duplicate'] ?? 0;
          seen.missing += Object.keys(expected.reasons).filter((reason) => reason.startsWith('no ')).length;
        }
      }),
      { numRuns: CASES, seed: SEED, endOnFailure: process.env['EXPORT_QUICK'] !== undefined },
    );
    // Each kind of row has come up often, else the agreement says little.
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(CASES / 12);
  },
  CASES * 4000,
);

function drawCase(from: From): Case {
  const oneOf = <T>(list: readonly T[]): T => list[from(list.length)] as T;
  const maybe = (): boolean => from(2) === 0;
  const key = oneOf<Key>(['none', 'primary', 'email', 'first', 'first+last', 'income']);
  const { mapping, columns } = drawMapping(from, key);
  const format = oneOf(['csv', 'csv', 'json', 'parquet'] as const);
  const delimiter = oneOf([',', ';', '|', '\t']);
  const file: FileSpec = {
    format,
    ...(format !== 'parquet' && from(4) === 0 ? { compression: 'gzip' as const } : {}),
    ...(maybe() ? { sort: true } : {}),
    ...(maybe() ? { maxRows: 1 + from(3) } : {}),
    ...(format === 'csv'
      ? {
          csv: {
            delimiter,
            ...(from(3) === 0 ? { quoteAll: true } : {}),
            ...(from(3) === 0 ? { nullValue: 'NULL' } : {}),
            ...(from(4) === 0 ? { lineEnding: 'CRLF' as const } : {}),
            ...(from(4) === 0 ? { header: false } : {}),
          },
        }
      : {}),
    ...(format === 'json' && maybe() ? { json: { array: true } } : {}),
  };
  const parquet = maybe();
  // Few values, so that many share a key.
  const texts = key.startsWith('first') ? [oneOf(TEXTS), oneOf(TEXTS), null] : [...TEXTS, null];
  const incomes = key !== 'income' ? INCOMES : parquet || format !== 'csv' ? INCOMES.slice(0, 2) : SPELLINGS;
  const person = (id: string | null): Person => ({
    id,
    email: oneOf(key === 'email' ? [null, 'a@x', 'b@x', 'B@x '] : [null, ...EMAILS]),
    first: oneOf(texts),
    last: oneOf(texts),
    country: oneOf(['DE', 'DE', 'FR', null, '']),
    income: !parquet && from(6) === 0 ? BAD : oneOf([null, ...incomes]),
    score: oneOf([null, ...SCORES]),
    day: oneOf([null, ...DAYS]),
    ok: oneOf([null, true, false]),
  });
  const everybody = IDS.slice(0, 3 + from(8)).map((id) => person(id));
  let latest: readonly Person[] = everybody;
  const slots = Array.from({ length: 1 + from(5) }, () => {
    latest = everybody.map((original, index) => {
      const now = latest[index] ?? original;
      if (from(3) > 0) return now;
      return maybe() ? { ...now, country: oneOf(['DE', 'FR']), score: oneOf(SCORES) } : person(original.id);
    });
    const there = latest.filter(() => from(5) > 0);
    const nobody = from(8) === 0 ? [person(null)] : [];
    // A source without anybody is held, which is another matter.
    return [...(there.length === 0 ? latest : there), ...nobody];
  });
  return { parquet, incremental: from(4) > 0, file, mapping, columns, slots };
}

function sha256(value: Cell): string | null {
  return value === null || value === '' ? null : createHash('sha256').update(String(value)).digest('hex');
}

/** Few enough digits for a number of JavaScript. */
function numberOf(value: Cell): Cell {
  return value === null ? null : Number(value) + 0;
}

function drawMapping(from: From, key: Key): { readonly mapping: readonly MappingEntry[]; readonly columns: readonly ModelColumn[] } {
  const drawn: { readonly entry: MappingEntry; readonly column: ModelColumn }[] = [];
  const attribute = (source: Exclude<keyof Person, 'id' | 'email'>, isKey = false): void => {
    const isHashed = (source === 'first' || source === 'last') && from(4) === 0;
    const mandatory = !isKey && from(6) === 0;
    drawn.push({
      entry: { source, ...(isKey ? { key: true } : {}), ...(mandatory ? { mandatory: true } : {}), ...(isHashed ? { transform: 'sha256' } : {}) },
      column: {
        target: source,
        kind: 'attribute',
        value: (person) => (isHashed ? sha256(person[source]) : person[source] === BAD ? null : person[source]),
        key: isKey,
        mandatory,
        ...(source === 'income' ? { isBad: ({ income }) => income === BAD, compared: numberOf } : {}),
      },
    });
  };
  if (key === 'primary') {
    const isHashed = from(3) === 0;
    drawn.push({
      // What is said of it beside its being the key changes nothing.
      entry: {
        source: 'identityMap.crmId',
        target: 'id',
        ...(isHashed ? { transform: 'sha256' } : {}),
        ...[{}, { key: true }, { expect: { unique: true } }][from(3)],
      },
      column: { target: 'id', kind: 'primary', value: ({ id }) => (isHashed ? sha256(id) : id), key: false, mandatory: false },
    });
  }
  if (key === 'email') {
    const isHashed = from(3) === 0;
    drawn.push({
      entry: { source: 'identityMap.Email', target: 'email', ...(isHashed ? { transform: 'sha256' } : {}) },
      column: {
        target: 'email',
        kind: 'identity',
        value: ({ email }) => (isHashed ? sha256(email?.trim().toLowerCase() ?? null) : email === '' ? null : email),
        key: true,
        mandatory: true,
      },
    });
  }
  if (key.startsWith('first')) attribute('first', true);
  if (key === 'income') attribute('income', true);
  if (key === 'first+last') attribute('last', true);
  for (const source of ['first', 'last', 'income', 'score', 'day', 'ok'] as const) {
    if (!drawn.some(({ column }) => column.target === source) && from(2) === 0) attribute(source);
  }
  if (from(2) === 0)
    drawn.push({
      entry: { expression: 'if(ok, "yes", "no")', target: 'word' },
      column: { target: 'word', kind: 'expression', value: ({ ok }) => (ok === true ? 'yes' : 'no'), key: false, mandatory: false },
    });
  if (from(3) > 0)
    drawn.push({
      entry: { source: 'segmentMembership.status', target: 'status' },
      column: { target: 'status', kind: 'status', value: () => 'realized', key: false, mandatory: false },
    });
  if (drawn.length === 0) attribute('last');
  // In any order.
  for (let index = drawn.length - 1; index > 0; index -= 1) {
    const other = from(index + 1);
    [drawn[index], drawn[other]] = [drawn[other] as (typeof drawn)[number], drawn[index] as (typeof drawn)[number]];
  }
  return { mapping: drawn.map(({ entry }) => entry), columns: drawn.map(({ column }) => column) };
}

async function writeSource(path: string, people: readonly Person[], parquet: boolean): Promise<void> {
  const columns = Object.entries(TYPES);
  const rows = people.map((person) => `(${columns.map(([name]) => sqlText(person[name as keyof Person])).join(', ')})`);
  const typed = columns.map(([name, type]) => (parquet ? `${name}::${type} as ${name}` : name));
  await database.run(
    `copy (select ${typed.join(', ')} from (values ${rows.join(', ')}) t(${columns.map(([name]) => name).join(', ')})) to '${path}' (format ${parquet ? 'parquet' : 'csv'})`,
  );
}

function sqlText(cell: Cell): string {
  return cell === null ? 'null' : `'${String(cell).replaceAll("'", "''")}'`;
}

/** The rows of one file, by readers of other hands: decimals as their digits, so that none is rounded here. */
async function readRows(path: string, { file, columns }: Case): Promise<readonly (readonly Cell[])[]> {
  if (file.format === 'parquet') {
    const list = columns.map(({ target }) => (target === 'income' || target === 'day' ? `"${target}"::varchar` : `"${target}"`));
    const result = await database.runAndReadAll(`select ${list.join(', ')} from read_parquet('${path}')`);
    return result.getRowsJS() as Cell[][];
  }
  const bytes = readFileSync(path);
  const text = (file.compression === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
  if (file.format === 'json') {
    const objects = (file.json?.array === true ? parseJson(text) : text.split('\n').slice(0, -1).map(parseJson)) as Record<string, Cell>[];
    for (const object of objects) expect(Object.keys(object)).toEqual(columns.map(({ target }) => target));
    return objects.map((object) => Object.values(object));
  }
  const lines = parseCsv(text, file.csv?.delimiter ?? ',', file.csv?.lineEnding === 'CRLF' ? '\r\n' : '\n');
  if (file.csv?.header !== false) expect(lines.shift()?.map(({ text: name }) => name)).toEqual(columns.map(({ target }) => target));
  const nullValue = file.csv?.nullValue ?? '';
  return lines.map((line) => {
    expect(line).toHaveLength(columns.length);
    return line.map((cell, index) => typedCell(cell, columns[index]?.target ?? '', nullValue));
  });
}

/** With the digits of a decimal as a text. */
function parseJson(text: string): unknown {
  return JSON.parse(text, (name, value: unknown, context?: { readonly source?: string }) => (name === 'income' && value !== null ? context?.source : value));
}

function typedCell(cell: { readonly text: string; readonly quoted: boolean }, target: string, nullValue: string): Cell {
  if (!cell.quoted && cell.text === nullValue) return null;
  if (target === 'score') return Number(cell.text);
  if (target === 'ok') return cell.text === 'true';
  return cell.text;
}

/** RFC 4180, each cell with whether it stood in quotes. */
function parseCsv(text: string, delimiter: string, ending: string): { readonly text: string; readonly quoted: boolean }[][] {
  const rows: { text: string; quoted: boolean }[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: { text: string; quoted: boolean }[] = [];
    for (;;) {
      const quoted = text[at] === '"';
      let end = at;
      if (quoted) {
        end += 1;
        while (text[end] !== '"' || text[end + 1] === '"') end += text[end] === '"' ? 2 : 1;
        row.push({ text: text.slice(at + 1, end).replaceAll('""', '"'), quoted });
        end += 1;
      } else {
        while (end < text.length && !text.startsWith(delimiter, end) && !text.startsWith(ending, end)) end += 1;
        row.push({ text: text.slice(at, end), quoted });
      }
      const last = text.startsWith(ending, end);
      expect(last || text.startsWith(delimiter, end), `a delimiter or the end of a line at ${end} of ${JSON.stringify(text)}`).toBe(true);
      at = end + (last ? ending.length : delimiter.length);
      if (last) break;
    }
    rows.push(row);
  }
  return rows;
}

function countsOf({ rows, received, reasons }: Expected): object {
  const excluded = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  return { received, activated: rows.length, excluded, failed: 0, reasons };
}

function inOrder(rows: readonly (readonly Cell[])[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}

function expectParts(files: readonly (readonly unknown[])[], { file, incremental }: Case, { rows }: Expected): void {
  const most = file.maxRows ?? 5_000_000;
  const whole = Array.from({ length: Math.floor(rows.length / most) }, () => most);
  const wanted = rows.length % most === 0 ? whole : [...whole, rows.length % most];
  expect(files.map((part) => part.length)).toEqual(wanted.length === 0 && !incremental ? [0] : wanted);
}

function expectSorted(rows: readonly (readonly Cell[])[], columns: readonly ModelColumn[]): void {
  const index = columns.findIndex(({ kind }) => kind === 'primary');
  const column = columns[index];
  if (column === undefined) return;
  // By the identity, also where the file has its hash.
  const plain = new Map(IDS.map((id) => [column.value({ ...NOBODY, id }), id]));
  const ids = rows.map((row) => plain.get(row[index] ?? null));
  expect(ids).toEqual(ids.toSorted());
}
