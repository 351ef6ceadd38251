import { describe, expect, test } from 'vitest';
import { MINUTE_MS, parseInstant } from '../../../src/model/instant.ts';
import { judgePair, type JudgeInput, type SlotRecord } from '../../../src/watch/judge-pair.ts';
import { retryDelayMs } from '../../../src/watch/retry-delay.ts';
import type { ScheduledPair } from '../../../src/watch/scheduled-pair.ts';

const at = (text: string): number => parseInstant(`2026-12-${text}:00Z`) ?? Number.NaN;
const [s02, s08, s14, s20] = [at('01T02:00'), at('01T08:00'), at('01T14:00'), at('01T20:00')];
const pair: ScheduledPair = {
  activation: 'news',
  segment: 'buyers',
  schedule: { every: '6h', at: '02:00', start: '2026-12-01' },
  missed: 'latest',
  mode: 'incremental',
  anchor: at('01T00:00'),
  activeFrom: at('01T00:00'),
  suspended: false,
};
const record = (slot: number, status: SlotRecord['status'], change: Partial<SlotRecord> = {}): SlotRecord => ({
  slot,
  status,
  attempt: 1,
  endedAt: slot + MINUTE_MS,
  ...change,
});
const judge = (change: Partial<JudgeInput>): ReturnType<typeof judgePair> => {
  const now = change.now ?? at('01T08:10');
  return judgePair({ pair, records: [], now, wall: now, impatient: false, chance: 0, ...change });
};

const failed = (attempt: number, endedAt: number): SlotRecord => record(s08, 'failed', { attempt, endedAt });

describe('what is due', () => {
  test('the slot that has come, and what comes next', () => {
    expect(judge({ records: [record(s02, 'success')] })).toMatchObject({ run: s08, again: false, skipped: [], next: s14 });
    expect(judge({ records: [record(s08, 'success')] })).toMatchObject({ run: undefined, next: s14 });
  });

  test('after an outage the latest one runs and the others are told', () => {
    expect(judge({ now: at('01T20:30') })).toMatchObject({ run: s20, skipped: [s02, s08, s14] });
  });

  test('nothing while it is suspended, has no schedule, or is not active yet', () => {
    expect(judge({ pair: { ...pair, suspended: true } })).toMatchObject({ run: undefined, next: undefined });
    expect(judge({ pair: { ...pair, schedule: undefined } })).toMatchObject({ run: undefined, next: undefined });
    expect(judge({ pair: { ...pair, schedule: { after: 'evaluation' } }, records: [record(s02 + 7, 'failed')] })).toMatchObject({
      run: undefined,
      next: undefined,
    });
    expect(judge({ pair: { ...pair, activeFrom: at('01T08:00') + 1 } })).toMatchObject({ run: undefined, next: s14 });
    expect(judge({ pair: { ...pair, activeFrom: Infinity } })).toMatchObject({ run: undefined });
  });

  test('an edit or a resume on another day leaves the grid where the first apply put it', () => {
    const grid = { ...pair, schedule: { every: '6h', at: '08:00' } as const, anchor: at('01T09:00'), activeFrom: at('04T00:30') };
    expect(judge({ pair: grid, now: at('04T01:00') })).toMatchObject({ run: undefined, next: at('04T02:00') });
    expect(judge({ pair: grid, now: at('04T02:01') })).toMatchObject({ run: at('04T02:00'), skipped: [], next: at('04T08:00') });
  });

  test('held and skipped slots are decided: nobody tries them again by itself', () => {
    expect(judge({ records: [record(s08, 'held')] }).run).toBeUndefined();
    expect(judge({ records: [record(s08, 'skipped')] }).run).toBeUndefined();
  });

  test('exports now are not slots', () => {
    expect(judge({ records: [record(0, 'success', { slot: null })] }).run).toBe(s08);
  });
});

