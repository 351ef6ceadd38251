import { DAY_MS, HOUR_MS, parseInstant } from '../model/instant.ts';
import type { ScheduleOverrideSpec, ScheduleSpec } from '../model/generated/kinds.ts';
import { nearest } from '../support/nearest.ts';
import { parseCron } from './cron-expression.ts';
import { leastCronGapMs } from './cron-slots.ts';
import { intervalMs } from './slots.ts';
import { instantOf, isTimeZone, timeZoneNames, wallTimeOf } from './time-zone.ts';

/** Something wrong with a schedule; `key` is the key of the schedule it is about. */
export interface ScheduleProblem {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** What other rooms need to know of a schedule to judge it. */
export interface ScheduleFacts {
  /** As a destination's card names it under `exports`. */
  readonly type: 'once' | '3h' | '6h' | '8h' | '12h' | '24h' | 'cron' | 'after-evaluation';
  /** The least distance of two slots; undefined when there is at most one, none, or the schedule is wrong. */
  readonly leastGapMs: number | undefined;
  readonly problems: readonly ScheduleProblem[];
}

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  every: ['every', 'at', 'start', 'end'],
  once: ['once'],
  cron: ['cron', 'timezone', 'start', 'end'],
  after: ['after', 'start', 'end'],
};

/** Judges a schedule by itself: the calendar, the order of start and end, the cron expression, keys that do not go together. Codes RC7001 to RC7009. */
export function lintSchedule(schedule: ScheduleSpec): ScheduleFacts {
  const problems: ScheduleProblem[] = [];
  const add = (code: string, key: string, message: string, hint: string, severity: 'error' | 'warning' = 'error'): void =>
    void problems.push({ code, severity, key, message, hint });
  const keys: ScheduleOverrideSpec = schedule;
  const kind = (['every', 'once', 'cron', 'after'] as const).find((key) => keys[key] !== undefined);
  if (kind === undefined) {
    add('RC7001', Object.keys(keys)[0] ?? '', 'the schedule has none of `every`, `once`, `cron`, `after`', 'say when: one of the four');
    return { type: 'once', leastGapMs: undefined, problems };
  }
  for (const key of Object.keys(keys)) {
    if (ALLOWED[kind]?.includes(key) === true) continue;
    const hint = key === 'end' ? '`once` is one export: it needs no end' : `with \`${kind}\` go ${ALLOWED[kind]?.map((name) => `\`${name}\``).join(', ')}`;
    add('RC7001', key, `\`${key}\` does not go with \`${kind}\``, hint);
  }
  lintDays(keys, add);
  if ('once' in schedule) {
    if (parseInstant(schedule.once) === undefined)
      add('RC7002', 'once', `\`${schedule.once}\` is not a time that exists`, 'look at the calendar: YYYY-MM-DDTHH:mm:ssZ');
    return { type: 'once', leastGapMs: undefined, problems };
  }
  if ('after' in schedule) return { type: 'after-evaluation', leastGapMs: undefined, problems };
  if ('every' in schedule) {
    const firstSlotAfterEnd = neverFires(keys);
    if (firstSlotAfterEnd && problems.length === 0) add('RC7003', 'end', 'no slot lies between `start` and `end`', 'the end is excluded');
    return { type: schedule.every, leastGapMs: intervalMs(schedule.every), problems };
  }
  return { type: 'cron', leastGapMs: lintCron(schedule.cron, schedule.timezone, add), problems };
}

type Add = (code: string, key: string, message: string, hint: string, severity?: 'error' | 'warning') => void;

function lintDays({ start, end }: ScheduleOverrideSpec, add: Add): void {
  const [from, until] = [start, end].map((day) => (day === undefined ? undefined : parseInstant(day)));
  if (start !== undefined && from === undefined) add('RC7002', 'start', `\`${start}\` is not a day that exists`, 'look at the calendar: YYYY-MM-DD');
  if (end !== undefined && until === undefined) add('RC7002', 'end', `\`${end}\` is not a day that exists`, 'look at the calendar: YYYY-MM-DD');
  if (from === undefined || until === undefined || from < until) return;
  const why = from === until ? 'the end is excluded, so that no slot is left' : 'it lies before the start';
  add(
    'RC7003',
    'end',
    `the schedule ends on ${end} and starts on ${start}: ${why}`,
    `write the day after the last, ${new Date(from + DAY_MS).toISOString().slice(0, 10)} or later`,
  );
}

/** A grid whose first slot is at or after its end, such as `at: "23:00"` with an interval longer than what is left. */
function neverFires({ start, end, at }: ScheduleOverrideSpec): boolean {
  const [from, until] = [parseInstant(start ?? ''), parseInstant(end ?? '')];
  return from !== undefined && until !== undefined && from + Number((at ?? '0').slice(0, 2)) * HOUR_MS >= until;
}

function lintCron(expression: string, zone: string | undefined, add: Add): number | undefined {
  if (zone !== undefined && !isTimeZone(zone)) {
    const near = nearest(zone, timeZoneNames());
    add(
      'RC7005',
      'timezone',
      `unknown timezone \`${zone}\``,
      near === undefined ? 'an IANA name such as Europe/Berlin; the default is UTC' : `did you mean \`${near}\`?`,
    );
  }
  const { cron, problems } = parseCron(expression);
  for (const { message, hint } of problems) add('RC7004', 'cron', message, hint);
  if (cron === undefined) return undefined;
  if (zone !== undefined && isTimeZone(zone)) {
    const leapt = leaptOver(cron.minutesOfDay, zone);
    if (leapt !== undefined) {
      add(
        'RC7006',
        'cron',
        `${leapt} does not exist in ${zone} on the day the clock is set forward`,
        'on that day the slot is the first instant after the gap; choose a time after 03:00, or UTC',
        'warning',
      );
    }
  }
  return leastCronGapMs(cron);
}

/** A time of the day that is leapt over in one of the years that a schedule of today will see; the rules of zones change seldom. */
function leaptOver(minutesOfDay: readonly number[], zone: string): string | undefined {
  // Clocks are changed at night nearly everywhere: other times are not looked at.
  const night = minutesOfDay.filter((minute) => minute < 4 * 60);
  if (night.length === 0) return undefined;
  const year = Date.UTC(2026, 0, 1);
  const offset = (at: number): number => wallTimeOf(at, zone) - at;
  for (let day = 0; day < 365; day += 1) {
    const at = year + day * DAY_MS;
    if (offset(at - DAY_MS / 2) === offset(at + DAY_MS + DAY_MS / 2)) continue;
    const gone = night.find((minute) => wallTimeOf(instantOf(at + minute * 60_000, zone), zone) !== at + minute * 60_000);
    if (gone !== undefined) return `${String(Math.floor(gone / 60)).padStart(2, '0')}:${String(gone % 60).padStart(2, '0')}`;
  }
  return undefined;
}
