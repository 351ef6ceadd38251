import { readPattern, type Pattern } from '../pattern/read-pattern.ts';
import type { Typed } from '../typed.ts';
import { equalValues } from './compare-values.ts';
import { partsOf, fromMillis } from './evaluate-time.ts';
import type { Evaluation, Values } from './evaluate.ts';
import { toLower } from './text.ts';
import { isMoment, type Value } from './value.ts';

type Call = Extract<Typed, { kind: 'call' }>;

/** The functions that look at the values of their arguments alone. */
export function evaluateCall(evaluation: Evaluation, node: Call, env: Values): Value {
  if (node.fn === 'isNull') return isNull(evaluation, node.args[0] as Typed, env);
  const [first = null, second = null, third = null] = node.args.map((arg) => evaluation.value(arg, env));
  const today = partsOf(fromMillis(evaluation.now));
  switch (node.fn) {
    case 'startsWith':
    case 'endsWith':
    case 'contains':
    case 'equals':
      return texts(first, second, third === false, (a, b) => askText(node.fn, a, b));
    case 'matches':
      return texts(first, second, false, (a, b) => patternOf(b).matches(a));
    case 'regexGroup': {
      if (typeof first !== 'string' || typeof second !== 'string') return null;
      return patternOf(second).group(first, Number(third)) ?? null;
    }
    case 'getMonth':
      return isMoment(first) ? BigInt(partsOf(first).month) : null;
    case 'getYear':
      return isMoment(first) ? BigInt(partsOf(first).year) : null;
    case 'getDayOfMonth':
      return isMoment(first) ? BigInt(partsOf(first).day) : null;
    case 'currentMonth':
      return BigInt(today.month);
    case 'currentYear':
      return BigInt(today.year);
    case 'currentDayOfMonth':
      return BigInt(today.day);
    case 'includes':
      return Array.isArray(first) && second !== null && has(first, second);
    case 'intersects':
      return Array.isArray(first) && Array.isArray(second) && second.some((item: Value) => item !== null && has(first, item));
    case 'subsetOf':
      return Array.isArray(first) && Array.isArray(second) && first.every((item: Value) => item === null || has(second, item));
    case 'intersection':
      return Array.isArray(first) && Array.isArray(second) ? firstOnes(first).filter((item) => has(second, item)) : null;
    case 'distinct':
      return Array.isArray(first) ? firstOnes(first) : null;
    case 'head':
      return Array.isArray(first) ? ((first[0] as Value | undefined) ?? null) : null;
    case 'get':
      return first instanceof Map && typeof second === 'string' ? (first.get(second) ?? null) : null;
    case 'keys':
      return first instanceof Map ? [...first.keys()] : null;
    case 'values':
      return first instanceof Map ? [...first.values()] : null;
  }
}

/** Each value once, where it stands first; NULL is left out. */
export function firstOnes(items: readonly Value[]): readonly Value[] {
  return items.filter((item, index) => item !== null && items.findIndex((other) => other !== null && equalValues(other, item)) === index);
}

function patternOf(text: string): Pattern {
  const pattern = readPattern(text);
  if ('message' in pattern) throw new TypeError(`an unchecked pattern: ${pattern.message}`);
  return pattern;
}

function isNull(evaluation: Evaluation, node: Typed, env: Values): boolean {
  return evaluation.value(node, env) === null;
}

function has(list: readonly Value[], item: Value): boolean {
  return list.some((one) => one !== null && equalValues(one, item));
}

function texts(first: Value, second: Value, ignoreCase: boolean, ask: (a: string, b: string) => boolean): boolean | null {
  if (typeof first !== 'string' || typeof second !== 'string') return null;
  return ignoreCase ? ask(toLower(first), toLower(second)) : ask(first, second);
}

function askText(fn: Call['fn'], text: string, part: string): boolean {
  if (fn === 'startsWith') return text.startsWith(part);
  if (fn === 'endsWith') return text.endsWith(part);
  return fn === 'contains' ? text.includes(part) : text === part;
}
