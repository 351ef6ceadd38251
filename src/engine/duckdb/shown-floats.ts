import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import type { PhysicalType } from './physical-type.ts';

type Expression = Exclude<SqlPart, string>;

/**
 * A list, a struct or a map whose 32-bit floats are the numbers that the source shows, as `typedValue` has them of a column: 0.1, not 0.10000000149. All
 * else keeps its type.
 */
export function withShownFloats(raw: Expression, native: PhysicalType): Expression {
  if (!holdsFloats(native)) return raw;
  return sql`cast(cast(${raw} as ${typeWith(native, sql`varchar`)}) as ${typeWith(native, sql`double`)})`;
}

function holdsFloats(native: PhysicalType): boolean {
  switch (native.kind) {
    case 'list':
      return holdsFloats(native.item);
    case 'map':
      return holdsFloats(native.value);
    case 'struct':
      return [...native.fields.values()].some(holdsFloats);
    case 'scalar':
      return native.name === 'FLOAT';
  }
}

function typeWith(native: PhysicalType, float: Sql): Sql {
  switch (native.kind) {
    case 'list':
      return sql`${typeWith(native.item, float)}[]`;
    case 'map':
      return sql`map(${typeWith(native.key, float)}, ${typeWith(native.value, float)})`;
    case 'struct':
      return sql`struct(${joinSql(
        [...native.fields].map(([name, member]) => sql`${ident(name)} ${typeWith(member, float)}`),
        ', ',
      )})`;
    case 'scalar':
      return native.name === 'FLOAT' ? float : scalarSql(native.name);
  }
}

const SCALARS: ReadonlyMap<string, Sql> = new Map([
  ['BOOLEAN', sql`boolean`],
  ['TINYINT', sql`tinyint`],
  ['SMALLINT', sql`smallint`],
  ['INTEGER', sql`integer`],
  ['BIGINT', sql`bigint`],
  ['HUGEINT', sql`hugeint`],
  ['UTINYINT', sql`utinyint`],
  ['USMALLINT', sql`usmallint`],
  ['UINTEGER', sql`uinteger`],
  ['UBIGINT', sql`ubigint`],
  ['UHUGEINT', sql`uhugeint`],
  ['DOUBLE', sql`double`],
  ['DATE', sql`date`],
  ['TIME', sql`time`],
  ['TIMESTAMP', sql`timestamp`],
  ['TIMESTAMP_S', sql`timestamp_s`],
  ['TIMESTAMP_MS', sql`timestamp_ms`],
  ['TIMESTAMP_NS', sql`timestamp_ns`],
  ['TIMESTAMP WITH TIME ZONE', sql`timestamptz`],
  ['UUID', sql`uuid`],
  ['BLOB', sql`blob`],
]);

/** An enumeration and its like are read as their text. */
function scalarSql(name: string): Sql {
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(name) ?? [];
  if (precision !== undefined) return sql`decimal(${literal(Number(precision))}, ${literal(Number(scale))})`;
  return SCALARS.get(name) ?? sql`varchar`;
}
