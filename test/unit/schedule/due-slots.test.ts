import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HOUR_MS, parseInstant } from '../../../src/model/instant.ts';
import type { ScheduleSpec } from '../../../src/model/generated/kinds.ts';
import { dueSlots, MAX_LISTED, type DueQuestion } from '../../../src/schedule/due-slots.ts';

const at = (text: string): number => parseInstant(text) ?? Number.NaN;
const schedule: ScheduleSpec = { every: '6h', at: '02:00', start: '2026-12-01' };
const ask = (change: Partial<DueQuestion>): ReturnType<typeof dueSlots> =>
  dueSlots({
    schedule,
    anchor: at('2026-11-30'),
    missed: 'latest',
    activeFrom: at('2026-11-30'),
    lastHandled: undefined,
    now: at('2026-12-02T09:00:00Z'),
    ...change,
  });
const [w1, w2, w3, w4, t1, t2] = ['01T02', '01T08', '01T14', '01T20', '02T02', '02T08'].map((time) => at(`2026-12-${time}:00:00Z`));

describe('missed slots', () => {
  test('latest: the last one runs, the others are told', () => {
    expect(ask({})).toEqual({ due: [t2], skipped: [w1, w2, w3, w4, t1], skippedBefore: 0 });
  });

  test('all: each in order', () => {
    expect(ask({ missed: 'all' })).toEqual({ due: [w1, w2, w3, w4, t1, t2], skipped: [], skippedBefore: 0 });
  });

  test('skip: only within an hour', () => {
    expect(ask({ missed: 'skip', lastHandled: t1 })).toEqual({ due: [t2], skipped: [], skippedBefore: 0 });
    expect(ask({ missed: 'skip', lastHandled: t1, now: at('2026-12-02T09:00:01Z') })).toEqual({ due: [], skipped: [t2], skippedBefore: 0 });
  });

  test('a long outage is told by its last slots and a number', () => {
    const { due, skipped, skippedBefore } = ask({ now: at('2027-12-01T02:00:00Z') });
    expect(due).toEqual([at('2027-12-01T02:00:00Z')]);
    expect(skipped).toHaveLength(MAX_LISTED);
    expect(skippedBefore).toBe(365 * 4 - MAX_LISTED);
  });

  test('a long outage with `all` is handed out oldest first, in portions', () => {
    const { due } = ask({ missed: 'all', now: at('2027-12-01') });
    expect(due).toHaveLength(MAX_LISTED);
    expect(due[0]).toBe(w1);
  });
});

describe('what is never due', () => {
  test('slots before the first apply, an edit or a resume', () => {
    expect(ask({ activeFrom: at('2026-12-02T08:00:01Z') })).toEqual({ due: [], skipped: [], skippedBefore: 0 });
    expect(ask({ missed: 'all', activeFrom: t1 ?? 0 }).due).toEqual([t1, t2]);
    expect(ask({ activeFrom: t1 ?? 0 })).toEqual({ due: [t2], skipped: [t1], skippedBefore: 0 });
  });

  test('what was handled, also when the clock is set back', () => {
    expect(ask({ lastHandled: t2 }).due).toEqual([]);
    expect(ask({ lastHandled: t2, now: at('2026-12-01T09:00:00Z') }).due).toEqual([]);
  });

  test('the end, and evaluation', () => {
    expect(ask({ schedule: { every: '6h', at: '02:00', start: '2026-12-01', end: '2026-12-02' } }).due).toEqual([w4]);
    const onTheEnd = { every: '6h', start: '2026-12-01', end: '2026-12-02' } as const;
    expect([ask({ schedule: onTheEnd }).due, ask({ schedule: onTheEnd, missed: 'all' }).due.at(-1)]).toEqual([
      [at('2026-12-01T18:00:00Z')],
      at('2026-12-01T18:00:00Z'),
    ]);
    expect(ask({ schedule: { after: 'evaluation' } })).toEqual({ due: [], skipped: [], skippedBefore: 0 });
  });
});

test('law: a loop that is asked at any instants, forwards and back, handles each slot at most once, and every slot with `all`', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('latest' as const, 'all' as const, 'skip' as const),
      fc.array(fc.integer({ min: -30, max: 60 }), { minLength: 1, maxLength: 40 }),
      (missed, hours) => {
        let now = at('2026-12-01T00:00:00Z');
        let lastHandled: number | undefined;
        let furthest = now;
        const ran: number[] = [];
        const told: number[] = [];
        for (const jump of hours) {
          now += jump * HOUR_MS;
          furthest = Math.max(furthest, now);
          const { due, skipped } = ask({ missed, lastHandled, now });
          for (const slot of [...skipped, ...due]) {
            expect(slot).toBeLessThanOrEqual(now);
            expect(slot).toBeGreaterThan(lastHandled ?? -Infinity);
            lastHandled = slot;
          }
          ran.push(...due);
          told.push(...skipped);
        }
        const all = [...ran, ...told].toSorted((a, b) => a - b);
        expect(new Set(all).size).toBe(all.length);
        // Nothing falls silently through: what passed is either run or told.
        const passed = Math.max(0, Math.floor((furthest - (w1 ?? 0)) / (6 * HOUR_MS)) + 1);
        expect(all).toHaveLength(passed);
      },
    ),
  );
});
