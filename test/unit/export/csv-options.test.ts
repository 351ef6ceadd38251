import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import type { AttributesSpec, CsvWriteSpec } from '../../../src/model/generated/kinds.ts';
import { openExportBench, type ExportBench } from '../../support/export-bench.ts';

/** Public reference data that stands beside a developer's checkout, not in it. */
const MESSY = fileURLToPath(new URL('../../../../shared/data/messy-names/people.csv', import.meta.url));

/** What breaks writers: every delimiter, quote, escape and line break, texts that look like NULL, scripts, formulas, blanks at the ends. */
const HOSTILE_LINES: readonly (readonly (string | null)[])[] = [
  [null, '', 'plain', 'a,b;c\td|e:f¦g', '"quoted" \'single\'', 'back\\slash\\', 'line\nbreak', 'win\r\ndows', 'cr\ronly', ' blanks ', 'NULL', '\\N'],
  ['""', "''", '#comment', '=1+1', 'Zoë 李小龍 محمد 👩‍👩‍👧', '\u200Fmark', "O'Brien", ',', '"', '\n', 'null', '(empty)', '\\', '\\"', "\\'", '"\\', '2024-01-08'],
];
const HOSTILE = HOSTILE_LINES.flat();

interface Row {
  readonly first: string | null;
  readonly last: string | null;
  readonly born: Date;
}

interface Combination {
  readonly csv: CsvWriteSpec;
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/** How values are written: all of them with all of them. */
const WRITING: readonly CsvWriteSpec[] = product({
  delimiter: [',', ';', '\t', '|', '¦'],
  quote: ['"', "'"],
  escape: ['', '\\'],
  nullValue: ['', 'NULL', '""'],
  emptyValue: [undefined, '', '(empty)'],
  quoteAll: [false, true],
}).map(({ escape, emptyValue, quote, ...rest }) => ({
  ...rest,
  quote,
  // The quote doubled, where nothing else stands before it.
  escape: escape === '' ? quote : escape,
  ...(emptyValue === undefined ? {} : { emptyValue }),
}));

/** What stands around the values, all with all too: with a file by the engine's own writer and with one whose lines are made in SQL. */
const AROUND: readonly Combination[] = product({
  header: [true, false],
  lineEnding: ['LF', 'CRLF'] as const,
  dateFormat: [undefined, 'DD;MM;YYYY', "YYYY.MM.DD 'o\"clock'"],
  timestampFormat: [undefined, 'DD/MM/YYYY, HH:mm:ss'],
  compression: ['none', 'gzip', 'zstd'] as const,
}).map(({ compression, dateFormat, timestampFormat, ...rest }) => ({
  compression,
  csv: { ...rest, ...(dateFormat === undefined ? {} : { dateFormat }), ...(timestampFormat === undefined ? {} : { timestampFormat }) },
}));

// Each way of writing goes with another of what stands around it, over and over; and each of those with both writers.
const COMBINATIONS: readonly Combination[] = [
  ...WRITING.map((csv, index) => {
    const around = AROUND[(index * 7) % AROUND.length];
    return { compression: around?.compression ?? 'none', csv: { ...around?.csv, ...csv } };
  }),
  ...AROUND.map(({ compression, csv }) => ({ compression, csv: { delimiter: ';', quote: '"', escape: '"', ...csv } })),
  ...AROUND.map(({ compression, csv }) => ({ compression, csv: { delimiter: ';', quote: '"', escape: '\\', nullValue: 'NULL', quoteAll: true, ...csv } })),
];

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  identities: { crmId: { column: 'id', primary: true } },
  fields: {
    first: { column: 'first', type: 'string' },
    last: { column: 'last', type: 'string' },
    born: { column: 'born', type: 'date' },
    seen: { column: 'seen', type: 'timestamp' },
    sum: { column: 'sum', type: 'decimal' },
  },
};
const COLUMNS = ['id', 'first', 'last', 'born', 'seen', 'sum'] as const;

/** Python's csv module; zstd files are unpacked beforehand, which its standard library cannot. */
const READER = `
import csv, gzip, json, sys
out = []
for f in json.load(open(sys.argv[1])):
    o = f['csv']
    doubled = o['escape'] == o['quote']
    opener = gzip.open if f['path'].endswith('.gz') else open
    with opener(f['path'], 'rt', newline='', encoding='utf-8') as file:
        rows = list(csv.reader(file, delimiter=o['delimiter'], quotechar=o['quote'] or None, doublequote=doubled, escapechar=None if doubled or not o['quote'] else o['escape'],
                               quoting=csv.QUOTE_MINIMAL if o['quote'] else csv.QUOTE_NONE, strict=True))
    out.append([rows[0] if o['header'] else None, rows[1:] if o['header'] else rows])
json.dump(out, sys.stdout)
`;

describe.skipIf(!existsSync(MESSY))('on messy-names', () => {
  const people = existsSync(MESSY) ? parsePeople(readFileSync(MESSY, 'utf8')) : [];

  test(
    `${COMBINATIONS.length} combinations of options come back equal through Python's csv module and DuckDB's reader`,
    () => roundTrip(people, COMBINATIONS),
    400_000,
  );
});

