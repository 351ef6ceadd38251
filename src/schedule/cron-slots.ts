import { DAY_MS, MINUTE_MS, startOfDay, type Instant } from '../model/instant.ts';
import type { CronExpression } from './cron-expression.ts';
import { instantOf, wallTimeOf, type WallTime } from './time-zone.ts';

/** A day that fits comes within eight years and a bit: 29 February around a year like 2100. */
const MAX_DAYS = 3000;

/**
 * The first slot strictly after an instant. A time that the clock leaps over in spring counts at the first instant after the gap, one that it shows
 * twice in autumn counts once, the first time (reconciler-lessons 2.5). Undefined when none comes within eight years.
 */
export function nextCronSlot(cron: CronExpression, zone: string, after: Instant): Instant | undefined {
  const wall = wallTimeOf(after, zone);
  for (let day = startOfDay(wall), tried = 0; tried < MAX_DAYS; day += DAY_MS, tried += 1) {
    if (!matchesDay(cron, day)) continue;
    for (const minute of cron.minutesOfDay) {
      const time = day + minute * MINUTE_MS;
      // A time that is not after the clock's own cannot be a later instant: both are read in the same order.
      if (time <= wall) continue;
      const instant = instantOf(time, zone);
      if (instant > after) return instant;
    }
  }
  return undefined;
}

/** The last slot at or before an instant; undefined when none was within eight years. */
export function previousCronSlot(cron: CronExpression, zone: string, at: Instant): Instant | undefined {
  // In the hour that is shown twice a slot may lie before `at` although the clock shows less: begin a day later.
  const wall = wallTimeOf(at, zone);
  for (let day = startOfDay(wall + DAY_MS), tried = 0; tried < MAX_DAYS; day -= DAY_MS, tried += 1) {
    if (!matchesDay(cron, day)) continue;
    for (const minute of cron.minutesOfDay.toReversed()) {
      const instant = instantOf(day + minute * MINUTE_MS, zone);
      if (instant <= at) return instant;
    }
  }
  return undefined;
}

/** The least distance of two slots by the clock on the wall, so that 04:00 each day is 24 h apart also when the clock is changed. */
export function leastCronGapMs(cron: CronExpression): number {
  const { minutesOfDay } = cron;
  const within = minutesOfDay.slice(1).map((minute, index) => minute - (minutesOfDay[index] ?? 0));
  const days = leastDayGap(cron);
  const across = days * 24 * 60 - (minutesOfDay.at(-1) ?? 0) + (minutesOfDay[0] ?? 0);
  return Math.min(...within, across) * MINUTE_MS;
}

function leastDayGap(cron: CronExpression): number {
  const from = Date.UTC(2024, 0, 1);
  let [least, last] = [Infinity, -Infinity];
  for (let index = 0; index < MAX_DAYS && least > 1; index += 1) {
    if (!matchesDay(cron, from + index * DAY_MS)) continue;
    least = Math.min(least, index - last);
    last = index;
  }
  return least;
}

/** `day` is midnight by the clock on the wall. */
function matchesDay({ months, daysOfMonth, daysOfWeek }: CronExpression, day: WallTime): boolean {
  const date = new Date(day);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  return daysOfMonth?.has(date.getUTCDate()) ?? daysOfWeek?.has(date.getUTCDay()) ?? true;
}
