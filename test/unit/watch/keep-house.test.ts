import { expect, test } from 'vitest';
import type { GarbageCollected } from '../../../src/export/collect-garbage.ts';
import { keepHouse } from '../../../src/watch/keep-house.ts';
import type { WatchEvent } from '../../../src/watch/watch-event.ts';

const NOTHING: GarbageCollected = { spools: 0, snapshots: 0, rejects: 0, runs: 0, journalEntries: 0, cacheFiles: 0, bytes: 0 };

test('cleans up at the start and again and again, tells what went and what failed, and ends at the signal', async () => {
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const error = new Error('locked');
  const answers: (() => GarbageCollected)[] = [
    () => NOTHING,
    () => {
      throw error;
    },
    () => ({ ...NOTHING, spools: 2, bytes: 10 }),
  ];
  let looks = 0;
  await keepHouse({
    collect: async () => {
      const answer = answers[looks++];
      if (answer === undefined) stop.abort();
      return answer?.() ?? NOTHING;
    },
    emit: (event) => events.push(event),
    signal: stop.signal,
    everyMs: 1,
  });
  expect(looks).toBe(4);
  expect(events).toEqual([
    { type: 'look-failed', what: 'garbage', error },
    { type: 'garbage-collected', collected: { ...NOTHING, spools: 2, bytes: 10 } },
  ]);
});
