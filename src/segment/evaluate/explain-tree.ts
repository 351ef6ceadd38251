import type { Range } from '../ast.ts';
import { itemPartsOf } from '../check/check-nesting.ts';
import { childrenOf, visit } from '../lineage.ts';
import type { Typed, VariableId } from '../typed.ts';
import { evaluate, type EvaluatedProfile, type EvaluateOptions, type StepProgress } from './evaluate.ts';
import { showValue } from './show-value.ts';
import { isMembers, type Members, type Value } from './value.ts';

/** A node of an expression with what it came to for one person. */
export interface ExplainedNode extends Range {
  /** What it is: `and` and `or` apart. */
  readonly kind: 'and' | 'or' | Exclude<Typed['kind'], 'logic'>;
  readonly isCondition: boolean;
  /** The node's own text. */
  readonly text: string;
  /** Conditions: true, false, or undefined for unknown. Of a node inside a filter: true when it held for an item. */
  readonly truth: boolean | undefined;
  /** The value, for reading. */
  readonly value: string;
  /** Nodes inside a filter, quantifier or chain: for how many items they were asked, and how often they were true. */
  readonly items: { readonly asked: number; readonly held: number } | undefined;
  /** Questions about events that are asked once: how many of how many fit, and the first of them for reading. */
  readonly events: { readonly fitting: number; readonly of: number; readonly first: readonly string[] } | undefined;
  /** Of a sequence of events that is not complete: the first step that lacks events. */
  readonly lacking: LackingStep | undefined;
  readonly children: readonly ExplainedNode[];
  /** The segment behind an `inSegment`. */
  readonly segment?: string;
}

/** A step of a sequence for which there are not enough events, or not late enough. */
export interface LackingStep {
  readonly step: string;
  readonly needed: number;
  readonly fitting: number;
  /** Those of them that are later than the step before, which was complete at `after`. */
  readonly later: number;
  readonly previous: { readonly step: string; readonly after: string } | undefined;
}

interface Seen {
  value: Value;
  asked: number;
  held: number;
}

interface Observed {
  readonly seen: ReadonlyMap<Typed, Seen>;
  /** By condition: the events for which it held. */
  readonly fitting: ReadonlyMap<Typed, ReadonlySet<Members>>;
  /** By sequence: the last step that was asked for. */
  readonly steps: ReadonlyMap<Typed, StepProgress>;
}

const MOST_EVENTS = 3;

/**
 * The tree of an expression with each node's value for one person: why in, why out. Left out are constants and names that explain nothing by themselves,
 * and what was not asked: the other way of an `if`, the steps of a chain behind one that is never complete, a condition on items when there are none. What
 * stands inside `inSegment` is explained by that segment's own tree.
 */
export function explainTree(typed: Typed, text: string, profile: EvaluatedProfile, options: EvaluateOptions): ExplainedNode {
  const seen = new Map<Typed, Seen>();
  const fitting = new Map<Typed, Set<Members>>();
  const steps = new Map<Typed, StepProgress>();
  const variables = new Map<Typed, VariableId>();
  visit(typed, (node) => noteCondition(node, variables));
  evaluate(typed, profile, {
    ...options,
    observeStep: (chain, step) => void steps.set(chain, step),
    observe(node, value, env) {
      const found = seen.get(node);
      if (found === undefined) seen.set(node, { value, asked: 1, held: value === true ? 1 : 0 });
      else {
        found.asked += 1;
        found.held += value === true ? 1 : 0;
      }
      const variable = value === true ? variables.get(node) : undefined;
      const event = variable === undefined ? null : (env.get(variable) ?? null);
      if (isMembers(event)) fitting.set(node, (fitting.get(node) ?? new Set<Members>()).add(event));
    },
  });
  return build(typed, text, { seen, fitting, steps }, false);
}

/** The one condition that a question asks of every event. */
function eventCondition(node: Typed): Typed | undefined {
  if (node.kind === 'chain') return node.steps.length === 1 ? node.steps[0]?.condition : undefined;
  if (node.kind !== 'quantifier' && node.kind !== 'filter') return undefined;
  const isForall = node.kind === 'quantifier' && node.quantifier === 'forall';
  return node.source.kind === 'events' && !isForall ? node.condition : undefined;
}

function noteCondition(node: Typed, variables: Map<Typed, VariableId>): void {
  const condition = eventCondition(node);
  if (condition !== undefined && 'id' in node) variables.set(condition, node.id);
}

function eventsOf(node: Typed, { seen, fitting }: Observed): ExplainedNode['events'] {
  const condition = eventCondition(node);
  if (condition === undefined) return undefined;
  const events = [...(fitting.get(condition) ?? [])];
  return { fitting: events.length, of: seen.get(condition)?.asked ?? 0, first: events.slice(0, MOST_EVENTS).map(showEvent) };
}

function lackingOf(node: Typed, { seen, steps }: Observed): LackingStep | undefined {
  const progress = steps.get(node);
  if (node.kind !== 'chain' || progress === undefined || seen.get(node)?.value !== false) return undefined;
  const { index, fitting, later, after } = progress;
  const [step, before] = [node.steps[index], node.steps[index - 1]];
  if (step === undefined) return undefined;
  const previous = before === undefined || after === undefined ? undefined : { step: before.label, after: showValue(after) };
  return { step: step.label, needed: step.count, fitting, later, previous };
}

/** `2026-11-19 purchase`. */
function showEvent({ members }: Members): string {
  const type = members.get('eventType');
  return [showValue(members.get('timestamp') ?? null), ...(typeof type === 'string' ? [type] : [])].join(' ');
}

function build(node: Typed, text: string, observed: Observed, perItem: boolean): ExplainedNode {
  const found = observed.seen.get(node) ?? { value: null, asked: 0, held: 0 };
  const isCondition = node.type.kind === 'boolean';
  const truth = !isCondition ? undefined : perItem ? found.held > 0 : found.value === null ? undefined : found.value === true;
  const shown = asWritten(node);
  const itemParts = itemPartsOf(shown);
  const children = childrenOf(shown)
    .filter((child) => observed.seen.has(child) && !explainsNothing(child))
    .map((child) => build(child, text, observed, perItem || itemParts.includes(child)));
  return {
    start: node.start,
    end: node.end,
    kind: shown.kind === 'logic' ? shown.operator : shown.kind,
    isCondition,
    text: text.slice(node.start, node.end),
    truth,
    value: perItem && isCondition ? `${found.held} of ${found.asked}` : showValue(found.value),
    events: perItem ? undefined : eventsOf(node, observed),
    lacking: perItem ? undefined : lackingOf(node, observed),
    items: perItem ? { asked: found.asked, held: found.held } : undefined,
    children,
    ...(node.kind === 'segment' ? { segment: node.name } : {}),
  };
}

/** `isNotNull` and its like are read as the negation of another function; a person wrote one. */
function asWritten(node: Typed): Typed {
  return node.kind === 'not' && node.operand.start === node.start && node.operand.end === node.end ? node.operand : node;
}

function explainsNothing(node: Typed): boolean {
  switch (node.kind) {
    case 'constant':
    case 'number':
    case 'date':
    case 'events':
    case 'folder':
      return true;
    case 'variable':
      // What `let` names is a value like others; an item is told by its members.
      return node.type.kind === 'object' || node.type.kind === 'array' || node.type.kind === 'map';
    case 'list':
      return node.items.every(explainsNothing);
    default:
      return false;
  }
}
