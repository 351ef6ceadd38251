import { setTimeout as sleep } from 'node:timers/promises';
import { isLeaseHeld } from '../claim-rules.ts';
import type { Owner } from '../owner.ts';
import { lockedError, lostLease } from '../state-errors.ts';
import type { Lease, StateStore } from '../state-store.ts';

const POLL_MS = 10;

interface MemoryLeases {
  take(owner: Owner, options: Parameters<StateStore['lease']>[1]): Promise<Lease>;
  check(epoch: number): void;
  unlock(force: Parameters<StateStore['unlock']>[0]): Awaited<ReturnType<StateStore['unlock']>>;
}

/** The lock of a state in memory. Renewal is not needed: who holds it lives in this process, or is a test's. */
export function createMemoryLeases(clock: () => number): MemoryLeases {
  let epoch = 0;
  let holder: { readonly owner: Owner; readonly purpose: string; readonly since: number; readonly lost: AbortController } | undefined;
  const isHeld = (): boolean => holder !== undefined && isLeaseHeld(holder.owner, holder.since, clock());

  return {
    async take(owner, { waitMs, purpose, signal }) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        signal?.throwIfAborted();
        if (holder === undefined || !isHeld()) break;
        if (performance.now() >= deadline) throw lockedError('memory', { ...holder, epoch });
        await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
      }
      holder?.lost.abort(lostLease('memory'));
      epoch += 1;
      const mine = { owner, purpose, since: clock(), lost: new AbortController() };
      holder = mine;
      return {
        epoch,
        owner,
        lost: mine.lost.signal,
        async [Symbol.asyncDispose]() {
          if (holder === mine) holder = undefined;
        },
      };
    },

    check(named) {
      if (holder === undefined || named !== epoch) throw lostLease('memory');
    },

    unlock(force) {
      if (holder === undefined) return undefined;
      const found = { owner: holder.owner, purpose: holder.purpose, since: holder.since, epoch, alive: isHeld() };
      if (force?.epoch === epoch) {
        holder.lost.abort(lostLease('memory'));
        holder = undefined;
        epoch += 1;
      }
      return found;
    },
  };
}
