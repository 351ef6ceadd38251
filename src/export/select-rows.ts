import { ident, joinSql, literal, noSql, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import { passing, type Exclusions } from './exclusion.ts';
import type { OutputColumn } from './output-columns.ts';

type Expression = Exclude<SqlPart, string>;

/** How the values of a file are written, by format. */
export type RenderColumn = (column: OutputColumn) => Expression;

/** Everybody who goes out, in one scan of the source. `losers`: a relation with the `id` of who lost a deduplication. */
export function memberRows(
  audience: Audience,
  exclusions: Exclusions,
  losers: Sql | undefined,
  columns: readonly OutputColumn[],
  render: RenderColumn,
  sort: boolean,
  calculated: Sql,
): Sql {
  const won = losers === undefined ? noSql : sql` and p."id" not in (select "id" from ${losers})`;
  const where = sql`${exclusions.reasons.length === 0 ? audience.predicate : exclusions.candidates}${passing(exclusions)}${won}`;
  return sql`${audience.with}select ${selectList(columns, render)} from ${audience.from}${calculated} where ${where}${orderBy(sort)}`;
}

/** The same rows by way of a selection that is written already, where the condition costs more than a join. */
export function selectedRows(
  selection: Sql,
  losers: Sql | undefined,
  columns: readonly OutputColumn[],
  render: RenderColumn,
  sort: boolean,
  calculated: Sql,
): Sql {
  const won = losers === undefined ? noSql : sql` and p."id" not in (select "id" from ${losers})`;
  return sql`select ${selectList(columns, render)} from profile p${calculated} where p."id" in (select "id" from ${selection} where "present" and "reason" is null)${won}${orderBy(sort)}`;
}

/**
 * Who joined and who left since the snapshot. A joiner has its present values; so has who left and still is in the source; of a vanished profile
 * only the carried values are known (contract section 6).
 */
export function changeRows(input: {
  readonly selection: Sql;
  readonly losers: Sql | undefined;
  readonly silent: Sql | undefined;
  readonly withExits: boolean;
  readonly carried: readonly OutputColumn[];
  readonly columns: readonly OutputColumn[];
  readonly render: RenderColumn;
  readonly sort: boolean;
  readonly calculated: Sql;
}): Sql {
  const { selection, losers, silent, withExits, carried, columns, render, sort, calculated } = input;
  const won = losers === undefined ? noSql : sql` and "id" not in (select "id" from ${losers})`;
  const heard = silent === undefined ? noSql : sql` and "id" not in (select "id" from ${silent})`;
  const last = carried.map((column) => ident(`s_${column.target}`));
  const joins = sql`select "id", 'realized' as "status"${columnsAfter(last.map((name) => sql`cast(null as varchar) as ${name}`))} from ${selection} where "present" and not "delivered" and "reason" is null${won}`;
  const exits = sql`select "id", 'exited' as "status"${columnsAfter(last.map((name) => sql`${name}`))} from ${selection} where "delivered" and not "present"${heard}`;
  const changes = withExits ? sql`${joins} union all ${exits}` : joins;
  const isCarried = new Set(carried.map((column) => column.target));
  const list = columns.map((column) => {
    if (column.kind === 'status') return sql`c."status" as ${ident(column.target)}`;
    // Of a vanished profile an expression knows nothing, whatever it makes of NULL.
    if (column.kind === 'expression') return sql`case when p."id" is not null then ${render(column)} end as ${ident(column.target)}`;
    if (!isCarried.has(column.target)) return sql`${render(column)} as ${ident(column.target)}`;
    // The carried text is of the value itself, so it fits the column's type again.
    const value: OutputColumn = { ...column, value: sql`coalesce(${column.value}, ${castFromText(sql`c.${ident(`s_${column.target}`)}`, column.type)})` };
    const text = column.text === undefined ? undefined : sql`coalesce(${column.text}, c.${ident(`s_${column.target}`)})`;
    return sql`${render({ ...value, text })} as ${ident(column.target)}`;
  });
  return sql`select ${joinSql(list, ', ')} from (${changes}) c left join profile p on p."id" = c."id"${calculated}${sort ? sql` order by p."#key" nulls last, c."id"` : noSql}`;
}

/** Rows `from` to `to` of a staged file, in its own order. */
export function stagedRows(staged: Sql, targets: readonly string[], from: number, to: number): Sql {
  return sql`select ${joinSql(
    targets.map((target) => sql`${ident(target)}`),
    ', ',
  )} from ${staged} where file_row_number >= ${literal(from)} and file_row_number < ${literal(to)}`;
}

export function selectList(columns: readonly OutputColumn[], render: RenderColumn): Sql {
  return joinSql(
    columns.map((column) => sql`${render(column)} as ${ident(column.target)}`),
    ', ',
  );
}

function columnsAfter(columns: readonly Sql[]): Sql {
  return columns.length === 0 ? noSql : sql`, ${joinSql(columns, ', ')}`;
}

function orderBy(sort: boolean): Sql {
  return sort ? sql` order by p."#key"` : noSql;
}

function castFromText(text: Sql, type: string): Sql {
  switch (type.replace(/\(.*/, '')) {
    case 'string':
      return text;
    case 'integer':
      return sql`try_cast(${text} as bigint)`;
    case 'decimal':
      return sql`try_cast(${text} as decimal(38, 10))`;
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
