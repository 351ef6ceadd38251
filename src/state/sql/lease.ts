import type { Transaction } from 'kysely';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLeaseHeld, LEASE_TTL_MS } from '../claim-rules.ts';
import type { Owner } from '../owner.ts';
import { lockedError, lostLease } from '../state-errors.ts';
import type { Lease, LeaseHolder, StateStore } from '../state-store.ts';
import { readAtOnce, writeAtOnce, type Reader, type StateConnection } from './connection.ts';
import type { StateTables } from './tables.ts';

const NAME = 'state';
const RENEW_EVERY_MS = 10_000;
/** A holder that could not renew for so long stops: another one may soon take over. */
const GIVE_UP_AFTER_MS: number = LEASE_TTL_MS / 2;
const POLL_MS = 100;

interface Leases {
  take(owner: Owner, options: Parameters<StateStore['lease']>[1]): Promise<Lease>;
  /** Throws when the lease of this epoch is not the current one. */
  check(tx: Transaction<StateTables>, epoch: number): Promise<void>;
  unlock(force: Parameters<StateStore['unlock']>[0]): ReturnType<StateStore['unlock']>;
}

/** The lock on the state: one row, taken and given back by compare-and-swap, with an epoch that only rises and fences every write. */
export function createLeases(connection: StateConnection): Leases {
  const tryTake = (owner: Owner, purpose: string): Promise<number | LeaseHolder> =>
    writeAtOnce(connection, async (tx) => {
      const { held, epoch: last } = await readLease(tx, connection.clock());
      if (held?.alive === true) return held;
      const now = connection.clock();
      const values = { owner: JSON.stringify(owner), epoch: last + 1, purpose, acquired_at: now, renewed_at: now };
      if (last === 0)
        await tx
          .insertInto('lease')
          .values(Object.assign({ name: NAME }, values))
          .execute();
      else await tx.updateTable('lease').set(values).where('name', '=', NAME).execute();
      return values.epoch;
    });

  return {
    async take(owner, { waitMs, purpose, signal }) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        signal?.throwIfAborted();
        const taken = await tryTake(owner, purpose);
        if (typeof taken === 'number') return holdLease(connection, owner, taken);
        if (performance.now() >= deadline) throw lockedError(connection.place, taken);
        await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
      }
    },

    async check(tx, epoch) {
      const row = await tx.selectFrom('lease').select(['epoch', 'owner']).where('name', '=', NAME).executeTakeFirst();
      if (row?.epoch !== epoch || row.owner === null) throw lostLease(connection.place);
    },

    async unlock(force) {
      const found = await readAtOnce(connection, (tx) => readLease(tx, connection.clock()));
      if (found?.held === undefined) return undefined;
      const { held } = found;
      if (force?.epoch === held.epoch) {
        await writeAtOnce(connection, (tx) =>
          tx
            .updateTable('lease')
            .set({ owner: null, epoch: held.epoch + 1 })
            .where('name', '=', NAME)
            .where('epoch', '=', held.epoch)
            .execute(),
        );
      }
      return held;
    },
  };
}

/** The lease's row: who holds it, if anybody, and the last epoch that was given out. */
async function readLease(db: Reader, now: number): Promise<{ readonly held: LeaseHolder | undefined; readonly epoch: number }> {
  const row = await db.selectFrom('lease').selectAll().where('name', '=', NAME).executeTakeFirst();
  if (row === undefined) return { held: undefined, epoch: 0 };
  if (row.owner === null) return { held: undefined, epoch: row.epoch };
  const owner = JSON.parse(row.owner) as Owner;
  const { epoch, purpose, acquired_at: since, renewed_at: renewedAt } = row;
  return { held: { owner, epoch, purpose, since, alive: isLeaseHeld(owner, renewedAt, now) }, epoch };
}

function holdLease(connection: StateConnection, owner: Owner, epoch: number): Lease {
  const lost = new AbortController();
  let renewedAt = performance.now();
  const mine = (tx: Transaction<StateTables>, set: Partial<StateTables['lease']>): Promise<{ readonly numUpdatedRows: bigint }> =>
    tx.updateTable('lease').set(set).where('name', '=', NAME).where('epoch', '=', epoch).executeTakeFirst();

  const renew = async (): Promise<void> => {
    try {
      const { numUpdatedRows } = await writeAtOnce(connection, (tx) => mine(tx, { renewed_at: connection.clock() }));
      if (numUpdatedRows === 0n) lost.abort(lostLease(connection.place));
      renewedAt = performance.now();
    } catch (error) {
      // A disk that is full for a moment is no reason to stop; the next beat may get through.
      if (performance.now() - renewedAt > GIVE_UP_AFTER_MS) lost.abort(error);
    }
    if (lost.signal.aborted) clearInterval(timer);
  };
  const timer = setInterval(() => void renew(), RENEW_EVERY_MS).unref();
  return {
    epoch,
    owner,
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      // When it cannot be given back, the end of this process gives it back: a dead holder is taken over at once.
      await writeAtOnce(connection, (tx) => mine(tx, { owner: null })).catch(() => {});
    },
  };
}
