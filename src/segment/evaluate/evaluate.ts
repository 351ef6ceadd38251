import type { Instant } from '../../model/instant.ts';
import { parseInstant } from '../../model/instant.ts';
import { eventFields } from '../event-order.ts';
import type { Typed, VariableId } from '../typed.ts';
import { compareValues, equalValues, orderValues } from './compare-values.ts';
import { evaluateArithmetic, negate, sumOf } from './evaluate-arithmetic.ts';
import { evaluateCall, firstOnes } from './evaluate-call.ts';
import { dayMoment, fromMillis, isWithin } from './evaluate-time.ts';
import { isLike } from './text.ts';
import { isMembers, isMoment, parseDecimal, toDouble, type Members, type Moment, type Value } from './value.ts';

/** One person, as a fixture or as read from a source. */
export interface EvaluatedProfile {
  /** Attribute values by path; those left out are NULL. */
  readonly fields: ReadonlyMap<string, Value>;
  readonly events: readonly Members[];
}

export interface EvaluateOptions {
  readonly now: Instant;
  /** Typed trees of the segments that `inSegment` may name. */
  readonly segments?: ReadonlyMap<string, Typed>;
  /** Told of each value as it becomes known; nodes inside a filter are evaluated once per item. */
  readonly observe?: (node: Typed, value: Value, env: Values) => void;
  /** Told of each step of a sequence that is asked for. */
  readonly observeStep?: (chain: Typed, step: StepProgress) => void;
}

/** How far one step of a sequence of events came. */
export interface StepProgress {
  readonly index: number;
  /** Events that fit it, and those of them that are later than the completion of the step before. */
  readonly fitting: number;
  readonly later: number;
  /** When the step before was complete; undefined for the first one. */
  readonly after: Moment | undefined;
}

/** What the parts of the evaluator share. */
export interface Evaluation {
  readonly profile: EvaluatedProfile;
  readonly now: Instant;
  /** Events in the order that the expression sees: by time, then by the fields it names. */
  readonly events: readonly Members[];
  value(node: Typed, env: Values): Value;
  segment(name: string): Typed;
  stepped(chain: Typed, step: StepProgress): void;
}

export type Values = ReadonlyMap<VariableId, Value>;

const EMPTY: Values = new Map();

/** The value of an expression for one person, by three-valued logic; written apart from the compiler to SQL, which is held against it. */
export function evaluate(typed: Typed, profile: EvaluatedProfile, options: EvaluateOptions): Value {
  const { now, observe } = options;
  const inOrder = (node: Typed): readonly Members[] => orderEvents(profile.events, node);
  const begin = (root: Typed): Evaluation => {
    let events: readonly Members[] | undefined;
    const evaluation: Evaluation = {
      profile,
      now,
      get events() {
        return (events ??= inOrder(root));
      },
      value(node, env) {
        const value =
          node.kind === 'segment'
            ? begin(evaluation.segment(node.name)).value(evaluation.segment(node.name), EMPTY) === true
            : evaluateNode(evaluation, node, env);
        observe?.(node, value, env);
        return value;
      },
      stepped: (chain, step) => options.observeStep?.(chain, step),
      segment(name) {
        const found = options.segments?.get(name);
        if (found === undefined) throw new TypeError(`the segment ${name} is not known`);
        return found;
      },
    };
    return evaluation;
  };
  return begin(typed).value(typed, EMPTY);
}

/** Membership: an unknown answer is no. */
export function isMember(typed: Typed, profile: EvaluatedProfile, options: EvaluateOptions): boolean {
  return evaluate(typed, profile, options) === true;
}

function evaluateNode(evaluation: Evaluation, node: Typed, env: Values): Value {
  const value = (inner: Typed): Value => evaluation.value(inner, env);
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'number':
      return numberOf(node.text, node.type.kind);
    case 'date':
      return fromMillis(parseInstant(node.day) ?? 0);
    case 'now':
      return fromMillis(evaluation.now);
    case 'today':
      return dayMoment(evaluation.now, node.days);
    case 'field':
      return evaluation.profile.fields.get(node.path) ?? null;
    case 'identities':
      return new Map(node.namespaces.flatMap((name) => entryOf(name, evaluation.profile.fields.get(`identityMap.${name}`) ?? null)));
    case 'folder':
      return node.paths.every((path) => (evaluation.profile.fields.get(path) ?? null) === null) ? null : true;
    case 'events':
      return evaluation.events as unknown as readonly Value[];
    case 'variable':
      return env.get(node.id) ?? null;
    case 'member': {
      const object = value(node.object);
      return isMembers(object) ? (object.members.get(node.name) ?? null) : null;
    }
    case 'list':
      return node.items.map(value);
    case 'logic':
      return evaluateLogic(node.operator, node.operands.map(value));
    case 'not': {
      const operand = value(node.operand);
      return operand === null ? null : operand !== true;
    }
    case 'negate':
      return negate(value(node.operand));
    case 'compare':
      return evaluateCompare(node, value(node.left), value(node.right));
    case 'arithmetic':
      return evaluateArithmetic(node.operator, value(node.left), value(node.right), node.type.kind === 'double');
    case 'in': {
      const left = value(node.value);
      const list = value(node.list);
      if (left === null || !Array.isArray(list)) return false;
      const found = list.some((item: Value) => item !== null && equalValues(item, left));
      return found !== node.negated;
    }
    case 'like': {
      const text = value(node.value);
      return typeof text === 'string' ? isLike(text, node.pattern) : null;
    }
    case 'if':
      return value(node.test) === true ? value(node.then) : value(node.otherwise);
    case 'let':
      return evaluation.value(node.body, new Map(env).set(node.id, value(node.value)));
    case 'call':
      return evaluateCall(evaluation, node, env);
    case 'occurs':
      return isWithin(value(node.subject), node.window, evaluation.now, value);
    case 'chain':
      return evaluateChain(evaluation, node, env);
    default:
      return evaluateOverItems(evaluation, node, env);
  }
}

