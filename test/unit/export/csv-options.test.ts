import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { checkActivation } from '../../../src/activation/rules.ts';
import { loadCatalogue } from '../../../src/destination/catalogue.ts';
import { lintSchedule } from '../../../src/schedule/lint-schedule.ts';
import { patternProblem } from '../../../src/segment/pattern/read-pattern.ts';
import type { AttributesSpec, CsvWriteSpec, MappingEntry } from '../../../src/model/generated/kinds.ts';
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

/** Everything with everything: some 26,000. Run whole by RECONCILE_CSV_CROSS=all; otherwise every way of writing with as many others as the gate has time for. */
const CROSS: readonly Combination[] = WRITING.flatMap((csv) => AROUND.map(({ compression, csv: around }) => ({ compression, csv: { ...around, ...csv } })));
const STEP = process.env['RECONCILE_CSV_CROSS'] === 'all' ? 1 : 11;
// The step shares no factor with the length of AROUND, so that in turn each stands with each of WRITING's values.
const COMBINATIONS = CROSS.filter((_, index) => index % STEP === 0);
const AT_ONCE = 500;

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

/** Python's csv module, which compares too; zstd files are unpacked beforehand, which its standard library cannot. Prints what is not as wanted. */
const READER = `
import csv, gzip, json, sys
given = json.load(open(sys.argv[1]))
for f in given['files']:
    o = f['csv']
    doubled = o['escape'] == o['quote']
    opener = gzip.open if f['path'].endswith('.gz') else open
    with opener(f['path'], 'rt', newline='', encoding='utf-8') as file:
        rows = list(csv.reader(file, delimiter=o['delimiter'], quotechar=o['quote'], doublequote=doubled, escapechar=None if doubled else o['escape'], quoting=csv.QUOTE_MINIMAL, strict=True))
    header = rows.pop(0) if o['header'] else None
    def text(value): return f['nullText'] if value is None else f['emptyText'] if value == '' else value
    dates, times = given['dates'][f['dateFormat']], given['times'][f['timestampFormat']]
    wanted = [[str(i), text(first), text(last), dates[i], times[i], f'{i}.50'] for i, (first, last) in enumerate(given['people'])]
    rows.sort(key=lambda row: int(row[0]))
    if rows != wanted or header != (given['columns'] if o['header'] else None):
        bad = next((pair for pair in zip(rows, wanted) if pair[0] != pair[1]), (len(rows), header))
        print(json.dumps([o, bad]))
`;

const WITHOUT_QUOTES = `
import csv, json, sys
print(json.dumps(list(csv.reader(open(json.load(open(sys.argv[1])), newline='', encoding='utf-8'), delimiter='|', quoting=csv.QUOTE_NONE, strict=True))))
`;

const WITH_ESCAPE = `
import csv, json, sys
given = json.load(open(sys.argv[1]))
rows = csv.reader(open(given['path'], newline='', encoding='utf-8'), quotechar=given['quote'], escapechar=given['escape'], doublequote=False, strict=True)
print(json.dumps(list(rows)))
`;

describe.skipIf(!existsSync(MESSY))('on messy-names', () => {
  const people = existsSync(MESSY) ? parsePeople(readFileSync(MESSY, 'utf8')) : [];

  test(
    `${COMBINATIONS.length} combinations of options come back equal through Python's csv module and DuckDB's reader`,
    () => roundTrip(people, COMBINATIONS),
    3_600_000,
  );
});

const WITH_HOSTILE = CROSS.filter((_, index) => index % 71 === 0);

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

/** Texts that stand where they must not, some of the time. */
const CLASHING: readonly Combination[] = product({
  delimiter: [',', "'", '"', '\\', '|'],
  quote: ['"', "'"],
  escape: ['"', "'", '\\'],
  nullValue: ['', ',', '|', '"', "''", 'a\nb'],
  emptyValue: [undefined, '', '"', '"|"'],
}).map(({ emptyValue, ...csv }) => ({ compression: 'none', csv: { ...csv, ...(emptyValue === undefined ? {} : { emptyValue }) } }));

test(`of ${CLASHING.length} combinations, validate refuses those that nobody could read back and no other; of ${CROSS.length} none`, async () => {
  const refused = CLASHING.filter(isRefused);
  const allowed = CLASHING.filter((combination) => !isRefused(combination));
  expect([refused.every(hasClash), allowed.some(hasClash)]).toEqual([true, false]);
  expect(CROSS.filter(isRefused)).toEqual([]);
  await roundTrip(
    HOSTILE.map((first, index) => ({ first, last: HOSTILE[(index + 5) % HOSTILE.length] ?? null, born: dayOf(index) })),
    allowed,
  );
}, 400_000);

