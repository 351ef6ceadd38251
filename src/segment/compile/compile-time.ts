import { formatInstant, parseInstant, type Instant, DAY_MS, startOfDay } from '../../model/instant.ts';
import { joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { Unit } from '../ast.ts';
import { lengthOf, monthsOf, periodOf, shift, spanOf } from '../calendar.ts';
import type { Typed, TypedTime, TypedWindow } from '../typed.ts';
import type { Compiler, Env, Fragment } from './context.ts';

type Occurs = Extract<Typed, { kind: 'occurs' }>;

/** A time in SQL: from `start` to before `end`; an instant has no `end`. */
interface TimeSql {
  readonly start: Sql;
  readonly end: Sql | undefined;
  /** Moves the start by so many units. */
  readonly moved: (count: number, unit: Unit) => Sql;
  /** The whole unit that holds the start moved by so many units. */
  readonly whole: (count: number, unit: Unit) => { readonly start: Sql; readonly end: Sql };
}

/** Farther than any two times of the calendar are apart, and near enough for the engine to count with. */
const MOST_YEARS = 20_000;

/** A constant instant as a naive UTC timestamp. */
export function timestampSql(instant: Instant): Sql {
  const year = new Date(instant).getUTCFullYear();
  // Outside of the years 1 to 9999 the engine writes years in a way of its own.
  if (year < 1 || year > 9999) return sql`epoch_ms(cast(${literal(BigInt(instant))} as bigint))`;
  return sql`cast(${literal(formatInstant(instant).replace('T', ' ').replace('Z', ''))} as timestamp)`;
}

export function dateSql(instant: Instant): Sql {
  return sql`cast(${literal(new Date(instant).toISOString().slice(0, 10))} as date)`;
}

/** `TS occurs …` as comparisons with constants wherever the time is one; NULL when a time is. */
export function occursSql(compiler: Compiler, node: Occurs, env: Env): Sql {
  return sql`(${joinSql(occursConditions(compiler, node, env), ' and ')})`;
}

/** The same as conditions that all have to hold, one for each end of the window. */
export function occursConditions(compiler: Compiler, node: Occurs, env: Env): readonly Sql[] {
  const { window } = node;
  const value = compiler.value(node.subject, env);
  const subject: Fragment = node.subject.type.kind === 'date' ? sql`cast(${value} as timestamp)` : value;
  if (window.form === 'between') {
    const from = timeSql(compiler, window.from, env);
    const to = timeSql(compiler, window.to, env);
    return [sql`${subject} >= ${from.start}`, upTo(subject, to)];
  }
  const time = timeSql(compiler, window.time, env);
  switch (window.form) {
    case 'on':
      return time.end === undefined ? [sql`${subject} = ${time.start}`] : [sql`${subject} >= ${time.start}`, sql`${subject} < ${time.end}`];
    case 'side':
      if (window.direction === 'before') return [sql`${subject} < ${time.start}`];
      return [time.end === undefined ? sql`${subject} > ${time.start}` : sql`${subject} >= ${time.end}`];
    case 'distance': {
      const { operator, amount, unit, direction } = window;
      const before = direction === 'before';
      if (operator === '=' || operator === '!=') {
        const { start, end } = time.whole(before ? -amount : amount, unit);
        return operator === '=' ? [sql`${subject} >= ${start}`, sql`${subject} < ${end}`] : [sql`(${subject} < ${start} or ${subject} >= ${end})`];
      }
      const far = time.moved(before ? -amount : amount, unit);
      if (operator === '<')
        return before ? [sql`${subject} > ${far}`, sql`${subject} <= ${time.start}`] : [sql`${subject} < ${far}`, sql`${subject} >= ${time.start}`];
      if (operator === '<=')
        return before ? [sql`${subject} >= ${far}`, sql`${subject} <= ${time.start}`] : [sql`${subject} <= ${far}`, sql`${subject} >= ${time.start}`];
      if (operator === '>') return [before ? sql`${subject} < ${far}` : sql`${subject} > ${far}`];
      return [before ? sql`${subject} <= ${far}` : sql`${subject} >= ${far}`];
    }
  }
}

/** Before which no time is in a window; undefined when there is no such time, or none that is known before any row is. */
export function earliest(now: Instant, window: TypedWindow): Instant | undefined {
  const time = constantTime(now, window.form === 'between' ? window.from : window.time);
  if (time === undefined) return undefined;
  if (window.form === 'between' || window.form === 'on') return time.start;
  const after = window.direction === 'after';
  if (window.form === 'side') return after ? time.start : undefined;
  const { operator, amount, unit } = window;
  const far = shift(time.start, after ? amount : -amount, unit);
  if (operator === '=') return spanOf(far, unit).start;
  if (operator === '<' || operator === '<=') return after ? time.start : far;
  return after && operator !== '!=' ? far : undefined;
}

function upTo(subject: Fragment, time: TimeSql): Sql {
  return time.end === undefined ? sql`${subject} <= ${time.start}` : sql`${subject} < ${time.end}`;
}

function timeSql(compiler: Compiler, time: TypedTime, env: Env): TimeSql {
  const constant = constantTime(compiler.now, time);
  if (constant !== undefined) {
    const { start, end } = constant;
    return {
      start: timestampSql(start),
      end: end === undefined ? undefined : timestampSql(end),
      moved: (count, unit) => timestampSql(shift(start, count, unit)),
      whole(count, unit) {
        const span = spanOf(shift(start, count, unit), unit);
        return { start: timestampSql(span.start), end: timestampSql(span.end ?? span.start) };
      },
    };
  }
  if (time.kind !== 'value') throw new TypeError('a period is constant');
  const value = compiler.value(time.value, env);
  const day = time.value.type.kind === 'date';
  const start = day ? sql`cast(${value} as timestamp)` : value;
  const moved = (count: number, unit: Unit): Sql => sql`(${start} + ${intervalSql(count, unit)})`;
  return {
    start,
    end: day ? sql`(${start} + ${intervalSql(1, 'day')})` : undefined,
    moved,
    whole(count, unit) {
      const begin = truncated(moved(count, unit), unit);
      return { start: begin, end: sql`(${begin} + ${intervalSql(1, unit)})` };
    },
  };
}

/** The time when it is known before any row is; `end` undefined for an instant. */
function constantTime(now: Instant, time: TypedTime): { readonly start: Instant; readonly end: Instant | undefined } | undefined {
  if (time.kind === 'period') return periodOf(now, time.which, time.unit);
  const { value } = time;
  if (value.kind === 'now') return { start: now, end: undefined };
  const day = value.kind === 'today' ? startOfDay(now) + value.days * DAY_MS : value.kind === 'date' ? parseInstant(value.day) : undefined;
  return day === undefined ? undefined : { start: day, end: day + DAY_MS };
}

/** DuckDB's centuries begin with the year 2000, Postgres' with 2001; ours with 2001, everywhere. */
function truncated(value: Sql, unit: Unit): Sql {
  const years = unit === 'century' ? 100 : unit === 'millennium' ? 1000 : undefined;
  if (years === undefined) return sql`date_trunc(${literal(unit)}, ${value})`;
  return sql`(date_trunc('year', ${value}) - to_years(cast(((year(${value}) - 1) % ${literal(years)} + ${literal(years)}) % ${literal(years)} as integer)))`;
}

function intervalSql(count: number, unit: Unit): Sql {
  const months = monthsOf(unit);
  if (months !== undefined) return sql`to_months(${literal(within(count * months, MOST_YEARS * 12))})`;
  return sql`to_milliseconds(${literal(within(count * (lengthOf(unit) ?? 1), MOST_YEARS * 366 * DAY_MS))})`;
}

function within(amount: number, most: number): number {
  return Math.max(-most, Math.min(most, amount));
}
