import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { CsvWriteSpec } from '../../../src/model/generated/kinds.ts';
import { openExportBench } from '../../support/export-bench.ts';

/** What breaks writers: every delimiter, quote, escape and line break, texts that look like NULL, scripts, formulas, blanks at the ends. */
const VALUES: readonly (string | null)[] = [
  null,
  '',
  'plain',
  'a,b;c\td|e:f¦g',
  '"quoted" \'single\'',
  'back\\slash\\',
  'line\nbreak',
  'win\r\ndows',
  'cr\ronly',
  ' blanks ',
  'NULL',
  '\\N',
  '""',
  '#comment',
  '=1+1',
  'Zoë 李小龍 محمد 👩‍👩‍👧',
  '\u200Fmark',
  "O'Brien",
  ',',
  '"',
  '\n',
  'null',
];

const COMBINATIONS: readonly CsvWriteSpec[] = [',', ';', '\t', '|', '¦'].flatMap((delimiter) =>
  (['"', "'"] as const).flatMap((quote) =>
    ['', '\\'].flatMap((escape) =>
      [{}, { nullValue: 'NULL' }, { nullValue: '\\N', emptyValue: '' }, { emptyValue: '(empty)' }].flatMap((texts) =>
        [false, true].map((quoteAll) =>
          Object.assign(
            {
              delimiter,
              quote,
              escape: escape === '' ? quote : escape,
              quoteAll,
              header: !quoteAll,
              lineEnding: quoteAll ? ('CRLF' as const) : ('LF' as const),
            },
            texts,
          ),
        ),
      ),
    ),
  ),
);

const READER = `
import csv, json, sys
out = []
for f in json.load(open(sys.argv[1])):
    o = f['csv']
    doubled = o['escape'] == o['quote']
    with open(f['path'], newline='', encoding='utf-8') as file:
        rows = list(csv.reader(file, delimiter=o['delimiter'], quotechar=o['quote'], doublequote=doubled, escapechar=None if doubled else o['escape'], strict=True))
    out.append(rows[1:] if o['header'] else rows)
json.dump(out, sys.stdout)
`;

test(`${COMBINATIONS.length} combinations of options come back equal through Python's csv module and DuckDB's reader`, async () => {
  await using bench = await openExportBench();
  await bench.writePeople(`id,first,last,email,country,income\n${VALUES.map((value, index) => `${index},${cell(value)},x,,,`).join('\n')}\n`);
  const files: { readonly path: string; readonly csv: CsvWriteSpec }[] = [];
  for (const [index, csv] of COMBINATIONS.entries()) {
    const { run } = await bench.run({
      name: `f${index}`,
      file: { csv, sort: true },
      mapping: [{ source: 'identityMap.crmId', target: 'id' }, { source: 'first' }, { source: 'last' }],
    });
    expect(run.error).toBeUndefined();
    files.push({ path: join(bench.folder, 'out', `f${index}.csv`), csv });
  }
  writeFileSync(join(bench.folder, 'files.json'), JSON.stringify(files));
  const read = JSON.parse(execFileSync('python3', ['-c', READER, join(bench.folder, 'files.json')], { encoding: 'utf8', maxBuffer: 1 << 28 })) as string[][][];
  const connection = await (await DuckDBInstance.create(':memory:')).connect();

  for (const [index, { path, csv }] of files.entries()) {
    const said = JSON.stringify(csv);
    const rows = (read[index] ?? []).toSorted((a, b) => Number(a[0]) - Number(b[0]));
    const text = (value: string | null): string => {
      const shown = value === null ? (csv.nullValue ?? '') : value === '' ? (csv.emptyValue ?? '') : value;
      // A backslash is this reader's escape: it reads \N as N.
      return csv.escape === '\\' && value === null ? shown.replaceAll('\\', '') : shown;
    };
    expect(rows, said).toEqual(VALUES.map((value, id) => [String(id), text(value), 'x']));
    // DuckDB's reader takes no delimiter beyond ASCII, and with a backslash for an escape it reads \N as it likes.
    if (csv.delimiter === '¦' || csv.escape === '\\') continue;
    const reader = await connection.runAndReadAll(
      `select * from read_csv(${quoted(path)}, auto_detect=false, header=${String(csv.header)}, delim=${quoted(csv.delimiter ?? ',')}, quote=${quoted(csv.quote ?? '"')}, escape=${quoted(csv.escape ?? '"')}, nullstr=${quoted(csv.nullValue ?? '')}, allow_quoted_nulls=false, columns={'id':'INT','first':'VARCHAR','last':'VARCHAR'}) order by id`,
    );
    const back = reader.getRows().map((row) => row[1]);
    expect(back, said).toEqual(VALUES.map((value) => (value === '' ? (csv.emptyValue ?? '') : value)));
  }
}, 120_000);

function cell(value: string | null): string {
  return value === null ? '' : `"${value.replaceAll('"', '""')}"`;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