describe('what failed', () => {
  test('is tried again after a while, longer each time', () => {
    const ended = at('01T08:05');
    expect(judge({ records: [failed(1, ended)], now: ended + 5_000 })).toMatchObject({ run: undefined, retryAt: ended + 10_000 });
    expect(judge({ records: [failed(1, ended)], now: ended + 10_000 })).toMatchObject({ run: s08, again: true });
    expect(judge({ records: [failed(4, ended)], now: ended + 10_000 }).retryAt).toBe(ended + 80_000);
    expect([1, 2, 3, 50].map((attempt) => retryDelayMs(attempt, 0))).toEqual([10_000, 20_000, 40_000, 15 * MINUTE_MS]);
    expect(retryDelayMs(1, 1)).toBe(5_000);
  });

  test('is tried at once with --once, and gives way when this process has had its try', () => {
    const ended = at('01T08:09');
    expect(judge({ records: [failed(9, ended)], impatient: true })).toMatchObject({ run: s08, again: true });
    expect(judge({ records: [failed(9, ended)], impatient: true, givenUp: new Set([s08]) }).run).toBeUndefined();
  });

  test('is left alone after an edit or a resume: slots before it are not due any more, be they interrupted', () => {
    const resumed = { ...pair, activeFrom: at('01T08:06') };
    expect(judge({ pair: resumed, records: [failed(1, at('01T08:01'))] })).toMatchObject({ run: undefined, retryAt: undefined, next: s14 });
    expect(judge({ pair: resumed, records: [record(s08, 'running', { endedAt: null })] })).toMatchObject({ run: undefined, next: s14 });
  });

  test('gives way to the next slot', () => {
    expect(judge({ records: [failed(7, at('01T13:59'))], now: s14 })).toMatchObject({ run: s14, again: false, skipped: [] });
  });

  test('with `all` it holds its place for three attempts', () => {
    const all = { ...pair, missed: 'all' as const };
    expect(judge({ pair: all, records: [failed(2, s08)], now: at('01T20:30') })).toMatchObject({ run: s08, again: true });
    expect(judge({ pair: all, records: [failed(3, s08)], now: at('01T20:30') })).toMatchObject({ run: s14, again: false });
  });

  test('one that hung until its deadline waits and gives way like any other', () => {
    const hung = record(s08, 'failed', { endedAt: at('01T13:59'), error: { code: 'RC4034', message: 'too long' } });
    expect(judge({ records: [hung], now: at('01T13:59') })).toMatchObject({ run: undefined, retryAt: at('01T13:59') + 10_000 });
    expect(judge({ records: [hung], now: s14 })).toMatchObject({ run: s14, again: false });
  });

  test('an end in the future, from before the clock was set back, makes nobody wait', () => {
    expect(judge({ records: [failed(9, at('05T00:00'))] }).run).toBe(s08);
  });
});

describe('what was interrupted', () => {
  test('is brought to its end before a later slot begins', () => {
    const killed = record(s02, 'running', { endedAt: null });
    expect(judge({ records: [killed], now: at('01T20:30') })).toMatchObject({ run: s02, again: true, skipped: [] });
    const stopped = record(s02, 'failed', { error: { code: 'RC4013', message: 'stopped' } });
    expect(judge({ records: [stopped], now: at('01T20:30') })).toMatchObject({ run: s02, again: true });
    expect(judge({ records: [record(s02, 'success')], now: at('01T20:30') })).toMatchObject({ run: s20, skipped: [s08, s14] });
  });

  test('is left alone when a later slot has ended in success: files never go back in time', () => {
    expect(judge({ records: [record(s02, 'running', { endedAt: null }), record(s08, 'success')] }).run).toBeUndefined();
  });
});

test('a clock that was set back runs no slot twice and none of the future', () => {
  const delivered = { ahead: s20, records: [record(s20, 'success')] };
  expect(judge(delivered)).toMatchObject({ run: undefined, ahead: s20, next: at('02T02:00') });
  // No other slot comes before it: nothing is passed over.
  expect(judge({ ...delivered, now: s14 })).toMatchObject({ run: undefined, ahead: undefined, next: at('02T02:00') });
  // Nothing was delivered by it, or who was delivered is forgotten.
  for (const status of ['success', 'failed', 'running', 'skipped'] as const) expect(judge({ records: [record(s20, status)] })).toMatchObject({ run: s08 });
});