/** The rule in other words. */
const hasClash = ({ csv: { delimiter = '', quote = '', escape = '', nullValue = '', emptyValue = '' } }: Combination): boolean =>
  delimiter === quote ||
  delimiter === escape ||
  [nullValue, emptyValue].some((text) => {
    if (escape !== quote && text.endsWith(escape)) return true;
    const inQuotes = text.length >= 2 && text.startsWith(quote) && text.endsWith(quote);
    return (inQuotes ? [quote, '\n'] : [delimiter, quote, '\n']).some((bad) => (inQuotes ? text.slice(1, -1) : text).includes(bad));
  });

const CARD = loadCatalogue({}).find('local-directory')?.card ?? expect.unreachable('no card');

function isRefused({
  csv,
  compression,
  mapping = [{ source: 'identityMap.crmId', target: 'id' }],
}: Combination & { readonly mapping?: readonly MappingEntry[] }): boolean {
  const findings = checkActivation({
    name: 'a',
    spec: {
      destination: 'out',
      segments: ['all'],
      mapping: [...mapping],
      export: 'full',
      schedule: { every: '24h', at: '02:00', start: '2026-01-01' },
      file: { csv, compression },
    },
    destination: { card: CARD, details: {}, encrypted: false },
    segment: () => ({ title: 'all', attributes: 'customer' }),
    attributes: () => ATTRIBUTES,
    patternProblem,
    lintSchedule,
  });
  return findings.some(({ code }) => code === 'RC1339');
}

test('without quotes: what can be read back is written, anything else fails the run and leaves nothing', async () => {
  await using bench = await openExportBench();
  const options = { attributes: ATTRIBUTES, mapping: [{ source: 'identityMap.crmId', target: 'id' }, ...COLUMNS.slice(1).map((source) => ({ source }))] };
  const plain: Row[] = ['a"b', "O'B", 'x;y', ' z ', '\\', 'é'].map((first, index) => ({ first, last: '=1', born: dayOf(index) }));
  await writePeople(bench, plain);
  for (const [change, column] of [
    [{ quote: '', delimiter: '-' }, 'born'],
    [{ quote: '', delimiter: '/', dateFormat: 'DD/MM/YYYY' }, 'born'],
    [{ quote: '1', escape: '' }, 'id'],
  ] as const) {
    const { run } = await bench.run({ ...options, file: { csv: change }, name: 'second' });
    expect([run.error?.code, run.error?.message]).toEqual(['RC4040', expect.stringContaining(`\`${column}\``)]);
  }
  const csv = { quote: '', delimiter: '|', escape: '' } as const;

  const written = await bench.run({ ...options, file: { csv, sort: true } });
  const [rows = []] = runPython(bench, WITHOUT_QUOTES, join(bench.folder, 'out', 'out.csv')) as string[][][];
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
  expect(rows.slice(1).map((row) => row[1])).toEqual(plain.map(({ first }) => first));
  expect(refused).toEqual(['RC4040', 'RC4040', 'RC4040', 'RC4040']);
  expect(existsSync(join(bench.folder, 'out', 'second.csv'))).toBe(false);
});

