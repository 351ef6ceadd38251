import { attributeColumn } from '../../model/attribute-column.ts';
import { ident, literal, sql, type Sql } from '../../sql/sql.ts';
import { visit } from '../lineage.ts';
import type { PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Compiler, Fragment } from './context.ts';
import { typeSql } from './type-sql.ts';

/** A column of `profile`. Arrays, maps and objects are brought to their declared shape, whether the source has lists, structs, maps or JSON. */
export function columnSql(compiler: Compiler, path: string, type: PqlType | undefined): Fragment {
  compiler.profileColumns.add(path);
  return shaped(ident('p', attributeColumn(path)), type, compiler.innerTimes);
}

/** A column of `event`, of the row at hand. */
export function rowSql(compiler: Compiler, path: string, type: PqlType): Fragment {
  compiler.eventColumns.add(path);
  return shaped(ident('e', path), type, compiler.innerTimes);
}

/** A column as PQL reads it; with `zones`, the zones of times that stand inside it as text count. */
export function shaped(column: Fragment, type: PqlType | undefined, zones: boolean): Fragment | Sql {
  if (type?.kind !== 'array' && type?.kind !== 'map' && type?.kind !== 'object') return column;
  const plain = sql`try_cast(${column} as ${typeSql(type)})`;
  const texts = zones ? textTimes(type) : [];
  if (texts.length === 0) return plain;
  // A cast of text to a timestamp forgets the zone; one to an instant does not, and takes twice as long.
  const zoned = sql`try_cast(try_cast(${column} as ${typeSql(type, sql`timestamptz`)}) as ${typeSql(type)})`;
  return sql`case when regexp_matches(typeof(${column}), ${literal(['^JSON$', ...texts].join('|'))}) then ${zoned} else ${plain} end`;
}

/** Patterns for the engine's name of a column's type where times inside it are text. */
function textTimes(type: PqlType): readonly string[] {
  switch (type.kind) {
    case 'array':
      return type.item.kind === 'timestamp' ? ['VARCHAR\\['] : textTimes(type.item);
    case 'map':
      return type.value.kind === 'timestamp' ? [', VARCHAR\\)'] : textTimes(type.value);
    case 'object':
      return [...type.fields].flatMap(([name, member]) => (member.kind === 'timestamp' ? [`(?i:\\b${name}"?) VARCHAR`] : textTimes(member)));
    default:
      return [];
  }
}

/** Whether an expression asks for a time inside an array, a map or an object. */
export function asksInnerTimes(typed: Typed): boolean {
  let asks = false;
  visit(typed, (node) => {
    if (node.kind === 'field' || (node.kind === 'member' && isEvent(node.object.type))) asks ||= node.type.kind !== 'timestamp' && holdsTimes(node.type);
    else if (node.kind === 'member') asks ||= holdsTimes(node.type);
  });
  return asks;
}

function isEvent(type: PqlType): boolean {
  return type.kind === 'object' && type.event === true;
}

/** What is inside an object is asked for by name. */
function holdsTimes(type: PqlType): boolean {
  if (type.kind === 'array') return holdsTimes(type.item);
  return type.kind === 'map' ? holdsTimes(type.value) : type.kind === 'timestamp';
}
