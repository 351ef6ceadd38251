import { joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { Typed } from '../typed.ts';
import type { Compiler, Env, Fragment } from './context.ts';
import { columnSql } from './columns.ts';
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
      return sql`regexp_matches(${value(0)}, ${value(1)})`;
    case 'regexGroup':
      return sql`case when regexp_matches(${value(0)}, ${value(1)}) then regexp_extract(${value(0)}, ${value(1)}, cast(${value(2)} as integer)) end`;
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
    case 'includes':
      return containsSql(value(0), value(1));
    case 'intersects':
      return sql`coalesce(list_has_any(${value(0)}, ${present(compiler, value(1))}), false)`;
    case 'subsetOf':
      return sql`coalesce(list_has_all(${value(1)}, ${present(compiler, value(0))}), false)`;
    case 'intersection': {
      const item = compiler.name();
      // Both stand inside a lambda, too.
      const [list, other] = [compiler.perItem(() => value(0)), compiler.perItem(() => value(1))];
      return sql`case when ${other} is not null then list_filter(${firstOnes(compiler, list)}, lambda ${item}: list_contains(${other}, ${item})) end`;
    }
    case 'distinct':
      return firstOnes(
        compiler,
        compiler.perItem(() => value(0)),
      );
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
export function containsSql(list: Sql, value: Sql): Sql {
  return sql`coalesce(list_contains(${list}, ${value}) and ${value} is not null, false)`;
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

/** Each value once, where it stands first; NULL items are left out. */
export function firstOnes(compiler: Compiler, list: Sql): Sql {
  const item = compiler.name();
  const place = compiler.name();
  return sql`list_filter(${list}, lambda ${item}, ${place}: ${item} is not null and list_position(${list}, ${item}) = ${place})`;
}

function getSql(compiler: Compiler, map: Typed, key: Sql, env: Env): Sql {
  if (map.kind !== 'identities') return sql`map_extract_value(${compiler.value(map, env)}, ${key})`;
  if (map.namespaces.length === 0) return sql`cast(null as varchar)`;
  return sql`case ${key} ${joinSql(
    map.namespaces.map((namespace) => sql`when ${literal(namespace)} then ${columnSql(compiler, `identityMap.${namespace}`, undefined)}`),
    ' ',
  )} end`;
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