test('a header is read back as its columns are called; what could not be is refused by `validate`', async () => {
  await using bench = await openExportBench();
  await writePeople(bench, [{ first: 'a', last: 'b', born: dayOf(0) }]);
  const targets = ['a\\,"b', 'c\\', "d$'e"];
  const mapping = ['first', 'last', 'born'].map((source, index) => ({ source, target: targets[index] ?? source }));
  for (const csv of [{ escape: '\\' }, { escape: '$', quote: "'" }]) {
    const { run } = await bench.run({ attributes: ATTRIBUTES, mapping, file: { csv }, name: 'headed' });
    expect(run.error).toBeUndefined();
    const [rows = []] = runPython(bench, WITH_ESCAPE, { quote: '"', ...csv, path: join(bench.folder, 'out', 'headed.csv') }) as string[][][];
    expect(rows[0]).toEqual(targets);
  }
  const refused = (csv: CsvWriteSpec): boolean => isRefused({ csv, compression: 'none', mapping });
  expect([{ quote: '' }, { escape: '' }, { quote: '', header: false }, { quote: '', delimiter: '|' }, {}].map(refused)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

async function roundTrip(people: readonly Row[], combinations: readonly Combination[]): Promise<void> {
  await using bench = await openExportBench();
  await writePeople(bench, people);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    `create table expected as select * from (values ${people.map(({ first, last }, id) => `(${id}, ${orNull(first)}, ${orNull(last)})`).join(',')}) v(id, f, l)`,
  );
  for (let from = 0; from < combinations.length; from += AT_ONCE) {
    const files: WrittenFile[] = [];
    for (const { csv, compression } of combinations.slice(from, from + AT_ONCE)) {
      const [path = ''] = await bench.write({
        attributes: ATTRIBUTES,
        file: { csv, compression },
        mapping: [{ source: 'identityMap.crmId', target: 'id' }, ...COLUMNS.slice(1).map((source) => ({ source }))],
      });
      files.push({ path: named(path, compression), csv: { ...csv, header: csv.header ?? true } });
    }
    expect(comparedByPython(bench, people, files)).toEqual([]);
    for (const { path, csv } of files) {
      // DuckDB's reader takes no delimiter beyond ASCII, and asks that NULL is not told by a pair of quotes.
      if (csv.delimiter === '¦') continue;
      expect(await comparedByDuckDb(connection, path, csv, people.length), JSON.stringify(csv)).toEqual([people.length, 0]);
    }
    await rm(join(bench.folder, '.reconcile', 'spool'), { recursive: true, force: true });
  }
}

interface WrittenFile {
  readonly path: string;
  readonly csv: CsvWriteSpec;
}

/** What a reader makes of a text that is written as it is. */
function unquoted(text: string, { quote = '"' }: CsvWriteSpec): string {
  return text.length >= 2 && text.startsWith(quote) && text.endsWith(quote) ? text.slice(1, -1) : text;
}

function emptyAs(csv: CsvWriteSpec): string {
  return csv.emptyValue ?? `${csv.quote}${csv.quote}`;
}

/** How many rows it reads, and how many of them are not as wanted. */
async function comparedByDuckDb(connection: DuckDBConnection, path: string, csv: CsvWriteSpec, rows: number): Promise<readonly number[]> {
  const { delimiter = ',', quote = '"', escape = '"', header, lineEnding } = csv;
  const nullValue = ['""', "''"].includes(csv.nullValue ?? '') ? undefined : (csv.nullValue ?? '');
  const names = COLUMNS.map((column) => `'${column}':'VARCHAR'`).join(',');
  const missing = nullValue === undefined ? quoted(unquoted(csv.nullValue ?? '', csv)) : 'null';
  // NULL is that text without quotes, which an empty text may be written as too.
  const empty = emptyAs(csv) === nullValue ? 'null' : quoted(unquoted(emptyAs(csv), csv));
  const wanted = (column: string): string => `case when ${column} is null then ${missing} when ${column} = '' then ${empty} else ${column} end`;
  const reader = await connection.runAndReadAll(
    `select count(*)::int, (count(*) filter (where first is distinct from ${wanted('f')} or last is distinct from ${wanted('l')}))::int from read_csv(${quoted(path)}, auto_detect=false, header=${String(header)}, delim=${quoted(delimiter)}, quote=${quoted(quote)}, escape=${quoted(escape)}, new_line=${quoted(lineEnding === 'CRLF' ? '\\r\\n' : '\\n')}, nullstr=${quoted(nullValue ?? '<none>')}, allow_quoted_nulls=false, columns={${names}}) r left join expected e on e.id = r.id::int`,
  );
  const [row = []] = reader.getRows();
  expect(rows).toBeGreaterThan(0);
  return row.map(Number);
}

function comparedByPython(bench: ExportBench, people: readonly Row[], files: readonly WrittenFile[]): readonly unknown[] {
  const dateFormats = files.map(({ csv }) => csv.dateFormat ?? 'YYYY-MM-DD');
  const timestampFormats = files.map(({ csv }) => csv.timestampFormat ?? 'YYYY-MM-DDTHH:mm:ssZ');
  const formats = (names: readonly string[], of: (row: Row) => Date): Record<string, readonly string[]> =>
    Object.fromEntries([...new Set(names)].map((format) => [format, people.map((row) => formatted(of(row), format))]));
  const given = {
    columns: COLUMNS,
    people: people.map(({ first, last }) => [first, last]),
    dates: formats(dateFormats, ({ born }) => born),
    times: formats(timestampFormats, ({ born }) => new Date(born.getTime() + 3_723_000)),
    files: files.map(({ path, csv }, index) => ({
      path,
      csv,
      nullText: unquoted(csv.nullValue ?? '', csv),
      emptyText: unquoted(emptyAs(csv), csv),
      dateFormat: dateFormats[index],
      timestampFormat: timestampFormats[index],
    })),
  };
  return runPython(bench, READER, given);
}

function runPython(bench: ExportBench, script: string, given: unknown): readonly unknown[] {
  const list = join(bench.folder, 'given.json');
  writeFileSync(list, JSON.stringify(given));
  const printed = execFileSync('python3', ['-c', script, list], { encoding: 'utf8', maxBuffer: 1 << 30 });
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

/** The file under its own suffix, so that every reader knows what it is; zstd unpacked. */
function named(path: string, compression: Combination['compression']): string {
  if (compression === 'none') return path;
  const other = `${path}.${compression === 'gzip' ? 'csv.gz' : 'csv'}`;
  const bytes = readFileSync(path);
  writeFileSync(other, compression === 'gzip' ? bytes : zstdDecompressSync(bytes));
  return other;
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

function orNull(value: string | null): string {
  return value === null ? 'null' : quoted(value);
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
