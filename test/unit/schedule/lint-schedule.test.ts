import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../../src/model/instant.ts';
import type { ScheduleSpec } from '../../../src/model/generated/kinds.ts';
import { lintSchedule } from '../../../src/schedule/lint-schedule.ts';

const codes = (schedule: ScheduleSpec): string[] => lintSchedule(schedule).problems.map(({ code }) => code);
const cronHint = (cron: string): string =>
  lintSchedule({ cron })
    .problems.map(({ message, hint }) => `${message}: ${hint}`)
    .join('\n');

const gap = (cron: string, timezone?: string): number => (lintSchedule(timezone === undefined ? { cron } : { cron, timezone }).leastGapMs ?? 0) / HOUR_MS;

describe('cron expressions that crons read differently are refused', () => {
  test.each([
    ['0 0 13 * 5', 'both restricted'],
    ['*/90 * * * *', 'larger than its range'],
    ['0 */24 * * *', 'larger than its range'],
    ['0 0 31 2 *', 'no month of these has such a day'],
    ['0 0 0 * * *', 'no field for seconds'],
    ['@daily', 'write "0 0 * * *"'],
    ['0 0 * * ?', 'is no day of week'],
    ['0 0 L * *', 'is no day of month'],
    ['60 0 * * *', 'minute: 0 to 59'],
    ['5/15 * * * *', 'write 5-59/15'],
    ['0 22-4 * * *', 'write two: 22-23,0-4'],
    ['0 0 * * 1-', 'is no day of week'],
    ['', 'no fields'],
  ])('%s', (cron, told) => expect(cronHint(cron)).toContain(told));

  test('and what all read alike is not', () => {
    for (const cron of ['0 4 * * 1', '0 4 * * MON-FRI', '*/15 * * * *', '0 0 29 2 *', '0 0 1,15 * *', '0 0 * JAN-MAR 7']) expect(cronHint(cron)).toBe('');
  });
});

test('the least gap goes by the clock on the wall', () => {
  expect(gap('0 4 * * *', 'Europe/Berlin')).toBe(24);
  expect(gap('0 */3 * * *')).toBe(3);
  expect(gap('0 1,23 * * *')).toBe(2);
  expect(gap('0 1,23 * * 1')).toBe(22);
  expect(gap('0 4 * * 1')).toBe(7 * 24);
  expect(gap('0 0 28 2 *')).toBe(365 * 24);
});

test('days that do not exist, ends that leave no slot, keys that do not go together', () => {
  expect(codes({ every: '24h', start: '2026-02-30' })).toEqual(['RC7002']);
  expect(codes({ once: '2026-13-01T00:00:00Z' })).toEqual(['RC7002']);
  expect(codes({ every: '24h', start: '2026-12-01', end: '2026-12-01' })).toEqual(['RC7003']);
  expect(codes({ every: '24h', start: '2026-12-02', end: '2026-12-01' })).toEqual(['RC7003']);
  expect(codes({ every: '24h', start: '2026-12-01', end: '2026-12-02', at: '23:00' })).toEqual([]);
  expect(codes({ once: '2026-12-01T02:00:00Z', end: '2027-01-01' } as ScheduleSpec)).toEqual(['RC7001']);
  expect(codes({ every: '6h', timezone: 'Europe/Berlin' } as ScheduleSpec)).toEqual(['RC7001']);
});

test('timezones: unknown ones with the nearest name, times that the clock leaps over as a warning', () => {
  expect(lintSchedule({ cron: '0 4 * * *', timezone: 'Europe/Berlim' }).problems).toMatchObject([{ code: 'RC7005', hint: 'did you mean `Europe/Berlin`?' }]);
  expect(codes({ cron: '0 4 * * *', timezone: '+02:00' })).toEqual(['RC7005']);
  expect(lintSchedule({ cron: '30 2 * * *', timezone: 'America/New_York' }).problems).toMatchObject([{ code: 'RC7006', severity: 'warning' }]);
  expect(codes({ cron: '30 4 * * *', timezone: 'America/New_York' })).toEqual([]);
  expect(codes({ cron: '30 2 * * *', timezone: 'Asia/Tokyo' })).toEqual([]);
});
