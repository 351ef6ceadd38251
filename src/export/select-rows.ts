import { ident, joinSql, literal, noSql, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import { passing, type Exclusions } from './exclusion.ts';
import { identifies, textOf, type OutputColumn } from './output-columns.ts';
import { keyAsText, profileKey, type RowKey } from './row-key.ts';

type Expression = Exclude<SqlPart, string>;

/** How the values of a file are written, by format. */
export type RenderColumn = (column: OutputColumn) => Expression;

export interface RowsInput {
  readonly columns: readonly OutputColumn[];
  readonly render: RenderColumn;
  readonly sort: boolean;
  /** What expressions join to `profile p`. */
  readonly calculated: Sql;
  readonly by: RowKey;
  /** A relation with the `id` of who lost a deduplication. */
  readonly losers: Sql | undefined;
  /** Also who each row is, as the column `#who`. */
  readonly who?: boolean | undefined;
}

/** The rows of a file: their values as `render` gives them, and `#who` they are. */
export type RowsQuery = (render: RenderColumn, who?: boolean) => Sql;

/**
 * Rows of a relation whose key a file of ids does not have, as what comes after `from`: a join, because `not in` keeps all the ids in memory and
 * `not exists` first makes the keys unique.
 */
export function without(ids: Sql, key: Expression): Sql {
  return sql` anti join (select "id" as "#without" from ${ids}) "#w" on "#w"."#without" = ${key}`;
}

/** Everybody who goes out, in one scan of the source. `winners`: a relation with the `id` of the only ones who do, of those who passed. */
export function memberRows(input: RowsInput & { readonly audience: Audience; readonly exclusions: Exclusions; readonly winners?: Sql }): Sql {
  const { audience, calculated, sort, winners } = input;
  return sql`${audience.with}select ${selectList(input)} from ${audience.from}${calculated}${wonBy(input)} where ${outgoing(input)}${winners === undefined ? noSql : sql` and p."#key" in (select "id" from ${winners})`}${orderBy(sort)}`;
}

/** The condition that a member goes out, deduplication aside. */
export function outgoing({ audience, exclusions }: { readonly audience: Audience; readonly exclusions: Exclusions }): Sql {
  return sql`${exclusions.reasons.length === 0 ? audience.predicate : exclusions.candidates}${passing(exclusions)}`;
}

/** The same rows by way of a selection that is written already, where the condition costs more than a join. */
export function selectedRows(input: RowsInput & { readonly selection: Sql }): Sql {
  const { calculated, sort, selection, by } = input;
  return sql`select ${selectList(input)} from profile p${calculated}${wonBy(input)} where ${profileKey(by)} in (select "id" from ${selection} where "present" and "reason" is null)${orderBy(sort)}`;
}

/**
 * Who joined and who left since the snapshot. A joiner has its present values; so has who left and still is in the source; of a vanished profile
 * only its identity and the carried values are known (contract section 6).
 */
export function changeRows(
  input: RowsInput & {
    readonly selection: Sql;
    readonly silent: Sql | undefined;
    readonly withExits: boolean;
    readonly carried: readonly OutputColumn[];
  },
): Sql {
  const { selection, losers, silent, withExits, carried, columns, render, sort, calculated, by, who = false } = input;
  const won = losers === undefined ? noSql : without(losers, sql`"id"`);
  const heard = silent === undefined ? noSql : without(silent, sql`"id"`);
  const last = carried.map(({ carriedAs }) => ident(`s_${carriedAs}`));
  const joins = sql`select "id", 'realized' as "status"${columnsAfter(last.map((name) => sql`cast(null as varchar) as ${name}`))} from ${selection}${won} where "present" and "delivered" is not true and "reason" is null`;
  const exits = sql`select "id", 'exited' as "status"${columnsAfter(last.map((name) => sql`${name}`))} from ${selection}${heard} where "delivered" and not "present"`;
  const list = [...columns.map((column) => changeColumn(column, render)), ...(who ? [sql`c."id" as "#who"`] : []), ...(sort ? [sql`c."id" as "#order"`] : [])];
  // The few changes are the side that a join is built on; the source passes by.
  const known = sql`select ${joinSql(list, ', ')} from profile p join (${withExits ? sql`${joins} union all ${exits}` : joins}) c on ${profileKey(by)} = c."id"${calculated}`;
  const still = sql`select ${profileKey(by)} as "id" from profile p where ${profileKey(by)} in (select "id" from (${exits}))`;
  const vanished = sql`select ${joinSql(list, ', ')} from (${exits}) c left join (select * from profile limit 0) p on ${profileKey(by)} = c."id"${calculated}${without(sql`(${still})`, sql`c."id"`)}`;
  const rows = withExits ? sql`${known} union all ${vanished}` : known;
  if (!sort) return rows;
  const names = [...columns.map(({ target }) => ident(target)), ...(who ? [ident('#who')] : [])].map((name) => sql`${name}`);
  return sql`select ${joinSql(names, ', ')} from (${rows}) order by "#order"`;
}

function changeColumn(column: OutputColumn, render: RenderColumn): Sql {
  const name = ident(column.target);
  if (column.kind === 'status') return sql`${render({ ...column, value: sql`c."status"` })} as ${name}`;
  if (column.primary) {
    const id = keyAsText(sql`c."id"`);
    return sql`${render({ ...column, value: sql`coalesce(${column.value}, ${column.hash?.(id) ?? id})`, text: undefined })} as ${name}`;
  }
  // Of a vanished profile an expression knows nothing, whatever it makes of NULL.
  const known = column.kind === 'expression' ? { ...column, value: sql`case when p."id" is not null then ${column.value} end` } : column;
  if (!identifies(column)) return sql`${render(known)} as ${name}`;
  const carried = ident('c', `s_${column.carriedAs}`);
  const value = sql`coalesce(${known.value}, ${carriedValue(column, sql`${carried}`)})`;
  // A key is found again by its digits: what its row had, the exit has.
  const hasDigits = column.text !== undefined || column.type === 'integer' || column.type.startsWith('decimal');
  return sql`${render({ ...column, value, text: hasDigits ? sql`coalesce(${textOf(known)}, ${carried})` : undefined })} as ${name}`;
}

function wonBy({ losers, by }: RowsInput): Sql {
  return losers === undefined ? noSql : without(losers, profileKey(by));
}

/** Rows as they are staged: columns by number, because one that is called as the engine calls a row's number would hide that. */
export function toStage(rows: Sql, targets: readonly string[], who: boolean): Sql {
  const list = targets.map((target, index) => sql`${ident(target)} as ${ident(`#${index}`)}`);
  return sql`select ${joinSql(who ? [...list, sql`"#who"`] : list, ', ')} from (${rows})`;
}

/** Rows `from` to `to` of a staged file, in its own order. */
export function stagedRows(staged: Sql, targets: readonly string[], from: number, to: number): Sql {
  return sql`select ${joinSql(
    targets.map((target, index) => sql`${ident(`#${index}`)} as ${ident(target)}`),
    ', ',
  )} from ${staged} where file_row_number >= ${literal(from)} and file_row_number < ${literal(to)}`;
}

function selectList({ columns, render, by, who = false }: RowsInput): Sql {
  const values = columns.map((column) => sql`${render(column)} as ${ident(column.target)}`);
  return joinSql(who ? [...values, sql`${profileKey(by)} as "#who"`] : values, ', ');
}

export function columnsAfter(columns: readonly Sql[]): Sql {
  return columns.length === 0 ? noSql : sql`, ${joinSql(columns, ', ')}`;
}

function orderBy(sort: boolean): Sql {
  return sort ? sql` order by p."#key"` : noSql;
}

/**
 * What the snapshot carries, in the column's type again; NULL when it does not fit. Numbers take the type that the source has now: one that is declared only
 * `decimal` has the source's digits, and a wider type on this side would become that of the whole column.
 */
function carriedValue(column: OutputColumn, text: Sql): Sql {
  switch (column.type.replace(/\(.*/, '')) {
    case 'string':
      return text;
    case 'integer':
    case 'decimal':
      return sql`try(cast_to_type(${text}, ${column.value}))`;
    case 'double':
      return sql`try_cast(${text} as double)`;
    case 'boolean':
      return sql`try_cast(${text} as boolean)`;
    case 'date':
      return sql`try_cast(${text} as date)`;
    case 'timestamp':
      return sql`(try_cast(${text} as timestamptz) at time zone 'UTC')`;
    default:
      return sql`try_cast(${text} as json)`;
  }
}
