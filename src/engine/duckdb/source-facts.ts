import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import { canonicalJson } from '../../support/canonical-json.ts';
import { digestOf } from '../../support/digest.ts';
import type { BadValue } from '../engine.ts';
import type { ModelColumn } from '../profile-model.ts';
import { checkArchive } from './check-archive.ts';
import { columnValue, type ColumnValue } from './column-value.ts';
import type { Database } from './database.ts';
import type { DescribedDataset } from './described-dataset.ts';
import { decimalDigits, needsDigits, type DecimalDigits } from './typed-value.ts';
import { own } from '../../support/own.ts';

/** What was measured of one column read as one type. */
export interface ColumnFacts {
  readonly bad: number;
  readonly value?: string;
  readonly row?: number;
  readonly inside?: BadValue['inside'];
  readonly digits?: DecimalDigits;
}

type Wanted = Pick<ModelColumn, 'column' | 'type' | 'declared'>;

export interface IdentityFacts {
  readonly nulls: number;
  readonly duplicates: number;
  readonly examples: readonly string[];
}

/** What was measured of a dataset in one state of its files. Kept in the cache, so that a state is looked at once and not per run. */
interface DatasetFacts {
  readonly rows?: number;
  readonly identities: Readonly<Record<string, IdentityFacts>>;
  readonly columns: Readonly<Record<string, ColumnFacts>>;
}

export interface FactsRequest {
  readonly dataset: DescribedDataset;
  /** Column and declared type of everything that will be read. */
  readonly columns: readonly Wanted[];
  /** The primary identity's column; undefined for events. */
  readonly identity: string | undefined;
  readonly cacheFolder: string;
  /** Rises when the way of measuring changes. */
}

export interface MeasuredDataset {
  readonly rows: number;
  readonly identity: IdentityFacts;
  column(wanted: Wanted): ColumnFacts;
}

const FACTS_VERSION = 2;
const EXAMPLES = 3;
/** Of a value inside another that much is kept, to be told: it may be long itself. */
const TOLD_CHARACTERS = 200;
/** For the table of all hashes, of which the rest goes to disk: no slower, and a run needs no more memory for this than for its writing. */
const GROUPING_MB = 128;
const ROWS_PER_PASS = 20_000_000;
const NO_IDENTITY: IdentityFacts = { nulls: 0, duplicates: 0, examples: [] };

/** Measures what is not known yet about a dataset's present state, in as few scans as possible. */
export async function measureDataset(database: Database, request: FactsRequest, signal?: AbortSignal): Promise<MeasuredDataset> {
  const { dataset, identity } = request;
  const path = join(request.cacheFolder, 'sources', `${digestOf([FACTS_VERSION, dataset.files.fingerprint, dataset.relation])}.json`);
  const known = await readFacts(path);
  const unknown = uniqueBy(request.columns, factKey).filter((wanted) => known.columns[factKey(wanted)] === undefined && canBeBad(dataset, wanted));
  if (known.rows === undefined) for (const file of dataset.files.paths) await checkArchive(file, dataset.files.format, signal);
  const fresh = unknown.length > 0 || known.rows === undefined ? await scan(database, dataset, unknown, signal) : { rows: known.rows, columns: {} };
  const identities = { ...known.identities };
  if (identity !== undefined && own(identities, identity) === undefined)
    identities[identity] = await lookAtIdentity(database, dataset, identity, fresh.rows, signal);
  const facts = { rows: fresh.rows, identities, columns: { ...known.columns, ...fresh.columns } };
  if (unknown.length > 0 || known.rows === undefined || (identity !== undefined && own(known.identities, identity) === undefined))
    await writeFacts(path, facts);
  return {
    rows: facts.rows,
    identity: (identity === undefined ? undefined : own(identities, identity)) ?? NO_IDENTITY,
    column: (wanted) => facts.columns[factKey(wanted)] ?? { bad: 0 },
  };
}

function factKey({ column, type, declared: { items, values, fields } }: Wanted): string {
  const parts = [items, values, fields].every((part) => part === undefined) ? '' : canonicalJson({ items, values, fields });
  return `${type}${parts} ${column}`;
}

function valueOf(dataset: DescribedDataset, wanted: Wanted, digits?: DecimalDigits): ColumnValue {
  return columnValue(ident(wanted.column), dataset.columns.get(wanted.column) ?? 'VARCHAR', wanted, digits);
}

function canBeBad(dataset: DescribedDataset, wanted: Wanted): boolean {
  return valueOf(dataset, wanted).bad !== undefined;
}

async function scan(
  database: Database,
  dataset: DescribedDataset,
  columns: readonly Wanted[],
  signal?: AbortSignal,
): Promise<{ readonly rows: number; readonly columns: Record<string, ColumnFacts> }> {
  const digits = await measureDigits(database, dataset, columns, signal);
  const values = columns.map((wanted) => valueOf(dataset, wanted, digits.get(factKey(wanted))));
  const counts = values.map(({ bad }, index) => sql`count(*) filter (where ${bad ?? sql`false`}) as ${ident(`b${index}`)}`);
  const [row] = await database.rows(sql`select ${joinSql([sql`count(*) as n`, ...counts], ', ')} from ${dataset.relation}`, signal);
  const facts: Record<string, ColumnFacts> = {};
  for (const [index, wanted] of columns.entries()) {
    const bad = Number(row?.[`b${index}`] ?? 0);
    const measured = digits.get(factKey(wanted));
    facts[factKey(wanted)] = {
      bad,
      ...(measured === undefined ? {} : { digits: measured }),
      ...(bad === 0 ? {} : await firstBad(database, dataset, wanted.column, values[index], signal)),
    };
  }
  return { rows: Number(row?.['n'] ?? 0), columns: facts };
}