type OverItems = Extract<Typed, { kind: 'filter' | 'map' | 'top' | 'group' | 'aggregate' | 'quantifier' }>;

function evaluateOverItems(evaluation: Evaluation, node: Typed, env: Values): Value {
  if (!('source' in node)) throw new TypeError(`${node.kind} is not evaluated here`);
  const over: OverItems = node;
  const source = evaluation.value(over.source, env);
  const items: readonly Value[] = Array.isArray(source) ? source : [];
  const of = (inner: Typed, item: Value): Value => evaluation.value(inner, new Map(env).set(over.id, item));
  switch (over.kind) {
    case 'quantifier': {
      const { condition } = over;
      const holds = (item: Value): boolean => condition === undefined || of(condition, item) === true;
      // Every item is looked at, so that `explain` has a value for each.
      const results = new Set(items.map(holds));
      return over.quantifier === 'exists' ? results.has(true) : !results.has(false);
    }
    case 'aggregate': {
      if (over.fn === 'count') return BigInt(items.length);
      const { value } = over;
      const values = items.map((item) => (value === undefined ? item : of(value, item))).filter((item) => item !== null);
      return aggregateValues(over, values);
    }
    default:
      break;
  }
  if (!Array.isArray(source)) return null;
  switch (over.kind) {
    case 'filter':
      return items.filter((item) => of(over.condition, item) === true);
    case 'map':
      return items.map((item) => of(over.value, item));
    case 'top': {
      const ranked = items.map((item, place) => ({ item, place, by: of(over.by, item) })).filter(({ by }) => by !== null);
      ranked.sort((a, b) => (over.highest ? compareValues(b.by, a.by) : compareValues(a.by, b.by)) || a.place - b.place);
      return ranked.slice(0, over.count).map(({ item }) => item);
    }
    case 'group': {
      const keyed = items.map((item) => ({ item, by: of(over.by, item) }));
      return firstOnes(keyed.map(({ by }) => by)).map((key) => keyed.filter(({ by }) => by !== null && equalValues(by, key)).map(({ item }) => item));
    }
  }
}

function aggregateValues(node: Extract<Typed, { kind: 'aggregate' }>, values: readonly Value[]): Value {
  if (node.fn === 'sum') return sumOf(values, node.type.kind);
  if (values.length === 0) return null;
  if (node.fn === 'average') {
    const kind = node.value?.type.kind ?? 'double';
    // The sum on the way to an average may have more than 64 bits.
    return toDouble(sumOf(values, kind === 'integer' ? 'decimal' : kind)) / values.length;
  }
  return values.reduce((best, value) => (compareValues(value, best) < 0 === (node.fn === 'min') && compareValues(value, best) !== 0 ? value : best));
}

/** A step is complete with its COUNTth event that lies strictly after the completion of the step before. */
function evaluateChain(evaluation: Evaluation, node: Extract<Typed, { kind: 'chain' }>, env: Values): boolean {
  let after: bigint | undefined;
  for (const [index, { condition, count }] of node.steps.entries()) {
    const times = evaluation.events.flatMap((event) => {
      const holds = condition === undefined || evaluation.value(condition, new Map(env).set(node.id, event)) === true;
      const time = event.members.get(node.by) ?? null;
      return holds && isMoment(time) ? [time.micros] : [];
    });
    const before = after;
    const later = times.filter((time) => before === undefined || time > before).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    evaluation.stepped(node, { index, fitting: times.length, later: later.length, after: before === undefined ? undefined : { micros: before } });
    after = later[count - 1];
    if (after === undefined) return false;
  }
  return true;
}

function evaluateLogic(operator: 'and' | 'or', operands: readonly Value[]): boolean | null {
  const deciding = operator === 'or';
  if (operands.includes(deciding)) return deciding;
  return operands.includes(null) ? null : !deciding;
}

function evaluateCompare(node: Extract<Typed, { kind: 'compare' }>, left: Value, right: Value): boolean | null {
  if (left === null || right === null) return null;
  if (node.operator === '=') return equalValues(left, right);
  if (node.operator === '!=') return !equalValues(left, right);
  const order = compareValues(left, right);
  switch (node.operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** By time, then by the other fields that the expression names; events without a time come last. */
function orderEvents(events: readonly Members[], root: Typed): readonly Members[] {
  const fields = [...eventFields(root)];
  return events.toSorted((a, b) => {
    for (const [path, type] of fields) {
      const order = orderValues(a.members.get(path) ?? null, b.members.get(path) ?? null, type);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function numberOf(text: string, kind: string): Value {
  if (kind === 'double') return Number(text);
  return kind === 'integer' ? BigInt(text) : (parseDecimal(text) ?? null);
}

function entryOf(name: string, value: Value): readonly (readonly [string, Value])[] {
  return value === null ? [] : [[name, value]];
}
