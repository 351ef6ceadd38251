import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS, formatInstant, parseInstant } from '../../../src/model/instant.ts';
import type { ScheduleSpec } from '../../../src/model/generated/kinds.ts';
import { dayStanding, isOnGrid, nextSlot, nextSlots, previousSlot, slotStanding } from '../../../src/schedule/slots.ts';

const at = (text: string): number => parseInstant(text) ?? Number.NaN;
const anchor = at('2026-11-20T09:30:00Z');
const texts = (slots: readonly number[]): string[] => slots.map(formatInstant);

const berlin = (cron: string): ScheduleSpec => ({ cron, timezone: 'Europe/Berlin' });

describe('every N hours', () => {
  test('begins with `at` on `start` and leaves the end out', () => {
    const schedule: ScheduleSpec = { every: '8h', at: '02:00', start: '2026-12-01', end: '2026-12-02' };
    expect(texts(nextSlots(schedule, anchor, at('2026-11-20'), 9))).toEqual(['2026-12-01T02:00:00Z', '2026-12-01T10:00:00Z', '2026-12-01T18:00:00Z']);
  });

  test('without a start the grid begins on the day of the first apply, also when `at` has passed there', () => {
    const schedule: ScheduleSpec = { every: '6h', at: '08:00' };
    expect(texts(nextSlots(schedule, anchor, 0, 2))).toEqual(['2026-11-20T08:00:00Z', '2026-11-20T14:00:00Z']);
    expect(slotStanding(schedule, anchor, at('2026-11-20T02:00:00Z'))).toBe('before-start');
  });

  test('tells why an instant is no slot', () => {
    const schedule: ScheduleSpec = { every: '24h', at: '02:00', start: '2026-12-01', end: '2026-12-31' };
    expect(slotStanding(schedule, anchor, at('2026-12-05T02:00:00Z'))).toBe('slot');
    expect(slotStanding(schedule, anchor, at('2026-12-01T02:00:00Z'))).toBe('slot');
    expect(slotStanding(schedule, anchor, at('2026-12-05T02:00:01Z'))).toBe('off-grid');
    expect(slotStanding(schedule, anchor, at('2026-12-01T00:00:00Z'))).toBe('before-start');
    expect(slotStanding(schedule, anchor, at('2026-12-31T00:00:00Z'))).toBe('after-end');
    expect(slotStanding({ after: 'evaluation' }, anchor, anchor)).toBe('no-slots');
  });

  test('crosses leap days and month ends in even steps', () => {
    const schedule: ScheduleSpec = { every: '24h', at: '23:00', start: '2028-02-27' };
    expect(texts(nextSlots(schedule, anchor, at('2028-02-28T00:00:00Z'), 3))).toEqual(['2028-02-28T23:00:00Z', '2028-02-29T23:00:00Z', '2028-03-01T23:00:00Z']);
  });
});

test('once is one slot', () => {
  const schedule: ScheduleSpec = { once: '2026-12-01T02:00:00+01:00' };
  expect(texts(nextSlots(schedule, anchor, 0, 5))).toEqual(['2026-12-01T01:00:00Z']);
  expect(nextSlot(schedule, anchor, at('2026-12-01T01:00:00Z'))).toBeUndefined();
  expect(previousSlot(schedule, anchor, at('2026-12-01T00:59:59Z'))).toBeUndefined();
});

describe('cron', () => {
  test('a time in the gap of spring counts at the first instant after it', () => {
    expect(texts(nextSlots(berlin('30 2 * * *'), anchor, at('2027-03-27T12:00:00Z'), 2))).toEqual(['2027-03-28T01:00:00Z', '2027-03-29T00:30:00Z']);
  });

  test('a time that autumn shows twice counts once, the first time', () => {
    expect(texts(nextSlots(berlin('30 2 * * *'), anchor, at('2027-10-30T12:00:00Z'), 2))).toEqual(['2027-10-31T00:30:00Z', '2027-11-01T01:30:00Z']);
    expect(formatInstant(previousSlot(berlin('50 2 * * *'), anchor, at('2027-10-31T01:10:00Z')) ?? 0)).toBe('2027-10-31T00:50:00Z');
  });

  test('start and end are days of its timezone', () => {
    const schedule: ScheduleSpec = { cron: '0 0 * * *', timezone: 'Europe/Berlin', start: '2026-12-01', end: '2026-12-03' };
    expect(texts(nextSlots(schedule, anchor, 0, 9))).toEqual(['2026-11-30T23:00:00Z', '2026-12-01T23:00:00Z']);
  });

  test.each([
    ['Pacific/Auckland', '2026-12-01T12:00:00Z', '2026-12-01T11:00:00Z'],
    ['Pacific/Auckland', '2026-12-01T11:00:00Z', '2026-12-01T11:00:00Z'],
    ['America/New_York', '2026-12-01T04:59:00Z', '2026-11-30T05:00:00Z'],
    ['America/New_York', '2026-12-01T05:00:00Z', '2026-12-01T05:00:00Z'],
  ])('without a start slots begin with the day of the first apply in %s, at %s', (timezone, applied, first) => {
    expect(texts(nextSlots({ cron: '0 0 * * *', timezone }, at(applied), 0, 1))).toEqual([first]);
  });

  test('weekdays by number and name, Sunday as 0 and 7', () => {
    const monday = nextSlots({ cron: '0 4 * * MON' }, anchor, at('2026-11-20'), 1);
    expect(texts(monday)).toEqual(['2026-11-23T04:00:00Z']);
    expect(nextSlots({ cron: '0 4 * * 7' }, anchor, anchor, 3)).toEqual(nextSlots({ cron: '0 4 * * sun' }, anchor, anchor, 3));
  });

  test('29 February is found over a year like 2100; the 31st skips short months', () => {
    expect(texts(nextSlots({ cron: '0 0 29 2 *' }, anchor, at('2096-03-01'), 1))).toEqual(['2104-02-29T00:00:00Z']);
    expect(texts(nextSlots({ cron: '0 0 31 * *' }, anchor, at('2026-11-20'), 3))).toEqual([
      '2026-12-31T00:00:00Z',
      '2027-01-31T00:00:00Z',
      '2027-03-31T00:00:00Z',
    ]);
  });

  test('a zone that skipped a whole day still moves on', () => {
    const schedule: ScheduleSpec = { cron: '0 6 * * *', timezone: 'Pacific/Apia', start: '2011-12-28' };
    expect(texts(nextSlots(schedule, anchor, at('2011-12-29T12:00:00Z'), 3))).toEqual(['2011-12-29T16:00:00Z', '2011-12-30T10:00:00Z', '2011-12-30T16:00:00Z']);
  });
});

