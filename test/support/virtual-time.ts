import { setImmediate, setTimeout } from 'node:timers/promises';

/** A clock that jumps ahead when somebody sleeps, so that a wait of half an hour takes a moment. */
export interface VirtualTime {
  readonly clock: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  advance(ms: number): void;
  /** Every sleep so far, in order. */
  readonly sleeps: readonly number[];
}

export function createVirtualTime(): VirtualTime {
  let ahead = 0;
  const sleeps: number[] = [];
  return {
    clock: () => Date.now() + ahead,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      sleeps.push(ms);
      ahead += ms;
      // Real events (an answer, a timer of the server) get their turn.
      await setImmediate();
      await setTimeout(5);
    },
    advance: (ms) => void (ahead += ms),
    sleeps,
  };
}