const WITH_HOSTILE = COMBINATIONS.slice(0, WRITING.length).filter(({ csv }) => [',', '\t', '¦'].includes(csv.delimiter ?? ','));

test(`${WITH_HOSTILE.length} combinations of options, hostile values: equal through Python's csv module and DuckDB's reader`, () => {
  const names = HOSTILE.flatMap((first, index) => [
    { first, last: HOSTILE[(index + 5) % HOSTILE.length] ?? null },
    { first: HOSTILE[(index * 3) % HOSTILE.length] ?? null, last: 'x' },
  ]);
  return roundTrip(
    names.map((name, index) => ({ ...name, born: dayOf(index) })),
    WITH_HOSTILE,
  );
}, 400_000);

test('without quotes: what can be read back is written, anything else fails the run and leaves nothing', async () => {
  await using bench = await openExportBench();
  const options = { attributes: ATTRIBUTES, mapping: [{ source: 'identityMap.crmId', target: 'id' }, ...COLUMNS.slice(1).map((source) => ({ source }))] };
  const plain: Row[] = ['a"b', "O'B", 'x;y', ' z ', '\\', 'é'].map((first, index) => ({ first, last: '=1', born: dayOf(index) }));
  await writePeople(bench, plain);
  const csv = { quote: '', delimiter: '|', escape: '' } as const;

  const written = await bench.run({ ...options, file: { csv, sort: true } });
  const [[, rows] = [null, []]] = readByPython(bench, [{ csv: { ...csv, header: true }, path: join(bench.folder, 'out', 'out.csv') }]);
  const refused: (string | undefined)[] = [];
  for (const [first, change] of [
    ['a|b', { csv }],
    ['a\nb', { csv }],
    ['a\rb', { csv }],
    ['a"b', { csv: { escape: '' } }],
  ] as const) {
    await writePeople(bench, [...plain.map((row) => ({ ...row, first: 'x' })), { first, last: 'x', born: dayOf(9) }]);
    const { run } = await bench.run({ ...options, file: change, name: 'second' });
    refused.push(run.error?.code);
    expect(run.error?.message).toContain('`first`');
  }

  expect(written.run.error).toBeUndefined();
  expect(rows.map((row) => row[1])).toEqual(plain.map(({ first }) => first));
  expect(refused).toEqual(['RC4040', 'RC4040', 'RC4040', 'RC4040']);
  expect(existsSync(join(bench.folder, 'out', 'second.csv'))).toBe(false);
});

async function roundTrip(people: readonly Row[], combinations: readonly Combination[]): Promise<void> {
  await using bench = await openExportBench();
  await writePeople(bench, people);
  const files: { path: string; csv: CsvWriteSpec }[] = [];
  for (const [index, { csv, compression }] of combinations.entries()) {
    const { run } = await bench.run({
      name: `f${index}`,
      attributes: ATTRIBUTES,
      file: { csv, compression },
      mapping: [{ source: 'identityMap.crmId', target: 'id' }, ...COLUMNS.slice(1).map((source) => ({ source }))],
    });
    expect(run.error, JSON.stringify(csv)).toBeUndefined();
    files.push({ path: named(bench, `f${index}.csv`, compression), csv: { ...csv, header: csv.header ?? true } });
  }
  const read = readByPython(bench, files);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const cells = people.map((row, id) => [String(id), row.first, row.last, row.born, new Date(row.born.getTime() + 3_723_000), `${id}.50`] as const);

  for (const [index, { path, csv }] of files.entries()) {
    const said = JSON.stringify(csv);
    const [header, rows] = read[index] ?? [null, []];
    const empty = csv.emptyValue ?? `${csv.quote}${csv.quote}`;
    const text = (value: string | null): string => (value === null ? unquoted(csv.nullValue ?? '', csv) : value === '' ? unquoted(empty, csv) : value);
    const wanted = cells.map(([id, first, last, born, seen, sum]) => [
      id,
      text(first),
      text(last),
      formatted(born, csv.dateFormat ?? 'YYYY-MM-DD'),
      formatted(seen, csv.timestampFormat ?? 'YYYY-MM-DDTHH:mm:ssZ'),
      sum,
    ]);
    expect(
      rows.toSorted((a, b) => Number(a[0]) - Number(b[0])),
      said,
    ).toEqual(wanted);
    expect(header, said).toEqual(csv.header === true ? COLUMNS : null);
    // DuckDB's reader takes no delimiter beyond ASCII, and asks that NULL is not told by a pair of quotes.
    if (csv.delimiter === '¦') continue;
    const nullValue = csv.nullValue === '""' ? undefined : (csv.nullValue ?? '');
    expect(await readByDuckDb(connection, path, csv, nullValue), said).toEqual(
      cells.map(([, first, last], id) => [id, ...[first, last].map((value) => (isNull(value, nullValue, empty) ? null : text(value)))]),
    );
  }
}

