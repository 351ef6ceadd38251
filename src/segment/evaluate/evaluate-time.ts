import { DAY_MS, parseInstant, startOfDay } from '../../model/instant.ts';
import type { Unit } from '../ast.ts';
import { periodOf, shift, spanOf } from '../calendar.ts';
import type { Typed, TypedTime, TypedWindow } from '../typed.ts';
import { isMoment, type Moment, type Value } from './value.ts';

/** A time: from `start` to before `end`; an instant has no `end`. Microseconds. */
interface Period {
  readonly start: bigint;
  readonly end: bigint | undefined;
}

type ValueOf = (node: Typed) => Value;

/** Whether a moment lies in a window; null when the moment or a time of the window is unknown. */
export function isWithin(subject: Value, window: TypedWindow, now: number, valueOf: ValueOf): boolean | null {
  if (window.form === 'between') {
    const from = periodAt(window.from, now, valueOf);
    const to = periodAt(window.to, now, valueOf);
    const at = isMoment(subject) ? subject.micros : undefined;
    // As `and` does it: one half that is false decides, whatever the other is.
    return both(
      at === undefined || from === undefined ? null : at >= from.start,
      at === undefined || to === undefined ? null : to.end === undefined ? at <= to.start : at < to.end,
    );
  }
  const time = periodAt(window.time, now, valueOf);
  if (!isMoment(subject) || time === undefined) return null;
  const at = subject.micros;
  switch (window.form) {
    case 'on':
      return time.end === undefined ? at === time.start : at >= time.start && at < time.end;
    case 'side':
      if (window.direction === 'before') return at < time.start;
      return time.end === undefined ? at > time.start : at >= time.end;
    case 'distance':
      return isAtDistance(at, time.start, window);
  }
}

/** The midnight of a day, moved by days. */
export function dayMoment(now: number, days: number): Moment {
  return fromMillis(startOfDay(now) + days * DAY_MS);
}

export function fromMillis(millis: number): Moment {
  return { micros: BigInt(millis) * 1000n };
}

/** The calendar's year, month (from 1) and day of a moment. */
export function partsOf({ micros }: Moment): { readonly year: number; readonly month: number; readonly day: number } {
  const date = new Date(Number(floorDivide(micros, 1000n)));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function isAtDistance(at: bigint, from: bigint, window: Extract<TypedWindow, { form: 'distance' }>): boolean {
  const { operator, amount, unit, direction } = window;
  const sign = direction === 'before' ? -1 : 1;
  const far = moved(from, sign * amount, unit);
  if (operator === '=' || operator === '!=') {
    const span = spanOf(Number(floorDivide(far, 1000n)), unit);
    const inside = at >= BigInt(span.start) * 1000n && at < BigInt(span.end ?? span.start) * 1000n;
    return inside === (operator === '=');
  }
  // How far the moment is beyond `far`, seen from the time: positive is farther away.
  const beyond = direction === 'before' ? far - at : at - far;
  const sameSide = direction === 'before' ? at <= from : at >= from;
  if (operator === '<') return beyond < 0n && sameSide;
  if (operator === '<=') return beyond <= 0n && sameSide;
  return operator === '>' ? beyond > 0n : beyond >= 0n;
}

function periodAt(time: TypedTime, now: number, valueOf: ValueOf): Period | undefined {
  if (time.kind === 'period') return micros(periodOf(now, time.which, time.unit));
  const value = valueOf(time.value);
  if (!isMoment(value)) return undefined;
  return { start: value.micros, end: time.value.type.kind === 'date' ? value.micros + BigInt(DAY_MS) * 1000n : undefined };
}

/** Months and their like keep the part of a millisecond. */
function moved(at: bigint, count: number, unit: Unit): bigint {
  const millis = floorDivide(at, 1000n);
  return BigInt(shift(Number(millis), count, unit)) * 1000n + (at - millis * 1000n);
}

function micros({ start, end }: { readonly start: number; readonly end: number | undefined }): Period {
  return { start: BigInt(start) * 1000n, end: end === undefined ? undefined : BigInt(end) * 1000n };
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function both(left: boolean | null, right: boolean | null): boolean | null {
  if (left === false || right === false) return false;
  return left === null || right === null ? null : true;
}

/** Reads `2026-11-20T10:00:00.123456Z`, a time without a zone (UTC), or a day; microseconds. */
export function parseMoment(text: string): Moment | undefined {
  const normal = text.trim().replace(/^(\d{4}-\d{2}-\d{2}) (\d)/, '$1T$2');
  const zoned = /T/.test(normal) && !/(?:Z|[+-]\d{2}:\d{2})$/.test(normal) ? `${normal}Z` : normal;
  const instant = parseInstant(zoned.replace(/(\.\d{3})\d+/, '$1'));
  if (instant === undefined) return undefined;
  const fraction = /\.(\d+)/.exec(zoned)?.[1] ?? '';
  return { micros: BigInt(instant) * 1000n + BigInt(fraction.padEnd(6, '0').slice(3, 6)) };
}
