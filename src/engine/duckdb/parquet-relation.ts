import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { Database } from './database.ts';
import { areAlike, withDigitsKept } from './digits-kept.ts';
import { readPhysicalType } from './physical-type.ts';
import { withShownFloats } from './shown-floats.ts';

export interface ParquetRelation {
  /** Physical type by column, as DuckDB names it. */
  readonly columns: ReadonlyMap<string, string>;
  readonly relation: Sql;
}

type Columns = ReadonlyMap<string, string>;
type Read = (paths: readonly string[]) => Sql;

const FLOAT = /^(FLOAT|DOUBLE)$/;

/**
 * Files that hold a column in types of their own are read apart and put together here. Read at once, the engine brings a condition to each file's type as it
 * can (DuckDB 1.5): to a file of dates, `t < 2024-01-01 11:00` asks for the days before January 1st, and 2 is 1.5 where numbers are whole. And whole numbers
 * or decimals beside floating ones would all be these, also inside of values: 9007199254740993 would be 9007199254740992, and 0.1 of 32 bits 0.10000000149.
 */
export async function parquetRelation(database: Database, paths: readonly string[], read: Read): Promise<ParquetRelation> {
  const whole = { columns: await describe(database, read(paths)), relation: read(paths) };
  const alike = paths.length === 1 ? [paths] : await filesAlike(database, paths);
  if (alike.length === 1) return whole;
  const groups = await Promise.all(alike.map(async (files) => ({ files, columns: byLowerCase(await describe(database, read(files))) })));
  const differing = [...whole.columns.keys()].filter((name) => typesOf(groups, name).size > 1);
  if (differing.length === 0) return whole;
  const parts = mergeBy(groups, ({ columns }) => differing.map((name) => columns.get(name.toLowerCase()) ?? '').join('\0')).map((merged) => {
    const columns = merged[0]?.columns ?? new Map<string, string>();
    const casts = differing.flatMap((name) => {
      const cast = castOf(name, columns.get(name.toLowerCase()), typesOf(groups, name), whole.columns.get(name) ?? '');
      return cast === undefined ? [] : [sql`${cast} as ${ident(name)}`];
    });
    const from = read(merged.flatMap(({ files }) => files).sort());
    return casts.length === 0 ? sql`select * from ${from}` : sql`select * replace (${joinSql(casts, ', ')}) from ${from}`;
  });
  const relation = sql`(${joinSql(parts, ' union all by name ')})`;
  return { columns: await describe(database, relation), relation };
}

export async function describe(database: Database, relation: Sql): Promise<Columns> {
  const rows = await database.rows(sql`describe select * from ${relation}`);
  return new Map(rows.map((row) => [String(row['column_name']), String(row['column_type'])]));
}

/** Files by what they say of their columns; in the order of their first. */
async function filesAlike(database: Database, paths: readonly string[]): Promise<readonly (readonly string[])[]> {
  const hash = sql`cast(bit_xor(hash(column_id, name, type, duckdb_type, logical_type, num_children)) as varchar)`;
  const rows = await database.rows(
    sql`select file_name as f, ${hash} as h from parquet_schema([${joinSql(paths.map(literal), ', ')}]) group by file_name order by file_name`,
  );
  return mergeBy(rows, ({ h }) => String(h)).map((merged) => merged.map(({ f }) => String(f)));
}

/** The engine tells names apart without their case. */
function byLowerCase(columns: Columns): Columns {
  return new Map([...columns].map(([name, type]) => [name.toLowerCase(), type]));
}

/** A column's types, without those of files that lack it: there it is NULL. */
function typesOf(groups: readonly { readonly columns: Columns }[], name: string): ReadonlySet<string> {
  return new Set(groups.flatMap(({ columns }) => columns.get(name.toLowerCase()) ?? []));
}

/** How a column whose types differ is read from files that have it as `type`; undefined where the engine brings it to `common` without a loss. */
function castOf(name: string, type: string | undefined, types: ReadonlySet<string>, common: string): Sql | undefined {
  if (type === undefined) return undefined;
  const column = ident(name);
  const text = sql`cast(${column} as varchar)`;
  const natives = [...types].map(readPhysicalType);
  const native = readPhysicalType(type);
  // The engine reads a text beside a list in a way of its own, and refuses a number there: as JSON each is what it is, and what is none of its type is told.
  if (!areAlike(natives)) return native.kind === 'scalar' ? text : sql`cast(to_json(${withShownFloats(column, native)}) as varchar)`;
  if (!FLOAT.test(common) || [...types].every((one) => FLOAT.test(one))) {
    const shown = withShownFloats(column, native);
    const kept = native.kind === 'scalar' ? shown : withDigitsKept(shown, native, natives);
    return kept === column ? undefined : sql`${kept}`;
  }
  if (!FLOAT.test(type)) return text;
  // Beside whole numbers a whole number is written as one.
  return sql`case when ${column} = try_cast(${column} as bigint) then cast(try_cast(${column} as bigint) as varchar) else ${text} end`;
}

function mergeBy<T>(items: readonly T[], key: (item: T) => string): readonly (readonly T[])[] {
  return [...Map.groupBy(items, key).values()];
}
