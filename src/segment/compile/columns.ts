import { attributeColumn } from '../../model/attribute-column.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
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
  const texts = zones ? textTimes(type) : [];
  const detours: Sql[] = [];
  // A cast of text to a timestamp forgets the zone; one to an instant does not, and takes twice as long.
  const timestamp = sql`timestamptz`;
  if (holdsDecimals(type))
    detours.push(sql`when ${mayLoseDigits(column)} then ${castBy(column, type, { decimal: sql`varchar`, ...(texts.length === 0 ? {} : { timestamp }) })}`);
  if (texts.length > 0)
    detours.push(sql`when regexp_matches(typeof(${column}), ${literal(['^JSON$', ...texts].join('|'))}) then ${castBy(column, type, { timestamp })}`);
  const plain = sql`try_cast(${column} as ${typeSql(type)})`;
  return detours.length === 0 ? plain : sql`case ${joinSql(detours, ' ')} else ${plain} end`;
}

function castBy(column: Fragment, type: PqlType, leaves: Parameters<typeof typeSql>[1]): Sql {
  return sql`try_cast(try_cast(${column} as ${typeSql(type, leaves)}) as ${typeSql(type)})`;
}

/**
 * Whether a double inside is too large to have ten decimals, JSON's numbers among them: to the engine's cast 1234567.89 is 1234567.8899999998, and only by
 * the text that it shows it is itself. That takes twenty times as long, so that a look at the digits comes first.
 */
function mayLoseDigits(column: Fragment): Sql {
  return sql`regexp_matches(typeof(${column}), 'JSON|DOUBLE') and regexp_matches(cast(${column} as varchar), '[0-9]{6}[.]0*[1-9]|[0-9][eE][+]?[0-9]')`;
}

function holdsDecimals(type: PqlType): boolean {
  switch (type.kind) {
    case 'array':
      return holdsDecimals(type.item);
    case 'map':
      return holdsDecimals(type.value);
    case 'object':
      return [...type.fields.values()].some(holdsDecimals);
    default:
      return type.kind === 'decimal';
  }
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
