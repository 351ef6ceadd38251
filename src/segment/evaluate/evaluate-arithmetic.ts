import type { ArithmeticOperator } from '../ast.ts';
import { aligned, isDecimal, isNumber, toDecimal, toDouble, type Value } from './value.ts';

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** Exact for integers and decimals, IEEE for doubles. A division or remainder by zero is unknown; beyond 64 bits an error, as in the engine. */
export function evaluateArithmetic(operator: ArithmeticOperator, left: Value, right: Value, asDouble: boolean): Value {
  if (!isNumber(left) || !isNumber(right)) return null;
  if (operator === '/' || asDouble || typeof left === 'number' || typeof right === 'number') return doubles(operator, toDouble(left), toDouble(right));
  if (typeof left === 'bigint' && typeof right === 'bigint') return integers(operator, left, right);
  const [a, b, scale] = aligned(toDecimal(left), toDecimal(right));
  if (operator === '%') return b === 0n ? null : { unscaled: a % b, scale };
  return { unscaled: operator === '+' ? a + b : a - b, scale };
}

export function negate(value: Value): Value {
  if (typeof value === 'bigint') return checked(-value);
  if (typeof value === 'number') return -value;
  return isDecimal(value) ? { unscaled: -value.unscaled, scale: value.scale } : null;
}

/** The sum of nothing is 0. */
export function sumOf(values: readonly Value[], kind: string): bigint | number | { readonly unscaled: bigint; readonly scale: number } {
  if (kind === 'double') return values.reduce<number>((sum, value) => sum + toDouble(value as number), 0);
  if (kind === 'integer') return checked(values.reduce<bigint>((sum, value) => sum + (value as bigint), 0n));
  return values.reduce<{ readonly unscaled: bigint; readonly scale: number }>(
    (sum, value) => {
      const [a, b, scale] = aligned(sum, toDecimal(value as bigint));
      return { unscaled: a + b, scale };
    },
    { unscaled: 0n, scale: 0 },
  );
}

function integers(operator: ArithmeticOperator, left: bigint, right: bigint): bigint | null {
  if (operator === '%') return right === 0n ? null : left % right;
  return checked(operator === '+' ? left + right : operator === '-' ? left - right : left * right);
}

function doubles(operator: ArithmeticOperator, left: number, right: number): number | null {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? null : left / right;
    case '%':
      return right === 0 ? null : left % right;
  }
}

function checked(value: bigint): bigint {
  if (value < LEAST || value > MOST) throw new RangeError(`${value} does not fit an integer of 64 bits`);
  return value;
}
