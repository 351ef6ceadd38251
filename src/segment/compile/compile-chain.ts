import type { Instant } from '../../model/instant.ts';
import { ident, literal, sql, type Sql } from '../../sql/sql.ts';
import { arrayOf, type PqlType } from '../type.ts';
import type { Typed, TypedStep } from '../typed.ts';
import { rowSql } from './columns.ts';
import { timestampSql } from './compile-time.ts';
import type { Compiler, Env, Fragment } from './context.ts';
import type { EventChoice } from './event-facts.ts';
import { conditionsOf, eventList, later, rowNeed, sinceOf, withRow } from './event-set.ts';

const TIME: PqlType = { kind: 'timestamp' };
const TIMES = arrayOf(TIME);
/** The engine keeps so many of the first or last of a group at most. */
const MOST_KEPT = 999_999;

type Chain = Extract<Typed, { kind: 'chain' }>;

/**
 * Steps in strict order of time. The earliest completion is the best one: a step is complete at the time of its COUNTth event after the completion
 * of the step before. Two-valued; events without a time take no part.
 */
export function chainSql(compiler: Compiler, node: Chain, env: Env): Sql {
  compiler.usesEvents = true;
  const [only] = node.steps;
  if (only === undefined) return sql`true`;
  const steps: StepPlan[] = [];
  // No step is complete before the ones in front of it can be.
  let since: Instant | undefined;
  for (const step of node.steps) {
    const plan = planStep(compiler, node, step, env, since);
    if (plan.kind === 'rows') since = later(since, plan.of.since);
    steps.push(plan);
  }
  if (node.steps.length === 1) return oneStep(compiler, only, steps[0] as StepPlan);
  let completed: Sql | undefined;
  for (const [index, step] of node.steps.entries()) {
    const plan = steps[index] as StepPlan;
    if (completed === undefined) completed = first(compiler, plan, step.count);
    else if (index < node.steps.length - 1) {
      const name = compiler.name();
      const before = compiler.name();
      // Bound by a list of one: within the inner lambda it would be found out again for every time, and so on for each step.
      const next = sql`(list_filter(${times(compiler, plan)}, lambda ${name}: ${name} > ${before}))[${literal(step.count)}]`;
      completed = sql`(list_transform([${completed}], lambda ${before}: ${next}))[1]`;
    } else return sql`coalesce(${last(compiler, plan, step.count)} > ${completed}, false)`;
  }
  return sql`true`;
}

/** Either one row answers the step's condition, and an aggregate does; or a list of events has to be filtered. */
type StepPlan = { readonly kind: 'rows'; readonly by: Fragment; readonly of: EventChoice } | { readonly kind: 'list'; readonly times: Sql };

function planStep(compiler: Compiler, node: Chain, step: TypedStep, env: Env, before: Instant | undefined): StepPlan {
  const inner = withRow(env, node.id);
  const need = step.condition === undefined ? { profile: false } : rowNeed(step.condition, inner);
  if (need !== undefined) {
    const by = rowSql(compiler, node.by, TIME);
    const own = step.condition === undefined ? undefined : sinceOf(compiler, step.condition, node.id);
    const since = node.by === 'timestamp' ? later(own, before) : own;
    const present = since === undefined || since === own ? sql`${by} is not null` : sql`${by} >= ${timestampSql(since)}`;
    // An own window of this time says already that it is there.
    const conditions = own !== undefined && since === own && node.by === 'timestamp' ? [] : [present];
    if (step.condition !== undefined) conditions.unshift(...conditionsOf(compiler, step.condition, inner));
    return { kind: 'rows', by, of: { conditions, correlated: need.profile, since } };
  }
  const item = compiler.name();
  const time = compiler.name();
  const { condition } = step;
  const list = eventList(compiler, {
    conditions: [],
    correlated: false,
    since: undefined,
    rest: condition === undefined ? [] : [{ id: node.id, typed: condition, env }],
  });
  return {
    kind: 'list',
    times: sql`list_sort(list_filter(list_transform(${list}, lambda ${item}: (${item}).${ident(node.by)}), lambda ${time}: ${time} is not null))`,
  };
}

function oneStep(compiler: Compiler, step: TypedStep, plan: StepPlan): Sql {
  if (plan.kind === 'rows' && step.count === 1) return compiler.facts.addExistence(plan.of, compiler.isPerItem());
  const count =
    plan.kind === 'rows' ? sql`${compiler.facts.add({ aggregate: sql`count(*)`, type: { kind: 'integer' }, of: plan.of })}` : sql`len(${plan.times})`;
  return sql`(coalesce(${count}, 0) >= ${literal(step.count)})`;
}

function fact(compiler: Compiler, plan: Extract<StepPlan, { kind: 'rows' }>, aggregate: Sql, type: PqlType, sorted = false): Fragment {
  return compiler.facts.add({ aggregate, sorted, type, of: plan.of });
}

/** The time of the `count`th event; only so many times are kept per profile. */
function first(compiler: Compiler, plan: StepPlan, count: number): Sql {
  if (plan.kind === 'list') return sql`(${plan.times})[${literal(count)}]`;
  if (count === 1) return sql`${fact(compiler, plan, sql`min(${plan.by})`, TIME)}`;
  if (count > MOST_KEPT) return sql`(${times(compiler, plan)})[${literal(count)}]`;
  return sql`(${fact(compiler, plan, sql`min(${plan.by}, ${literal(count)})`, TIMES)})[${literal(count)}]`;
}

function times(compiler: Compiler, plan: StepPlan): Sql {
  return plan.kind === 'list' ? plan.times : sql`${fact(compiler, plan, sql`list(${plan.by})`, TIMES, true)}`;
}

/** The `count`th latest time: when it lies behind the step before, so do the later ones. */
function last(compiler: Compiler, plan: StepPlan, count: number): Sql {
  if (plan.kind === 'list') return sql`(${plan.times})[${literal(-count)}]`;
  if (count === 1) return sql`${fact(compiler, plan, sql`max(${plan.by})`, TIME)}`;
  if (count > MOST_KEPT) return sql`(${times(compiler, plan)})[${literal(-count)}]`;
  return sql`(${fact(compiler, plan, sql`max(${plan.by}, ${literal(count)})`, TIMES)})[${literal(count)}]`;
}
