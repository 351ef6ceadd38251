import { NESTED_DECIMAL } from '../../model/decimal.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';

/** Other types for what a cast takes a detour for. */
interface Leaves {
  readonly timestamp?: Sql;
  readonly decimal?: Sql;
}

/** The engine's type for a type of PQL. A decimal inside a collection has ten decimals: there the source's own digits are not known. */
export function typeSql(type: PqlType, leaves: Leaves = {}): Sql {
  switch (type.kind) {
    case 'integer':
      return sql`bigint`;
    case 'decimal':
      return leaves.decimal ?? sql`decimal(${literal(NESTED_DECIMAL.precision)}, ${literal(NESTED_DECIMAL.scale)})`;
    case 'double':
      return sql`double`;
    case 'boolean':
      return sql`boolean`;
    case 'date':
      return sql`date`;
    case 'timestamp':
      return leaves.timestamp ?? sql`timestamp`;
    case 'array':
      return sql`${typeSql(type.item, leaves)}[]`;
    case 'map':
      return sql`map(varchar, ${typeSql(type.value, leaves)})`;
    case 'object':
      return sql`struct(${joinSql(
        [...type.fields].map(([name, member]) => sql`${ident(name)} ${typeSql(member, leaves)}`),
        ', ',
      )})`;
    default:
      return sql`varchar`;
  }
}
