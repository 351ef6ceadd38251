import { ident, sql, type Sql } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';
import type { Compiler, Fragment } from './context.ts';
import { typeSql } from './type-sql.ts';

/** A column of `profile`. Arrays, maps and objects are brought to their declared shape, whether the source has lists, structs, maps or JSON. */
export function columnSql(compiler: Compiler, path: string, type: PqlType | undefined): Fragment {
  compiler.profileColumns.add(path);
  return shaped(ident('p', path), type);
}

/** A column of `event`, of the row at hand. */
export function rowSql(compiler: Compiler, path: string, type: PqlType): Fragment {
  compiler.eventColumns.add(path);
  return shaped(ident('e', path), type);
}

/** A column as PQL reads it. */
export function shaped(column: Fragment, type: PqlType | undefined): Fragment | Sql {
  if (type?.kind !== 'array' && type?.kind !== 'map' && type?.kind !== 'object') return column;
  // A cast of text to a timestamp forgets the zone; one to an instant does not.
  return hasTimestamp(type)
    ? sql`try_cast(try_cast(${column} as ${typeSql(type, sql`timestamptz`)}) as ${typeSql(type)})`
    : sql`try_cast(${column} as ${typeSql(type)})`;
}

function hasTimestamp(type: PqlType): boolean {
  switch (type.kind) {
    case 'array':
      return hasTimestamp(type.item);
    case 'map':
      return hasTimestamp(type.value);
    case 'object':
      return [...type.fields.values()].some(hasTimestamp);
    default:
      return type.kind === 'timestamp';
  }
}
