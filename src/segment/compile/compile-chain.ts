import { ident, literal, sql, type Sql } from '../../sql/sql.ts';
import type { Typed, TypedStep } from '../typed.ts';
import { rowSql } from './columns.ts';
import { WHERE, type Compiler, type Env, type Fragment } from './context.ts';
import { eventList, rowNeed, withRow } from './event-set.ts';

type Chain = Extract<Typed, { kind: 'chain' }>;

/**
 * Steps in strict order of time. The earliest completion is the best one: a step is complete at the time of its COUNTth event after the completion
 * of the step before. Two-valued; events without a time take no part.
 */
export function chainSql(compiler: Compiler, node: Chain, env: Env): Sql {
  compiler.usesEvents = true;
  const [only] = node.steps;
  if (only === undefined) return sql`true`;
  const steps = node.steps.map((step) => planStep(compiler, node, step, env));
  if (node.steps.length === 1) return oneStep(compiler, only, steps[0] as StepPlan);
  let completed: Sql | undefined;
  for (const [index, step] of node.steps.entries()) {
    const plan = steps[index] as StepPlan;
    if (completed === undefined) completed = first(compiler, plan, step.count);
    else if (index < node.steps.length - 1) {
      const name = compiler.name();
      completed = sql`(list_filter(${times(compiler, plan)}, lambda ${name}: ${name} > ${completed}))[${literal(step.count)}]`;
    } else return sql`coalesce(${last(compiler, plan, step.count)} > ${completed}, false)`;
  }
  return sql`true`;
}

/** Either one row answers the step's condition, and an aggregate does; or a list of events has to be filtered. */
type StepPlan =
  | { readonly kind: 'rows'; readonly by: Fragment; readonly filter: Sql; readonly correlated: boolean }
  | { readonly kind: 'list'; readonly times: Sql };

function planStep(compiler: Compiler, node: Chain, step: TypedStep, env: Env): StepPlan {
  const type = { kind: 'timestamp' } as const;
  const inner = withRow(env, node.id);
  const need = step.condition === undefined ? { profile: false } : rowNeed(step.condition, inner);
  if (need !== undefined) {
    const by = rowSql(compiler, node.by, type);
    const present = sql`${by} is not null`;
    return {
      kind: 'rows',
      by,
      correlated: need.profile,
      filter: step.condition === undefined ? present : sql`(${compiler.truth(step.condition, inner, WHERE)}) and ${present}`,
    };
  }
  const item = compiler.name();
  const time = compiler.name();
  const { condition } = step;
  const list = eventList(compiler, { filter: undefined, correlated: false, rest: condition === undefined ? [] : [{ id: node.id, typed: condition, env }] });
  return {
    kind: 'list',
    times: sql`list_sort(list_filter(list_transform(${list}, lambda ${item}: (${item}).${ident(node.by)}), lambda ${time}: ${time} is not null))`,
  };
}

function oneStep(compiler: Compiler, step: TypedStep, plan: StepPlan): Sql {
  if (plan.kind === 'rows' && step.count === 1) return compiler.facts.addExistence(plan.filter, plan.correlated, compiler.isPerItem());
  const count =
    plan.kind === 'rows' ? sql`${compiler.facts.add({ aggregate: sql`count(*)`, filter: plan.filter, correlated: plan.correlated })}` : sql`len(${plan.times})`;
  return sql`(coalesce(${count}, 0) >= ${literal(step.count)})`;
}

function fact(compiler: Compiler, plan: Extract<StepPlan, { kind: 'rows' }>, aggregate: Sql): Fragment {
  return compiler.facts.add({ aggregate, filter: plan.filter, correlated: plan.correlated });
}

function first(compiler: Compiler, plan: StepPlan, count: number): Sql {
  if (plan.kind === 'list') return sql`(${plan.times})[${literal(count)}]`;
  return count === 1
    ? sql`${fact(compiler, plan, sql`min(${plan.by})`)}`
    : sql`(${fact(compiler, plan, sql`list(${plan.by} order by ${plan.by})`)})[${literal(count)}]`;
}

function times(compiler: Compiler, plan: StepPlan): Sql {
  return plan.kind === 'list' ? plan.times : sql`${fact(compiler, plan, sql`list(${plan.by} order by ${plan.by})`)}`;
}

/** The `count`th latest time: when it lies behind the step before, so do the later ones. */
function last(compiler: Compiler, plan: StepPlan, count: number): Sql {
  if (plan.kind === 'list') return sql`(${plan.times})[${literal(-count)}]`;
  return count === 1
    ? sql`${fact(compiler, plan, sql`max(${plan.by})`)}`
    : sql`(${fact(compiler, plan, sql`list(${plan.by} order by ${plan.by})`)})[${literal(-count)}]`;
}
