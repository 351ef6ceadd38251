import { setTimeout as pause } from 'node:timers/promises';
import type { GarbageCollected } from '../export/collect-garbage.ts';
import { DAY_MS } from '../model/instant.ts';
import type { WatchEvent } from './watch-event.ts';

export interface KeepHouseDeps {
  /** Removes what nothing needs any more. */
  readonly collect: () => Promise<GarbageCollected>;
  readonly emit: (event: WatchEvent) => void;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

/** Removes what ended runs left behind, at the start and then once a day: a watch runs for months, and nobody should have to clean up after it. */
export async function keepHouse({ collect, emit, signal, everyMs = DAY_MS }: KeepHouseDeps): Promise<void> {
  while (!signal.aborted) {
    try {
      const collected = await collect();
      if (Object.values(collected).some((count) => count > 0)) emit({ type: 'garbage-collected', collected });
    } catch (error) {
      // Exports go on without it.
      emit({ type: 'look-failed', what: 'garbage', error });
    }
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}