/** What DuckDB's reader takes for NULL: that text without quotes, which an empty text may be written as too. */
function isNull(value: string | null, nullValue: string | undefined, empty: string): boolean {
  return value === null ? nullValue !== undefined : value === '' && nullValue === '' && empty === '';
}

/** What a reader makes of a text that is written as it is. */
function unquoted(text: string, { quote = '"' }: CsvWriteSpec): string {
  return text.length >= 2 && text.startsWith(quote) && text.endsWith(quote) ? text.slice(1, -1) : text;
}

async function readByDuckDb(
  connection: DuckDBConnection,
  path: string,
  csv: CsvWriteSpec,
  nullValue: string | undefined,
): Promise<readonly (readonly unknown[])[]> {
  const { delimiter = ',', quote = '"', escape = '"', header, lineEnding } = csv;
  const names = COLUMNS.map((column) => `'${column}':'VARCHAR'`).join(',');
  const reader = await connection.runAndReadAll(
    `select id::int, '.' || first, '.' || last from read_csv(${quoted(path)}, auto_detect=false, header=${String(header)}, delim=${quoted(delimiter)}, quote=${quoted(quote)}, escape=${quoted(escape)}, new_line=${quoted(lineEnding === 'CRLF' ? '\\r\\n' : '\\n')}, nullstr=${quoted(nullValue ?? '<none>')}, allow_quoted_nulls=false, columns={${names}}) order by 1`,
  );
  // The dot: this library takes a mark of byte order away from the start of a text.
  return reader.getRows().map(([id, ...texts]) => [id, ...texts.map((text) => (typeof text === 'string' ? text.slice(1) : null))]);
}

function readByPython(bench: ExportBench, files: readonly { readonly path: string; readonly csv: CsvWriteSpec }[]): [string[] | null, string[][]][] {
  const list = join(bench.folder, 'files.json');
  writeFileSync(list, JSON.stringify(files));
  return JSON.parse(execFileSync('python3', ['-c', READER, list], { encoding: 'utf8', maxBuffer: 1 << 30 })) as [string[] | null, string[][]][];
}

/** The file under its own suffix, so that every reader knows what it is; zstd unpacked. */
function named(bench: ExportBench, name: string, compression: Combination['compression']): string {
  const path = join(bench.folder, 'out', name);
  if (compression === 'none') return path;
  const bytes = readFileSync(path);
  if (compression === 'gzip') {
    writeFileSync(`${path}.gz`, bytes);
    return `${path}.gz`;
  }
  const unpacked = `${path}.plain.csv`;
  writeFileSync(unpacked, zstdDecompressSync(bytes));
  return unpacked;
}

async function writePeople(bench: ExportBench, people: readonly Row[]): Promise<void> {
  const lines = people.map(({ first, last, born }, id) => {
    const seen = new Date(born.getTime() + 3_723_000);
    return `${id},${cell(first)},${cell(last)},${born.toISOString().slice(0, 10)},${seen.toISOString()},${id}.50`;
  });
  await bench.writePeople(`${COLUMNS.join(',')}\n${lines.join('\n')}\n`);
}

/** RFC 4180 by hand: NULL is an empty cell without quotes, the empty text one with them. */
function parsePeople(text: string): readonly Row[] {
  const rows: (string | null)[][] = [[]];
  for (const [, bare, inQuotes, end] of text.matchAll(/(?:([^",\r\n]*)|"((?:[^"]|"")*)")(,|\r?\n|$)/g)) {
    rows.at(-1)?.push(inQuotes === undefined ? (bare === '' ? null : (bare ?? null)) : inQuotes.replaceAll('""', '"'));
    if (end !== ',' && end !== '') rows.push([]);
  }
  const [head = [], ...body] = rows.filter((row) => row.length > 1);
  const [surname, note] = [head.indexOf('surname'), head.indexOf('note')];
  return body.map((row, index) => ({ first: row[note] ?? null, last: row[surname] ?? null, born: dayOf(index) }));
}

function dayOf(index: number): Date {
  return new Date(Date.UTC(1950 + (index % 70), index % 12, 1 + (index % 28)));
}

function formatted(date: Date, format: string): string {
  const iso = date.toISOString();
  const parts: Readonly<Record<string, string>> = {
    YYYY: iso.slice(0, 4),
    MM: iso.slice(5, 7),
    DD: iso.slice(8, 10),
    HH: iso.slice(11, 13),
    mm: iso.slice(14, 16),
    ss: iso.slice(17, 19),
  };
  return format.replaceAll(/'([^']*)'|YYYY|MM|DD|HH|mm|ss/g, (letters, literal: string | undefined) => literal ?? parts[letters] ?? letters);
}

function cell(value: string | null): string {
  return value === null ? '' : `"${value.replaceAll('"', '""')}"`;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function product<T extends Readonly<Record<string, readonly unknown[]>>>(lists: T): readonly { readonly [Key in keyof T]: T[Key][number] }[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [key, values] of Object.entries(lists)) all = all.flatMap((one) => values.map((value) => ({ ...one, [key]: value })));
  return all as { readonly [Key in keyof T]: T[Key][number] }[];
}
