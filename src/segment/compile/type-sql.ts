import { NESTED_DECIMAL } from '../../model/decimal.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';

/**
 * The engine's type for a type of PQL. A decimal inside a collection has ten decimals: there the source's own digits are not known. `instant` is the type
 * of timestamps.
 */
export function typeSql(type: PqlType, instant: Sql = sql`timestamp`): Sql {
  switch (type.kind) {
    case 'integer':
      return sql`bigint`;
    case 'decimal':
      return sql`decimal(${literal(NESTED_DECIMAL.precision)}, ${literal(NESTED_DECIMAL.scale)})`;
    case 'double':
      return sql`double`;
    case 'boolean':
      return sql`boolean`;
    case 'date':
      return sql`date`;
    case 'timestamp':
      return instant;
    case 'array':
      return sql`${typeSql(type.item, instant)}[]`;
    case 'map':
      return sql`map(varchar, ${typeSql(type.value, instant)})`;
    case 'object':
      return sql`struct(${joinSql(
        [...type.fields].map(([name, member]) => sql`${ident(name)} ${typeSql(member, instant)}`),
        ', ',
      )})`;
    default:
      return sql`varchar`;
  }
}
