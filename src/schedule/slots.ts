import { DAY_MS, HOUR_MS, MINUTE_MS, parseInstant, startOfDay, type Instant } from '../model/instant.ts';
import type { ScheduleSpec } from '../model/generated/kinds.ts';
import { parseCron } from './cron-expression.ts';
import { nextCronSlot, previousCronSlot } from './cron-slots.ts';
import { instantOf } from './time-zone.ts';

/**
 * The slots of a schedule. `anchor` is the first apply: without a `start` the grid begins on its day (contract section 6). The end is excluded.
 * `after: evaluation` has no slots. Schedules are taken as `lintSchedule` passes them; what it refuses has no slots either.
 */

/** The next `count` slots strictly after an instant, in order; fewer when the schedule ends. */
export function nextSlots(schedule: ScheduleSpec, anchor: Instant, after: Instant, count: number): readonly Instant[] {
  const slots: Instant[] = [];
  for (let slot = nextSlot(schedule, anchor, after); slot !== undefined && slots.length < count; slot = nextSlot(schedule, anchor, slot)) slots.push(slot);
  return slots;
}

/** The first slot strictly after an instant. */
export function nextSlot(schedule: ScheduleSpec, anchor: Instant, after: Instant): Instant | undefined {
  const { from, until } = scheduleRange(schedule, anchor);
  const slot = rawNext(schedule, from, Math.max(after, from - 1));
  return slot !== undefined && slot < until ? slot : undefined;
}

/** The last slot at or before an instant. */
export function previousSlot(schedule: ScheduleSpec, anchor: Instant, at: Instant): Instant | undefined {
  const { from, until } = scheduleRange(schedule, anchor);
  const slot = rawPrevious(schedule, from, Math.min(at, until - 1));
  return slot !== undefined && slot >= from ? slot : undefined;
}

export type SlotStanding = 'slot' | 'off-grid' | 'before-start' | 'after-end' | 'no-slots';

/** Whether an instant is a slot, and if not, why. */
export function slotStanding(schedule: ScheduleSpec, anchor: Instant, instant: Instant): SlotStanding {
  if ('after' in schedule) return 'no-slots';
  const { from, until } = scheduleRange(schedule, anchor);
  if (instant < from) return 'before-start';
  if (instant >= until) return 'after-end';
  return previousSlot(schedule, anchor, instant) === instant ? 'slot' : 'off-grid';
}

export function isOnGrid(schedule: ScheduleSpec, anchor: Instant, instant: Instant): boolean {
  return slotStanding(schedule, anchor, instant) === 'slot';
}

/**
 * Where today stands to [start, end), by days in the schedule's zone: an export now is refused outside (activation-rules 2.4). A schedule without
 * days, `once` included, never refuses.
 */
export function dayStanding(schedule: ScheduleSpec | undefined, instant: Instant): 'within' | 'before-start' | 'after-end' {
  if (schedule === undefined || 'once' in schedule) return 'within';
  const zone = zoneOf(schedule);
  if (schedule.start !== undefined && instant < dayStart(schedule.start, zone, -Infinity)) return 'before-start';
  if (schedule.end !== undefined && instant >= dayStart(schedule.end, zone, Infinity)) return 'after-end';
  return 'within';
}

/** Where slots may lie: at or after `from`, before `until`. */
function scheduleRange(schedule: ScheduleSpec, anchor: Instant): { readonly from: Instant; readonly until: Instant } {
  if ('once' in schedule) return { from: -Infinity, until: Infinity };
  const zone = zoneOf(schedule);
  const at = 'every' in schedule ? timeOfDayMs(schedule.at ?? '00:00') : 0;
  // By cron nothing anchors the grid but the expression itself: without a start, slots begin with the first apply's day.
  const from = schedule.start === undefined ? startOfDayIn(anchor, zone) : dayStart(schedule.start, zone, Infinity);
  return { from: from + at, until: schedule.end === undefined ? Infinity : dayStart(schedule.end, zone, -Infinity) };
}

function rawNext(schedule: ScheduleSpec, from: Instant, after: Instant): Instant | undefined {
  if ('every' in schedule) {
    if (!Number.isFinite(from)) return undefined;
    const step = intervalMs(schedule.every);
    return from + Math.max(0, Math.floor((after - from) / step) + 1) * step;
  }
  if ('once' in schedule) {
    const slot = parseInstant(schedule.once);
    return slot !== undefined && slot > after ? slot : undefined;
  }
  if ('after' in schedule || !Number.isFinite(after)) return undefined;
  const { cron } = parseCron(schedule.cron);
  return cron && nextCronSlot(cron, zoneOf(schedule), after);
}

function rawPrevious(schedule: ScheduleSpec, from: Instant, at: Instant): Instant | undefined {
  if ('every' in schedule) {
    if (!Number.isFinite(from)) return undefined;
    const step = intervalMs(schedule.every);
    return from + Math.floor((at - from) / step) * step;
  }
  if ('once' in schedule) {
    const slot = parseInstant(schedule.once);
    return slot !== undefined && slot <= at ? slot : undefined;
  }
  if ('after' in schedule || !Number.isFinite(at)) return undefined;
  const { cron } = parseCron(schedule.cron);
  return cron && previousCronSlot(cron, zoneOf(schedule), at);
}

/** `6h` in milliseconds. */
export function intervalMs(every: string): number {
  return Number.parseInt(every, 10) * HOUR_MS;
}

function timeOfDayMs(text: string): number {
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return hour * HOUR_MS + minute * MINUTE_MS;
}

function zoneOf(schedule: ScheduleSpec): string {
  return 'cron' in schedule ? (schedule.timezone ?? 'UTC') : 'UTC';
}

function dayStart(day: string, zone: string, impossible: number): Instant {
  const midnight = parseInstant(day);
  return midnight === undefined ? impossible : instantOf(midnight, zone);
}

function startOfDayIn(instant: Instant, zone: string): Instant {
  if (zone === 'UTC') return startOfDay(instant);
  // At most a day and the widest offset back; the last midnight that is not after the instant.
  const day = startOfDay(instant);
  return [1, 0, -1, -2].map((days) => instantOf(day + days * DAY_MS, zone)).find((midnight) => midnight <= instant) ?? day;
}
