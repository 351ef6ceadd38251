import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';
import type { Typed, VariableId } from '../typed.ts';
import { groupsOf } from './compile-call.ts';
import { ALWAYS, WHERE, type Compiler, type Env, type Fragment } from './context.ts';
import { conditionsOf, eventSetOf, narrowed, rowNeed, sinceOf, withRow } from './event-set.ts';

const COUNT: PqlType = { kind: 'integer' };

type Of<Kind extends Typed['kind']> = Extract<Typed, { kind: Kind }>;

/** Runs a body once per item of a list: `lambda x: body(x)`. */
function each(compiler: Compiler, env: Env, id: VariableId, body: (env: Env) => Sql): Sql {
  const name = compiler.name();
  return sql`lambda ${name}: ${compiler.perItem(() => body(new Map(env).set(id, { kind: 'item', value: name })))}`;
}

export function filterSql(compiler: Compiler, node: Of<'filter'>, env: Env): Sql {
  return sql`list_filter(${compiler.value(node.source, env)}, ${each(compiler, env, node.id, (inner) => compiler.truth(node.condition, inner, WHERE))})`;
}

export function mapSql(compiler: Compiler, node: Of<'map'>, env: Env): Sql {
  return sql`list_transform(${compiler.value(node.source, env)}, ${each(compiler, env, node.id, (inner) => compiler.value(node.value, inner))})`;
}

/** The `count` items with the highest or lowest value, best first; equal ones in their order; items without a value are left out. */
export function topSql(compiler: Compiler, node: Of<'top'>, env: Env): Sql {
  const item = compiler.name();
  const place = compiler.name();
  const entry = compiler.name();
  const inner: Env = new Map(env).set(node.id, { kind: 'item', value: item });
  const sign = node.highest ? sql`-${place}` : place;
  const entries = sql`list_transform(${compiler.value(node.source, env)}, lambda ${item}, ${place}: {'by': ${compiler.perItem(() => compiler.value(node.by, inner))}, 'place': ${sign}, 'item': ${item}})`;
  const kept = sql`list_filter(${entries}, lambda ${entry}: ${entry}.by is not null)`;
  const sorted = sql`list_sort(${kept}, ${literal(node.highest ? 'DESC' : 'ASC')}, 'NULLS LAST')`;
  return sql`list_transform((${sorted})[1:${literal(node.count)}], lambda ${entry}: ${entry}.item)`;
}

/** Lists of the items that share a value, in the order in which the values first stand; items without a value are left out. */
export function groupSql(compiler: Compiler, node: Of<'group'>, env: Env): Sql {
  const item = compiler.name();
  const place = compiler.name();
  const by = compiler.perItem(() => compiler.value(node.by, new Map(env).set(node.id, { kind: 'item', value: item })));
  const source = compiler.value(node.source, env);
  return groupsOf(compiler, sql`list_transform(${source}, lambda ${item}, ${place}: {'by': ${by}, 'place': ${place}, 'item': ${item}})`);
}

/** An aggregate over an array, or over events in the pass that all segments share. */
export function aggregateSql(compiler: Compiler, node: Of<'aggregate'>, env: Env): Sql {
  const overEvents = eventAggregate(compiler, node, env);
  if (overEvents !== undefined) return overEvents;
  const source = compiler.value(node.source, env);
  if (node.fn === 'count') return sql`coalesce(len(${source}), 0)`;
  const { value } = node;
  const plain = value === undefined || (value.kind === 'variable' && value.id === node.id);
  const values = plain ? source : sql`list_transform(${source}, ${each(compiler, env, node.id, (inner) => compiler.value(value, inner))})`;
  switch (node.fn) {
    case 'sum':
      return sumOf(node, sql`list_sum(${values})`);
    case 'average':
      return sql`(cast(list_sum(${values}) as double) / nullif(list_count(${values}), 0))`;
    default:
      return sql`${node.fn === 'min' ? sql`list_min` : sql`list_max`}(${values})`;
  }
}

