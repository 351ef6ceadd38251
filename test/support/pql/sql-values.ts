import { ident, joinSql, literal, sql, type Sql } from '../../../src/sql/sql.ts';
import type { FieldDeclaration } from './world.ts';

/** The column type that an engine offers for a declared field. */
export function columnTypeOf(field: FieldDeclaration): Sql {
  switch (field.type) {
    case 'string':
      return sql`varchar`;
    case 'integer':
      return sql`bigint`;
    case 'array':
      return sql`${columnTypeOf(field.items ?? { type: 'string' })}[]`;
    case 'map':
      return sql`map(varchar, ${columnTypeOf(field.values ?? { type: 'string' })})`;
    case 'object':
      return sql`struct(${joinSql(
        Object.entries(field.fields ?? {}).map(([name, member]) => sql`${ident(name)} ${columnTypeOf(member)}`),
        ', ',
      )})`;
    default:
      return { type: 'sql', parts: [field.type] };
  }
}

/** A plain value as SQL of its declared type. */
export function sqlOf(value: unknown, field: FieldDeclaration): Sql {
  const type = columnTypeOf(field);
  if (value === null || value === undefined) return sql`cast(null as ${type})`;
  if (field.type === 'array') {
    const items = (value as readonly unknown[]).map((item) => sqlOf(item, field.items ?? { type: 'string' }));
    return sql`cast([${joinSql(items, ', ')}] as ${type})`;
  }
  if (field.type === 'map') {
    const entries = Object.entries(value as Record<string, unknown>);
    const keys = entries.map(([key]) => literal(key));
    return sql`cast(map([${joinSql(keys, ', ')}], [${joinSql(
      entries.map(([, one]) => sqlOf(one, field.values ?? { type: 'string' })),
      ', ',
    )}]) as ${type})`;
  }
  if (field.type === 'object') {
    const members = Object.entries(field.fields ?? {}).map(([name, member]) => sql`${ident(name)}: ${sqlOf((value as Record<string, unknown>)[name], member)}`);
    return sql`cast({${joinSql(members, ', ')}} as ${type})`;
  }
  // As the engine reads a time: with its zone, kept in UTC.
  if (field.type === 'timestamp') return sql`(cast(${literal(String(value))} as timestamptz) at time zone 'UTC')`;
  return sql`cast(${literal(String(value))} as ${type})`;
}
