import type { Instant } from '../../model/instant.ts';
import { childrenOf } from '../lineage.ts';
import type { Typed, VariableId } from '../typed.ts';
import { rowSql } from './columns.ts';
import { earliest, occursConditions } from './compile-time.ts';
import { WHERE, type Compiler, type Env } from './context.ts';
import type { EventChoice } from './event-facts.ts';
import { ident, joinSql, sql, type Sql } from '../../sql/sql.ts';
import { arrayOf, type PqlType } from '../type.ts';

/** Events, chosen by conditions on each of them alone: what one pass over the relation `event` can answer. */
export interface EventSet extends EventChoice {
  /** Conditions that one row cannot answer, outermost last; the set is what is left of a list after them. */
  readonly rest: readonly Condition[];
}

interface Condition {
  readonly id: VariableId;
  readonly typed: Typed;
  readonly env: Env;
}

/** Follows filters and names given by `let` down to `xEvent`; undefined when the source is something else. */
export function eventSetOf(compiler: Compiler, source: Typed, env: Env): EventSet | undefined {
  const conditions: Condition[] = [];
  let at = source;
  let here = env;
  for (;;) {
    if (at.kind === 'filter') {
      conditions.push({ id: at.id, typed: at.condition, env: here });
      at = at.source;
    } else if (at.kind === 'variable') {
      const meaning = here.get(at.id);
      if (meaning?.kind !== 'let') return undefined;
      at = meaning.typed;
      here = meaning.env;
    } else if (at.kind === 'events') break;
    else return undefined;
  }
  compiler.usesEvents = true;
  const parts: Sql[] = [];
  const rest: Condition[] = [];
  let correlated = false;
  let since: Instant | undefined;
  for (const condition of conditions.toReversed()) {
    const inner = withRow(condition.env, condition.id);
    const need = rowNeed(condition.typed, inner);
    if (need === undefined) rest.push(condition);
    else {
      parts.push(...conditionsOf(compiler, condition.typed, inner));
      correlated ||= need.profile;
      since = later(since, sinceOf(compiler, condition.typed, condition.id));
    }
  }
  return { conditions: parts, correlated, since, rest };
}

export function withRow(env: Env, id: VariableId): Env {
  return new Map(env).set(id, { kind: 'row' });
}

/** A condition on the row, taken apart where it says `and` and at the ends of windows: what several questions have in common is asked once. */
export function conditionsOf(compiler: Compiler, typed: Typed, env: Env): readonly Sql[] {
  if (typed.kind === 'occurs') return occursConditions(compiler, typed, env);
  if (typed.kind === 'logic' && typed.operator === 'and') return typed.operands.flatMap((operand) => conditionsOf(compiler, operand, env));
  return [compiler.truth(typed, env, WHERE)];
}

/** Adds conditions on the row to those of a set. */
export function narrowed(set: EventChoice, conditions: readonly Sql[], correlated: boolean, since?: Instant): EventChoice {
  return {
    conditions: [...set.conditions, ...conditions],
    correlated: set.correlated || correlated,
    since: later(set.since, since),
  };
}

/** Since when events meet a condition on the row `id`, as far as it says so in plain words. */
export function sinceOf(compiler: Compiler, typed: Typed, id: VariableId): Instant | undefined {
  if (typed.kind === 'logic' && typed.operator === 'and') return typed.operands.map((operand) => sinceOf(compiler, operand, id)).reduce(later, undefined);
  if (typed.kind !== 'occurs' || typed.subject.kind !== 'member' || typed.subject.name !== 'timestamp') return undefined;
  const { object } = typed.subject;
  return object.kind === 'variable' && object.id === id ? earliest(compiler.now, typed.window) : undefined;
}

export function later(one: Instant | undefined, other: Instant | undefined): Instant | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** What a node needs beside one event's row; undefined when a row and its profile do not suffice. */
export function rowNeed(node: Typed, env: Env): { readonly profile: boolean } | undefined {
  let profile = false;
  if (isRow(node, env, new Set())) return undefined;
  const stack: { readonly node: Typed; readonly env: Env }[] = [{ node, env }];
  const bound = new Set<VariableId>();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node: at, env: here } = top;
    if (at.kind === 'events' || at.kind === 'segment' || at.kind === 'chain') return undefined;
    if (at.kind === 'field' || at.kind === 'folder' || at.kind === 'identities') profile = true;
    if (at.kind === 'variable' && !bound.has(at.id)) {
      const meaning = here.get(at.id);
      if (meaning?.kind === 'item') return undefined;
      if (meaning?.kind === 'let') stack.push({ node: meaning.typed, env: meaning.env });
    }
    // The row as a whole exists only as its columns.
    if (at.kind !== 'member') for (const child of childrenOf(at)) if (isRow(child, here, bound)) return undefined;
    if ('id' in at) bound.add(at.id);
    for (const child of childrenOf(at)) stack.push({ node: child, env: here });
  }
  return { profile };
}

/** Whether a condition that is no `and`, `or` or `not` of others asks something of events, itself or by a name that it uses. */
export function asksOfEvents(node: Typed, env: Env): boolean {
  if (node.kind === 'logic' || node.kind === 'not' || node.kind === 'let' || node.kind === 'variable') return false;
  const seen = new Set<Typed>();
  const stack: { readonly node: Typed; readonly env: Env }[] = [{ node, env }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node: at, env: here } = top;
    if (at.kind === 'events' || at.kind === 'chain') return true;
    if (seen.has(at)) continue;
    seen.add(at);
    const meaning = at.kind === 'variable' ? here.get(at.id) : undefined;
    if (meaning?.kind === 'let') stack.push({ node: meaning.typed, env: meaning.env });
    for (const child of childrenOf(at)) stack.push({ node: child, env: here });
  }
  return false;
}

function isRow(node: Typed, env: Env, bound: ReadonlySet<VariableId>): boolean {
  return node.kind === 'variable' && !bound.has(node.id) && env.get(node.id)?.kind === 'row';
}

/**
 * The events as a list of structs in the order of time, for what no aggregate can answer. Structs are sorted by their first member, then the next; sorting
 * the list takes a fraction of the memory of an aggregate that keeps an order.
 */
export function eventList(compiler: Compiler, set: EventSet): Sql {
  const fields = [...compiler.eventFields];
  const members = fields.map(([path, type]) => sql`${ident(path)}: ${rowSql(compiler, path, type)}`);
  const aggregate = sql`list({${joinSql(members, ', ')}})`;
  // Who has no such events has none, not an unknown number of them.
  const type: PqlType = arrayOf({ kind: 'object', fields: new Map(fields) });
  let list = sql`coalesce(${compiler.facts.add({ aggregate, sorted: true, type, of: narrowed(set, [], false) })}, [])`;
  for (const { id, typed, env } of set.rest) {
    const name = compiler.name();
    list = sql`list_filter(${list}, lambda ${name}: ${compiler.perItem(() => compiler.truth(typed, new Map(env).set(id, { kind: 'item', value: name }), WHERE))})`;
  }
  return list;
}