export function quantifierSql(compiler: Compiler, node: Of<'quantifier'>, env: Env): Sql {
  const { condition } = node;
  const forall = node.quantifier === 'forall';
  const set = eventSetOf(compiler, node.source, env);
  if (set !== undefined && set.rest.length === 0) {
    const inner = withRow(env, node.id);
    const need = condition === undefined ? { profile: false } : rowNeed(condition, inner);
    if (need !== undefined) {
      if (forall && condition === undefined) return sql`true`;
      const parts = condition === undefined ? [] : forall ? [sql`not ${compiler.truth(condition, inner, ALWAYS)}`] : conditionsOf(compiler, condition, inner);
      const since = condition === undefined || forall ? undefined : sinceOf(compiler, condition, node.id);
      const found = compiler.facts.addExistence(narrowed(set, parts, need.profile, since), compiler.isPerItem());
      return forall ? sql`(not ${found})` : found;
    }
  }
  const source = compiler.value(node.source, env);
  if (condition === undefined) return forall ? sql`true` : sql`(coalesce(len(${source}), 0) > 0)`;
  const found = sql`list_filter(${source}, ${each(compiler, env, node.id, (inner) => (forall ? sql`not ${compiler.truth(condition, inner, ALWAYS)}` : compiler.truth(condition, inner, WHERE)))})`;
  return sql`(coalesce(len(${found}), 0) ${forall ? sql`=` : sql`>`} 0)`;
}

/** What one aggregate over the relation `event` can answer; undefined for the rest, which goes over lists. */
function eventAggregate(compiler: Compiler, node: Of<'aggregate'>, env: Env): Sql | undefined {
  const distinct = node.fn === 'count' ? distinctCount(compiler, node.source, env) : undefined;
  if (distinct !== undefined) return distinct;
  const mapped = node.source.kind === 'map' ? node.source : undefined;
  const set = eventSetOf(compiler, mapped?.source ?? node.source, env);
  if (set === undefined || set.rest.length > 0) return undefined;
  if (node.fn === 'count') return sql`coalesce(${compiler.facts.add({ aggregate: sql`count(*)`, type: COUNT, of: narrowed(set, [], false) })}, 0)`;
  const { value } = node;
  if (value === undefined) return undefined;
  let inner = withRow(env, node.id);
  if (mapped !== undefined) inner = new Map(env).set(node.id, { kind: 'let', typed: mapped.value, env: withRow(env, mapped.id) });
  const need = rowNeed(value, inner);
  if (need === undefined) return undefined;
  const add = (aggregate: Sql, type = node.type): Fragment => compiler.facts.add({ aggregate, type, of: narrowed(set, [], need.profile) });
  const row = compiler.value(value, inner);
  switch (node.fn) {
    case 'sum':
      return sumOf(node, sql`${add(sql`sum(${row})`)}`);
    case 'average':
      return sql`(cast(${add(sql`sum(${row})`, value.type)} as double) / nullif(${add(sql`count(${row})`, COUNT)}, 0))`;
    case 'min':
      return sql`${add(sql`min(${row})`)}`;
    case 'max':
      return sql`${add(sql`max(${row})`)}`;
  }
}

/** `xEvent.map(f).distinct().count()` and `xEvent.groupBy(f).count()` without a list per profile. */
function distinctCount(compiler: Compiler, source: Typed, env: Env): Sql | undefined {
  const distinct = source.kind === 'call' && source.fn === 'distinct' ? source.args[0] : undefined;
  const over =
    distinct?.kind === 'map'
      ? { source: distinct.source, id: distinct.id, value: distinct.value }
      : source.kind === 'group'
        ? { source: source.source, id: source.id, value: source.by }
        : undefined;
  if (over === undefined) return undefined;
  const set = eventSetOf(compiler, over.source, env);
  const inner = withRow(env, over.id);
  const need = rowNeed(over.value, inner);
  if (set === undefined || set.rest.length > 0 || need === undefined) return undefined;
  const aggregate = sql`count(distinct ${compiler.value(over.value, inner)})`;
  return sql`coalesce(${compiler.facts.add({ aggregate, type: COUNT, of: narrowed(set, [], need.profile) })}, 0)`;
}

/** The sum of nothing is 0. */
function sumOf(node: Of<'aggregate'>, sum: Sql): Sql {
  return node.type.kind === 'integer' ? sql`coalesce(cast(${sum} as bigint), 0)` : sql`coalesce(${sum}, 0)`;
}

/** An empty list takes the type of what stands beside it. */
export function listSql(items: readonly Sql[]): Sql {
  return sql`[${joinSql(items, ', ')}]`;
}

/** `E.product.category` of a struct in a list. */
export function memberSql(object: Fragment, name: string): Sql {
  return sql`(${object}).${ident(name)}`;
}
