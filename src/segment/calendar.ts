import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, startOfDay, type Instant } from '../model/instant.ts';
import type { Unit } from './ast.ts';

/** A stretch of time, `end` excluded; an instant has no `end`. All in UTC. */
export interface Span {
  readonly start: Instant;
  readonly end: Instant | undefined;
}

/** Farther from all times that a source can have, which are of the years 1 to 9999, than those are from each other. */
const FIRST: Instant = utc(-20_000, 0, 1);
const LAST: Instant = utc(30_000, 0, 1);
const FIXED: Readonly<Partial<Record<Unit, number>>> = { millisecond: 1, second: SECOND_MS, minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS };
const MONTHS: Readonly<Partial<Record<Unit, number>>> = { month: 1, year: 12, decade: 120, century: 1200, millennium: 12_000 };

/** How many months a unit of the calendar has; undefined for units of fixed length. */
export function monthsOf(unit: Unit): number | undefined {
  return MONTHS[unit];
}

/** How long a unit is; undefined for months and what is made of them. */
export function lengthOf(unit: Unit): number | undefined {
  return FIXED[unit];
}

/**
 * `count` units later, earlier when negative. Months keep the day, or take the month's last one: one month before March 31st is the end of
 * February. What goes farther than any time can be (see FIRST and LAST) stays there.
 */
export function shift(instant: Instant, count: number, unit: Unit): Instant {
  const fixed = FIXED[unit];
  if (fixed !== undefined) return clamp(instant + count * fixed);
  const months = count * (MONTHS[unit] ?? 1);
  const date = new Date(instant);
  const total = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const year = Math.floor(total / 12);
  if (!(Math.abs(year) <= 30_000)) return months < 0 ? FIRST : LAST;
  const month = total - year * 12;
  const day = Math.min(date.getUTCDate(), daysInMonth(year, month));
  return clamp(utc(year, month, day) + (instant - startOfDay(instant)));
}

/** The beginning of the unit that holds `instant`. Weeks begin on Monday (ISO 8601), decades with a year ending in 0, centuries and millennia in 1. */
export function truncate(instant: Instant, unit: Unit): Instant {
  if (unit === 'week') return Math.floor((startOfDay(instant) / DAY_MS + 3) / 7) * 7 * DAY_MS - 3 * DAY_MS;
  const fixed = FIXED[unit];
  if (fixed !== undefined) return Math.floor(instant / fixed) * fixed;
  const date = new Date(instant);
  const year = date.getUTCFullYear();
  switch (unit) {
    case 'month':
      return utc(year, date.getUTCMonth(), 1);
    case 'decade':
      return utc(Math.floor(year / 10) * 10, 0, 1);
    case 'century':
      return utc(Math.floor((year - 1) / 100) * 100 + 1, 0, 1);
    case 'millennium':
      return utc(Math.floor((year - 1) / 1000) * 1000 + 1, 0, 1);
    default:
      return utc(year, 0, 1);
  }
}

/** The unit that holds `instant`, from its beginning to the next one's. */
export function spanOf(instant: Instant, unit: Unit): Span {
  const start = truncate(instant, unit);
  return { start, end: shift(start, 1, unit) };
}

/** `this`, `last` or `next` unit as seen from `now`. */
export function periodOf(now: Instant, which: 'this' | 'last' | 'next', unit: Unit): Span {
  const start = truncate(now, unit);
  return spanOf(which === 'this' ? start : shift(start, which === 'last' ? -1 : 1, unit), unit);
}

function utc(year: number, month: number, day: number): Instant {
  const date = new Date(Date.UTC(2000, month, day));
  date.setUTCFullYear(year, month, day);
  return date.getTime();
}

function daysInMonth(year: number, month: number): number {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

function clamp(instant: Instant): Instant {
  return Math.min(Math.max(instant, FIRST), LAST);
}
