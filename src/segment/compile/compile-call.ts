import { joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import { patternSql } from '../pattern/pattern-sql.ts';
import { arrayOf, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Compiler, Env, Fragment } from './context.ts';
import { columnSql } from './columns.ts';
import { doublesApart } from './doubles-apart.ts';
import { typeSql } from './type-sql.ts';

type Call = Extract<Typed, { kind: 'call' }>;

/** The functions that look at the values of their arguments alone. */
export function callSql(compiler: Compiler, node: Call, env: Env): Sql {
  const arg = (index: number): Typed => {
    const found = node.args[index];
    if (found === undefined) throw new TypeError(`${node.fn} lacks argument ${index + 1}`);
    return found;
  };
  const value = (index: number): Sql => compiler.value(arg(index), env);
  const text = (index: number): Fragment => (ignoresCase(node) ? sql`lower(${value(index)})` : value(index));
  const pattern = (index: number): Fragment => {
    const node = arg(index);
    return node.kind === 'constant' && typeof node.value === 'string' ? patternSql(node.value) : value(index);
  };
  const date = new Date(compiler.now);
  switch (node.fn) {
    case 'startsWith':
      return sql`starts_with(${text(0)}, ${text(1)})`;
    case 'endsWith':
      return sql`ends_with(${text(0)}, ${text(1)})`;
    case 'contains':
      return sql`contains(${text(0)}, ${text(1)})`;
    case 'equals':
      return sql`(${text(0)} = ${text(1)})`;
    case 'matches':
      return sql`regexp_matches(${value(0)}, ${pattern(1)})`;
    case 'regexGroup':
      return sql`case when regexp_matches(${value(0)}, ${pattern(1)}) then regexp_extract(${value(0)}, ${pattern(1)}, cast(${value(2)} as integer)) end`;
    case 'isNull':
      return isNullSql(compiler, arg(0), env);
    case 'getMonth':
      return sql`month(${value(0)})`;
    case 'getYear':
      return sql`year(${value(0)})`;
    case 'getDayOfMonth':
      return sql`day(${value(0)})`;
    case 'currentMonth':
      return sql`${literal(date.getUTCMonth() + 1)}`;
    case 'currentYear':
      return sql`${literal(date.getUTCFullYear())}`;
    case 'currentDayOfMonth':
      return sql`${literal(date.getUTCDate())}`;
    case 'includes': {
      const lists = doublesApart(arg(0), arg(1).type);
      const parts = lists.map((list) => containsSql(compiler, { node: list, list: compiler.value(list, env) }, { node: arg(1), value: value(1) }));
      return sql`(${joinSql(parts, ' or ')})`;
    }
    case 'intersects': {
      const pairs = apart(arg(0), arg(1)).flatMap((list) => apart(arg(1), arg(0)).map((other) => [list, other]));
      if (pairs.length > 1)
        return sql`(${joinSql(
          pairs.map((args) => callSql(compiler, { ...node, args }, env)),
          ' or ',
        )})`;
      return areExact(arg(0).type, arg(1).type)
        ? sql`coalesce(len(${exactlyFound(compiler, value(1), [value(0)], sql``)}) > 0, false)`
        : sql`coalesce(list_has_any(${value(0)}, ${present(compiler, value(1))}), false)`;
    }
    case 'subsetOf': {
      const lists = apart(arg(0), arg(1));
      if (lists.length > 1)
        return sql`(${joinSql(
          lists.map((list) => callSql(compiler, { ...node, args: [list, arg(1)] }, env)),
          ' and ',
        )})`;
      const others = apart(arg(1), arg(0)).map((list) => compiler.value(list, env));
      return others.length > 1 || areExact(arg(0).type, arg(1).type)
        ? sql`coalesce(len(${exactlyFound(compiler, value(0), others, sql`not `)}) = 0, false)`
        : sql`coalesce(list_has_all(${value(1)}, ${present(compiler, value(0))}), false)`;
    }
    case 'intersection': {
      const others = apart(arg(1), arg(0)).map((list) => compiler.value(list, env));
      if (others.length > 1 || areExact(arg(0).type, arg(1).type)) return exactlyFound(compiler, firstOnes(compiler, value(0)), others, sql``);
      const item = compiler.name();
      // It stands inside a lambda, too.
      const other = compiler.perItem(() => value(1));
      return sql`case when ${other} is not null then list_filter(${firstOnes(compiler, value(0))}, lambda ${item}: list_contains(${other}, ${item})) end`;
    }
    case 'distinct':
      return firstOnes(compiler, value(0));
    case 'head':
      return sql`(${value(0)})[1]`;
    case 'get':
      return getSql(compiler, arg(0), value(1), env);
    case 'keys':
      return mapPart(compiler, arg(0), env, 'keys');
    case 'values':
      return mapPart(compiler, arg(0), env, 'values');
  }
}

/** `x in list`, two-valued: false when either is NULL (activation-rules 7.2 makes `notIn` more than its negation). */
export function containsSql(
  compiler: Compiler,
  within: { readonly node: Typed; readonly list: Sql },
  { node, value }: { readonly node: Typed; readonly value: Sql },
): Sql {
  const { list } = within;
  if (within.node.type.kind === 'array' && areExact(within.node.type, arrayOf(node.type))) return sql`coalesce(${isAmong(compiler, list, value)}, false)`;
  return sql`coalesce(list_contains(${list}, ${value}) and ${value} is not null, false)`;
}

/** Whether items are decimals, or decimals beside whole numbers: to look into a list the engine would round some of them (see `decimal-room.ts`), to compare two it does not. */
function areExact(...lists: readonly PqlType[]): boolean {
  const items = lists.map((list) => (list.kind === 'array' ? list.item.kind : list.kind));
  return items.includes('decimal') && items.every((item) => item === 'decimal' || item === 'integer');
}

function isAmong(compiler: Compiler, list: Fragment, value: Fragment): Sql {
  const item = compiler.name();
  return sql`len(list_filter(${list}, lambda ${item}: ${item} = ${value})) > 0`;
}

/** The items that are among others; or, with `not`, those that are not. NULL when a side is; NULL items are left out. */
function exactlyFound(compiler: Compiler, list: Sql, others: readonly Sql[], not: Sql): Sql {
  const item = compiler.name();
  const among = (rest: readonly Sql[], found: readonly Sql[]): Sql => {
    const [next, ...later] = rest;
    if (next !== undefined) return bound(compiler, next, (name) => among(later, [...found, isAmong(compiler, name, item)]));
    return sql`list_filter(${list}, lambda ${item}: ${item} is not null and ${not}(${joinSql(found, ' or ')}))`;
  };
  return among(others, []);
}

/** A list, in parts where it is written with doubles and what it is held against has none. */
function apart(list: Typed, { type }: Typed): readonly Typed[] {
  return doublesApart(list, type.kind === 'array' ? type.item : type);
}

/** Whether a list has just these items, which are written: each is compared by itself. NULL where the list is. */
export function sameItems(compiler: Compiler, list: Sql, items: readonly Sql[]): Sql {
  return bound(
    compiler,
    list,
    (name) =>
      sql`(len(${name}) = ${literal(items.length)} and ${joinSql(
        items.map((item, index) => sql`${name}[${literal(index + 1)}] is not distinct from ${item}`),
        ' and ',
      )})`,
  );
}

function isNullSql(compiler: Compiler, node: Typed, env: Env): Sql {
  if (node.kind === 'folder')
    return sql`(${joinSql(
      node.paths.map((path) => sql`${columnSql(compiler, path, undefined)} is null`),
      ' and ',
    )})`;
  // There is always an array of events, an empty one at least; of a map of identities likewise.
  if (node.kind === 'events' || node.kind === 'identities') return sql`false`;
  return sql`(${compiler.value(node, env)} is null)`;
}

function ignoresCase(node: Call): boolean {
  const last = node.args[2];
  return last?.kind === 'constant' && last.value === false;
}

function present(compiler: Compiler, list: Sql): Sql {
  const item = compiler.name();
  return sql`list_filter(${list}, lambda ${item}: ${item} is not null)`;
}

/** Each value once, where it stands first; NULL items are left out. By sorting: looking each of them up in the list takes ages over a long one. */
function firstOnes(compiler: Compiler, list: Sql): Sql {
  const [value, place, pair, entry] = [compiler.name(), compiler.name(), compiler.name(), compiler.name()];
  const entries = sql`list_transform(${list}, lambda ${value}, ${place}: {'by': ${value}, 'place': ${place}})`;
  const firsts = bound(compiler, sortedBy(compiler, entries), (sorted) => {
    const found = sql`list_filter(${besideTheOneBefore(sorted)}, lambda ${pair}: ${pair}[1].by is distinct from ${pair}[2].by)`;
    return sql`list_sort(list_transform(${found}, lambda ${pair}: {'place': ${pair}[1].place, 'by': ${pair}[1].by}))`;
  });
  return sql`list_transform(${firsts}, lambda ${entry}: ${entry}.by)`;
}

/** Lists of the items of `entries` (structs of `by`, `place` and `item`) that share `by`, in the order in which the values first stand. */
export function groupsOf(compiler: Compiler, entries: Sql): Sql {
  const [pair, place, group, entry] = [compiler.name(), compiler.name(), compiler.name(), compiler.name()];
  return bound(compiler, sortedBy(compiler, entries), (sorted) => {
    const starts = sql`list_filter(list_transform(${besideTheOneBefore(sorted)}, lambda ${pair}, ${place}: {'place': ${pair}[1].place, 'from': ${place}, 'new': ${pair}[1].by is distinct from ${pair}[2].by}), lambda ${entry}: ${entry}.new)`;
    const groups = bound(compiler, starts, (all) => {
      const spans = sql`list_transform(list_zip(${all}, list_concat(${all}[2:], [null]), true), lambda ${pair}: {'place': ${pair}[1].place, 'from': ${pair}[1].from, 'to': coalesce(${pair}[2].from - 1, 9223372036854775807)})`;
      return sql`list_sort(${spans})`;
    });
    return sql`list_transform(${groups}, lambda ${group}: list_transform(${sorted}[${group}.from:${group}.to], lambda ${entry}: ${entry}.item))`;
  });
}

/** Structs in the order of `by` and, where that is the same, of `place`; without those whose `by` is NULL. */
function sortedBy(compiler: Compiler, entries: Sql): Sql {
  const entry = compiler.name();
  return sql`list_sort(list_filter(${entries}, lambda ${entry}: ${entry}.by is not null))`;
}

/** Pairs of each item and the one before it; the first has NULL. */
function besideTheOneBefore(list: Fragment): Sql {
  return sql`list_zip(${list}, list_concat([null], ${list}), true)`;
}

/** What `body` makes of a value that it names several times; NULL of NULL. A list of one binds it: elsewhere the engine finds it out again for each use. */
function bound(compiler: Compiler, value: Sql, body: (name: Fragment) => Sql): Sql {
  const name = compiler.name();
  return sql`list_transform([${value}], lambda ${name}: case when ${name} is not null then ${body(name)} end)[1]`;
}

function getSql(compiler: Compiler, map: Typed, key: Sql, env: Env): Sql {
  if (map.kind !== 'identities') return sql`map_extract_value(${compiler.value(map, env)}, ${key})`;
  if (map.namespaces.length === 0) return sql`cast(null as varchar)`;
  return sql`case ${key} ${joinSql(
    map.namespaces.map((namespace) => sql`when ${literal(namespace)} then ${columnSql(compiler, `identityMap.${namespace}`, undefined)}`),
    ' ',
  )} end`;
}

/** The map itself, where it is given a name, chosen or written. */
export function identitiesSql(compiler: Compiler, { namespaces }: Extract<Typed, { kind: 'identities' }>): Sql {
  if (namespaces.length === 0) return sql`cast(map() as ${typeSql({ kind: 'map', value: { kind: 'string' } })})`;
  const entries = namespaces.map((namespace) => sql`{'k': ${literal(namespace)}, 'v': ${columnSql(compiler, `identityMap.${namespace}`, undefined)}}`);
  const entry = compiler.name();
  return sql`map_from_entries(list_filter([${joinSql(entries, ', ')}], lambda ${entry}: ${entry}.v is not null))`;
}

function mapPart(compiler: Compiler, map: Typed, env: Env, part: 'keys' | 'values'): Sql {
  if (map.kind !== 'identities') return part === 'keys' ? sql`map_keys(${compiler.value(map, env)})` : sql`map_values(${compiler.value(map, env)})`;
  if (map.namespaces.length === 0) return sql`cast([] as ${typeSql({ kind: 'array', item: { kind: 'string' } })})`;
  const entries = map.namespaces.map((namespace) => {
    const column = columnSql(compiler, `identityMap.${namespace}`, undefined);
    return part === 'values' ? sql`${column}` : sql`case when ${column} is not null then ${literal(namespace)} end`;
  });
  return present(compiler, sql`[${joinSql(entries, ', ')}]`);
}