async function measureDigits(
  database: Database,
  dataset: DescribedDataset,
  columns: readonly Wanted[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, DecimalDigits>> {
  const measured = columns.filter(({ column, type }) => needsDigits(dataset.columns.get(column) ?? 'VARCHAR', type));
  if (measured.length === 0) return new Map();
  const parts = measured.flatMap(({ column }, index) => {
    const { integer, fraction } = decimalDigits(sql`cast(${ident(column)} as varchar)`);
    return [sql`${integer} as ${ident(`i${index}`)}`, sql`${fraction} as ${ident(`f${index}`)}`];
  });
  const [row] = await database.rows(sql`select ${joinSql(parts, ', ')} from ${dataset.relation}`, signal);
  return new Map(measured.map((wanted, index) => [factKey(wanted), { integer: Number(row?.[`i${index}`] ?? 1), fraction: Number(row?.[`f${index}`] ?? 0) }]));
}

async function firstBad(
  database: Database,
  dataset: DescribedDataset,
  column: string,
  value: ColumnValue | undefined,
  signal?: AbortSignal,
): Promise<Pick<ColumnFacts, 'value' | 'row' | 'inside'>> {
  const numbered: Sql = sql`select *, row_number() over () as "#row" from ${dataset.relation}`;
  const first = sql`select * from (${numbered}) where ${value?.bad ?? sql`false`} order by "#row" limit 1`;
  const text = sql`cast(${ident(column)} as varchar) as v, "#row" as r`;
  if (value?.place === undefined) {
    const [row] = await database.rows(sql`select ${text} from (${first})`, signal);
    return { value: String(row?.['v'] ?? ''), row: Number(row?.['r'] ?? 0) };
  }
  const [row] = await database.rows(
    sql`select r, left(b.v, ${literal(TOLD_CHARACTERS)}) as v, b.p as p, b.t as t from (select ${text}, ${value.place} as b from (${first}))`,
    signal,
  );
  const inside = { path: String(row?.['p'] ?? ''), type: String(row?.['t'] ?? '') };
  return { value: String(row?.['v'] ?? ''), row: Number(row?.['r'] ?? 0), inside };
}

/** NULL and empty identities, and those that occur more than once. */
async function lookAtIdentity(database: Database, dataset: DescribedDataset, column: string, rows: number, signal?: AbortSignal): Promise<IdentityFacts> {
  const key = ident(column);
  const empty = dataset.columns.get(column) === 'VARCHAR' ? sql`${key} is null or ${key} = ''` : sql`${key} is null`;
  const [counted] = await database.rows(sql`select count(*) as n from ${dataset.relation} where ${empty}`, signal);
  const nulls = Number(counted?.['n'] ?? 0);
  const keys = sql`select ${key} as k from ${dataset.relation} where not (${empty})`;
  if ((await isInOrder(database, keys, signal)) || !(await mayOccurTwice(database, keys, rows, signal))) return { ...NO_IDENTITY, nulls };
  const twice = sql`select k from (${keys}) group by k having count(*) > 1`;
  const examples = await database.rows(
    sql`select cast(k as varchar) as k, count(*) over () as n from (${twice}) order by k limit ${literal(EXAMPLES)}`,
    signal,
  );
  return { nulls, duplicates: Number(examples[0]?.['n'] ?? 0), examples: examples.map((row) => String(row['k'])) };
}

/** Each above the one before it, so that none is there twice: needs no memory, and ends at the first that is not. */
async function isInOrder(database: Database, keys: Sql, signal?: AbortSignal): Promise<boolean> {
  const steps = sql`select k <= lag(k) over () as "back" from (${keys})`;
  return (await database.rows(sql`select 1 as n from (${steps}) where "back" limit 1`, signal)).length === 0;
}

/** Compares hashes, so that memory depends on neither the number nor the width of the keys. False is certain. */
async function mayOccurTwice(database: Database, keys: Sql, rows: number, signal?: AbortSignal): Promise<boolean> {
  const passes = Math.max(1, Math.ceil(rows / ROWS_PER_PASS));
  for (let pass = 0; pass < passes; pass += 1) {
    // Bits of the hash that the engine's own tables and partitions do not go by.
    const part = passes === 1 ? sql`true` : sql`(h >> 28) % ${literal(passes)} = ${literal(pass)}`;
    const twice = sql`select h from (select hash(k) as h from (${keys})) where ${part} group by h having count(*) > 1`;
    if ((await database.withMemory(GROUPING_MB, () => database.rows(sql`select 1 as n from (${twice}) limit 1`, signal))).length > 0) return true;
  }
  return false;
}

async function readFacts(path: string): Promise<DatasetFacts> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DatasetFacts;
  } catch {
    // Absent or torn: it is only a cache.
    return { identities: {}, columns: {} };
  }
}

async function writeFacts(path: string, facts: DatasetFacts): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  try {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(temporary, JSON.stringify(facts));
    await rename(temporary, path);
  } catch {
    // A read-only project can still be evaluated; it is only measured again next time.
  }
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