test('an export now is refused by days: before the start, on the end', () => {
  const schedule: ScheduleSpec = { every: '24h', at: '02:00', start: '2026-12-01', end: '2026-12-31' };
  expect(dayStanding(schedule, at('2026-11-30T23:59:59Z'))).toBe('before-start');
  expect(dayStanding(schedule, at('2026-12-01T00:00:00Z'))).toBe('within');
  expect(dayStanding(schedule, at('2026-12-31T00:00:00Z'))).toBe('after-end');
  expect(dayStanding({ after: 'evaluation', end: '2026-01-01' }, at('2026-06-01'))).toBe('after-end');
  expect(dayStanding(undefined, 0)).toBe('within');
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Africa/Casablanca',
  'Pacific/Auckland',
];
const schedules: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  fc.record({
    every: fc.constantFrom('3h' as const, '6h' as const, '8h' as const, '12h' as const, '24h' as const),
    at: fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`),
  }),
  fc.record({
    cron: fc.constantFrom('30 2 * * *', '0 */3 * * *', '15 1,2,3 * * *', '0 4 * * 1', '59 23 28-31 * *', '*/30 0-3 * * SUN'),
    timezone: fc.constantFrom(...zones),
  }),
);
const instants = fc.integer({ min: at('2026-01-01') / MINUTE_MS, max: at('2029-12-31') / MINUTE_MS }).map((minutes) => minutes * MINUTE_MS);

describe('laws', () => {
  const early = at('2025-01-01');

  test('next and previous walk the same set, forwards and back', () => {
    fc.assert(
      fc.property(schedules, instants, (schedule, instant) => {
        const slots = nextSlots(schedule, early, instant, 6);
        expect(slots).toHaveLength(6);
        let last = instant;
        for (const slot of slots) {
          expect(slot).toBeGreaterThan(last);
          expect(isOnGrid(schedule, early, slot)).toBe(true);
          expect(previousSlot(schedule, early, slot)).toBe(slot);
          expect(nextSlot(schedule, early, slot - 1)).toBe(slot);
          const before = previousSlot(schedule, early, slot - 1);
          if (last !== instant) expect(before).toBe(last);
          else expect(before === undefined || before <= instant).toBe(true);
          last = slot;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a day holds 24 h / N slots of a grid, whatever the day', () => {
    fc.assert(
      fc.property(schedules, instants, (schedule, instant) => {
        if (!('every' in schedule)) return;
        const day = Math.floor(instant / DAY_MS) * DAY_MS;
        const slots = nextSlots(schedule, early, day - 1, 30).filter((slot) => slot < day + DAY_MS);
        expect(slots).toHaveLength(24 / (Number.parseInt(schedule.every, 10) || 1));
        for (const [index, slot] of slots.entries()) expect(slot - (slots[0] ?? 0)).toBe(index * Number.parseInt(schedule.every, 10) * HOUR_MS);
      }),
    );
  });

  test('a daily cron has exactly one slot on each day of its zone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 1439 }), (timezone, minute) => {
        const schedule: ScheduleSpec = { cron: `${minute % 60} ${Math.floor(minute / 60)} * * *`, timezone };
        const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' });
        const days = nextSlots(schedule, early, at('2026-01-01T12:00:00Z'), 366).map((slot) => day.format(slot));
        expect(new Set(days).size).toBe(366);
      }),
      { numRuns: 25 },
    );
  });
});
