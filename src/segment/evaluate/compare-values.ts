import type { PqlType } from '../type.ts';
import { aligned, isDecimal, isMembers, isMoment, isNumber, toDecimal, toDouble, type Members, type Value } from './value.ts';

/** Negative, zero or positive. Exact between integers and decimals; as doubles when one is a double; texts by code point. */
export function compareValues(left: Value, right: Value): number {
  if (isNumber(left) && isNumber(right)) {
    if (typeof left === 'bigint' && typeof right === 'bigint') return order(left, right);
    if (typeof left !== 'number' && typeof right !== 'number') {
      const [a, b] = aligned(toDecimal(left), toDecimal(right));
      return order(a, b);
    }
    return orderDoubles(toDouble(left), toDouble(right));
  }
  if (isMoment(left) && isMoment(right)) return order(left.micros, right.micros);
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return order(Number(left), Number(right));
  throw new TypeError(`cannot compare ${kindOf(left)} with ${kindOf(right)}`);
}

/** Equality of values inside collections: NULL equals NULL there. */
export function equalValues(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item: Value, index) => equalValues(item, right[index] as Value));
  if (left instanceof Map && right instanceof Map)
    return equalValues([...left.keys()], [...right.keys()]) && equalValues([...left.values()], [...right.values()]);
  if (isMembers(left) && isMembers(right)) {
    const names = new Set([...left.members.keys(), ...right.members.keys()]);
    return [...names].every((name) => equalValues(left.members.get(name) ?? null, right.members.get(name) ?? null));
  }
  return compareValues(left, right) === 0;
}

/** The order in which the engine sorts: NULL comes last, and what holds values is compared one by one. */
export function orderValues(left: Value, right: Value, type: PqlType): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  switch (type.kind) {
    case 'array':
      return orderLists(left as readonly Value[], right as readonly Value[], (a, b) => orderValues(a, b, type.item));
    case 'map':
      return orderLists([...(left as Entries)], [...(right as Entries)], ([a, x], [b, y]) => compareTexts(a, b) || orderValues(x, y, type.value));
    case 'object':
      return orderLists([...type.fields], [...type.fields], ([name, member]) =>
        orderValues((left as Members).members.get(name) ?? null, (right as Members).members.get(name) ?? null, member),
      );
    default:
      return compareValues(left, right);
  }
}

type Entries = ReadonlyMap<string, Value>;

function orderLists<T>(left: readonly T[], right: readonly T[], compare: (left: T, right: T) => number): number {
  for (const [index, item] of left.entries()) {
    if (index >= right.length) return 1;
    const order = compare(item, right[index] as T);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** UTF-16 order is not the order of code points: surrogates stand before the last private-use characters. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return order(rank(a), rank(b));
  }
  return order(left.length, right.length);
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function order<T extends number | bigint>(left: T, right: T): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** As the engine has it: what is no number, infinity less infinity, equals itself and is greater than all numbers. */
function orderDoubles(left: number, right: number): number {
  return Number.isNaN(left) || Number.isNaN(right) ? Number(Number.isNaN(left)) - Number(Number.isNaN(right)) : order(left, right);
}

function kindOf(value: Value): string {
  if (value === null) return 'null';
  return isDecimal(value) ? 'decimal' : isMoment(value) ? 'moment' : typeof value;
}
