import { AppError } from '../../model/app-error.ts';
import type { FileDatasetSpec } from '../../model/generated/kinds.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import { nearest } from '../../support/nearest.ts';
import { delimiterOf, readCsvHeader, type CsvHeader } from './csv-header.ts';
import type { Database } from './database.ts';
import type { DatasetFiles } from './dataset-files.ts';
import { keysBeside, NO_FOLDERS, withKeys } from './key-folders.ts';
import { describe, parquetRelation } from './parquet-relation.ts';

/** A dataset whose columns and physical types are known. */
export interface DescribedDataset {
  readonly name: string;
  readonly files: DatasetFiles;
  /** Physical type by column, as DuckDB names it; `TEXT SOURCE` types are all VARCHAR and carry `text: true`. */
  readonly columns: ReadonlyMap<string, string>;
  /** Values stand as text in the source (CSV, JSON) and are typed by us. */
  readonly text: boolean;
  /** What to read from, after `from`. */
  readonly relation: Sql;
}

/** Finds out a dataset's columns and how to read it. CSV is read as text with every option said, so that nothing is guessed. */
export async function describeDataset(database: Database, files: DatasetFiles, spec: FileDatasetSpec, needed: readonly string[]): Promise<DescribedDataset> {
  const base = { name: files.name, files };
  if (files.format === 'csv') {
    const header = await csvHeader(files, spec);
    const { columns } = header;
    return { ...base, columns: new Map(columns.map((column) => [column, 'VARCHAR'])), text: true, relation: csvRelation(files, spec, header) };
  }
  if (files.format === 'parquet') {
    const read =
      (keys: readonly string[]) =>
      (paths: readonly string[]): Sql =>
        withKeys(keys, (options) => sql`read_parquet(${listOf(paths)}, union_by_name => true, ${options})`);
    const own = await parquetRelation(database, files.paths, read([]));
    const keys = keysBeside(files.paths, own.columns);
    return { ...base, text: false, ...(keys.length === 0 ? own : await parquetRelation(database, files.paths, read(keys))) };
  }
  const look = (options: Sql): Promise<ReadonlyMap<string, string>> =>
    describe(database, sql`read_json(${listOf(files.paths)}, union_by_name => true, ${options})`);
  const lookAtAll = async (): Promise<ReadonlyMap<string, string>> => look(sql`${NO_FOLDERS}, sample_size => -1`);
  const sampled = await look(NO_FOLDERS);
  // A key that is rare may lie beyond the sample; only then is the whole file looked at.
  const own = needed.every((column) => sampled.has(column)) ? sampled : await lookAtAll();
  const columns = new Map([...own].map(([column, type]) => [column, isNested(type) ? 'JSON' : 'VARCHAR']));
  const used = [...columns].filter(([column]) => needed.includes(column));
  const keys = keysBeside(files.paths, own);
  const relation = withKeys(keys, (options) =>
    used.length === 0 ? sql`read_json(${listOf(files.paths)}, ${options})` : sql`read_json(${listOf(files.paths)}, columns => ${structOf(used)}, ${options})`,
  );
  return { ...base, columns: new Map([...columns, ...keys.map((key) => [key, 'VARCHAR'] as const)]), text: true, relation };
}

/** Throws RC2002 for a column that is not there, with the nearest name. */
export function requireColumn(dataset: DescribedDataset, column: string, usedBy: string): string {
  const type = dataset.columns.get(column);
  if (type !== undefined) return type;
  const near = nearest(column, dataset.columns.keys());
  throw new AppError({
    code: 'RC2002',
    message: `dataset \`${dataset.name}\` has no column \`${column}\`, which ${usedBy} reads`,
    hint:
      near === undefined
        ? `its columns are ${
            [...dataset.columns.keys()]
              .slice(0, 30)
              .map((name) => `\`${name}\``)
              .join(', ') || 'none: the file is empty'
          }`
        : `did you mean \`${near}\`?`,
  });
}

async function csvHeader(files: DatasetFiles, spec: FileDatasetSpec): Promise<CsvHeader> {
  let first: readonly string[] | undefined;
  let lineEnd: string | undefined;
  for (const path of files.paths) {
    const { columns, ...end } = await readCsvHeader(path, spec.csv);
    lineEnd ??= end.lineEnd;
    if (first === undefined) first = columns;
    else if (columns.length > 0 && columns.join('\0') !== first.join('\0')) {
      throw new AppError({
        code: 'RC2003',
        message: `the files of dataset \`${files.name}\` do not have the same columns: \`${path}\` has ${columns.join(', ')}`,
        hint: `all must have ${first.join(', ')}, in this order`,
      });
    }
  }
  return { columns: first ?? [], ...(lineEnd === undefined ? {} : { lineEnd }) };
}

function csvRelation(files: DatasetFiles, spec: FileDatasetSpec, { columns, lineEnd }: CsvHeader): Sql {
  const options = spec.csv;
  const encoding = { 'UTF-8': 'utf-8', 'UTF-16': 'utf-16', 'ISO-8859-1': 'latin-1' }[options?.encoding ?? 'UTF-8'];
  // An empty file has no header and no columns: a relation of no rows, so that its emptiness is what is reported.
  if (columns.length === 0) return sql`(select null::varchar as "#none" where false)`;
  return sql`read_csv(${listOf(files.paths)}, auto_detect => false, header => ${literal(options?.header !== false)}, delim => ${literal(delimiterOf(files.paths[0] ?? '', options))}, quote => ${literal(options?.quote ?? '"')}, escape => ${literal(options?.escape ?? '"')}, encoding => ${literal(encoding)}, ${NO_FOLDERS}, nullstr => ${literal('')}, allow_quoted_nulls => false${lineEnd === undefined ? sql`` : sql`, new_line => ${literal(lineEnd.replace('\r', '\\r').replace('\n', '\\n'))}`}, columns => ${structOf(columns.map((column) => [column, 'VARCHAR'] as const))})`;
}

function listOf(texts: readonly string[]): Sql {
  return sql`[${joinSql(texts.map(literal), ', ')}]`;
}

function structOf(entries: readonly (readonly [string, string])[]): Sql {
  return sql`{${joinSql(
    entries.map(([name, type]) => sql`${ident(name)}: ${literal(type)}`),
    ', ',
  )}}`;
}

function isNested(type: string): boolean {
  return type.endsWith('[]') || type.startsWith('STRUCT') || type.startsWith('MAP');
}
