import type { Engine } from '../engine/engine.ts';
import { MAX_DECIMAL_DIGITS } from '../model/decimal.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import { identifies, type OutputColumn } from './output-columns.ts';

/**
 * The columns with room for what exits carry: a column of a Parquet file has one type, and one that is declared only `decimal` has the digits that the source has now.
 * What had more would be rounded to somebody else's key. Other formats write the digits as they are.
 */
export async function fitCarried(input: {
  readonly engine: Engine;
  readonly columns: readonly OutputColumn[];
  readonly carried: readonly OutputColumn[];
  readonly calculated: Sql;
  readonly selection: Sql;
  readonly signal: AbortSignal | undefined;
}): Promise<readonly OutputColumn[]> {
  const { engine, columns, carried, calculated, selection, signal } = input;
  const decimals = carried.filter((column) => identifies(column) && column.type.startsWith('decimal'));
  if (decimals.length === 0) return columns;
  const asked = decimals.flatMap(({ carriedAs, value }, index) => {
    const before = ident(`s_${carriedAs}`);
    return [
      sql`typeof((select ${value} from profile p${calculated} where false)) as ${ident(`type${index}`)}`,
      sql`max(length(regexp_extract(${before}, '^[+-]?0*([0-9]*)', 1))) as ${ident(`whole${index}`)}`,
      sql`max(length(regexp_extract(${before}, '[.]([0-9]*?)0*$', 1))) as ${ident(`fraction${index}`)}`,
    ];
  });
  const [row] = await engine.rows(sql`select ${joinSql(asked, ', ')} from ${selection} where "delivered" and not "present"`, signal);
  const wider = new Map<string, Sql>();
  for (const [index, { carriedAs, value }] of decimals.entries()) {
    const [, precision, scale] = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(String(row?.[`type${index}`])) ?? [];
    if (precision === undefined || scale === undefined) continue;
    const fraction = Math.max(Number(scale), Number(row?.[`fraction${index}`] ?? 0));
    const digits = fraction + Math.max(Number(precision) - Number(scale), Number(row?.[`whole${index}`] ?? 0));
    if (digits <= MAX_DECIMAL_DIGITS && (digits > Number(precision) || fraction > Number(scale)))
      wider.set(carriedAs, sql`cast(${value} as decimal(${literal(digits)}, ${literal(fraction)}))`);
  }
  return columns.map((column) => ({ ...column, value: wider.get(column.carriedAs) ?? column.value }));
}
