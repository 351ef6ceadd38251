import type { Kysely, Transaction } from 'kysely';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { formatInstant } from '../../model/instant.ts';
import { mayBeAlive, type Owner } from '../owner.ts';
import type { Lease, StateStore } from '../state-store.ts';
import type { StateConnection } from './connection.ts';
import type { StateTables } from './tables.ts';

const NAME = 'state';
const RENEW_EVERY_MS = 10_000;
/** A holder on another host that has not renewed for so long is taken over. */
const TTL_MS = 60_000;
const POLL_MS = 100;

interface Leases {
  take(owner: Owner, options: Parameters<StateStore['lease']>[1]): Promise<Lease>;
  /** Throws when the lease of this epoch is not the current one. */
  check(tx: Transaction<StateTables>, epoch: number): Promise<void>;
  unlock(force: Parameters<StateStore['unlock']>[0]): ReturnType<StateStore['unlock']>;
}

/** The lock on the state: one row, taken and given back by compare-and-swap, with an epoch that only rises and fences every write. */
export function createLeases(connection: StateConnection): Leases {
  const isHeld = (row: StateTables['lease'], now: number): boolean => {
    if (row.owner === null) return false;
    const owner = JSON.parse(row.owner) as Owner;
    // On this host the process itself is asked, so a holder that was suspended keeps its lease; elsewhere only time can tell.
    return mayBeAlive(owner) && (isHere(owner) || now - row.renewed_at < TTL_MS);
  };

  const tryTake = async (db: Kysely<StateTables>, owner: Owner, purpose: string): Promise<number | StateTables['lease']> =>
    db.transaction().execute(async (tx) => {
      const now = connection.clock();
      const row = await tx.selectFrom('lease').selectAll().where('name', '=', NAME).executeTakeFirst();
      if (row !== undefined && isHeld(row, now)) return row;
      const epoch = (row?.epoch ?? 0) + 1;
      const values = { owner: JSON.stringify(owner), epoch, purpose, acquired_at: now, renewed_at: now };
      if (row === undefined)
        await tx
          .insertInto('lease')
          .values({ name: NAME, ...values })
          .execute();
      else await tx.updateTable('lease').set(values).where('name', '=', NAME).execute();
      return epoch;
    });

  return {
    async take(owner, { waitMs, purpose, signal }) {
      const db = await connection.write();
      const deadline = performance.now() + waitMs;
      for (;;) {
        signal?.throwIfAborted();
        const taken = await tryTake(db, owner, purpose);
        if (typeof taken === 'number') return holdLease(db, connection, owner, taken);
        if (performance.now() >= deadline) {
          const { host, pid } = JSON.parse(taken.owner ?? '{}') as Owner;
          throw lockedError(connection.place, { host, pid, purpose: taken.purpose, since: formatInstant(taken.acquired_at), epoch: taken.epoch });
        }
        await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
      }
    },

    async check(tx, epoch) {
      const row = await tx.selectFrom('lease').select(['epoch', 'owner']).where('name', '=', NAME).executeTakeFirst();
      if (row?.epoch !== epoch || row.owner === null) throw lostError(connection.place);
    },

    async unlock(force) {
      const db = await connection.read();
      const row = await db?.selectFrom('lease').selectAll().where('name', '=', NAME).executeTakeFirst();
      if (row === undefined || row.owner === null) return undefined;
      const owner = JSON.parse(row.owner) as Owner;
      if (force?.epoch === row.epoch) {
        const writer = await connection.write();
        await writer
          .updateTable('lease')
          .set({ owner: null, epoch: row.epoch + 1 })
          .where('name', '=', NAME)
          .where('epoch', '=', row.epoch)
          .execute();
      }
      return { owner, epoch: row.epoch, alive: isHeld(row, connection.clock()) };
    },
  };
}

function holdLease(db: Kysely<StateTables>, connection: StateConnection, owner: Owner, epoch: number): Lease {
  const lost = new AbortController();
  const renew = async (): Promise<void> => {
    const { numUpdatedRows } = await db
      .updateTable('lease')
      .set({ renewed_at: connection.clock() })
      .where('name', '=', NAME)
      .where('epoch', '=', epoch)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) lost.abort(lostError(connection.place));
  };
  const timer = setInterval(() => {
    renew().catch((error: unknown) => lost.abort(error));
  }, RENEW_EVERY_MS).unref();
  return {
    epoch,
    owner,
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await db.updateTable('lease').set({ owner: null }).where('name', '=', NAME).where('epoch', '=', epoch).execute();
    },
  };
}

function isHere(owner: Owner): boolean {
  return owner.host === hostname();
}

function lostError(place: string): AppError {
  return new AppError({
    code: 'RC3006',
    message: `another process has taken over the state \`${place}\``,
    hint: 'nothing more was written by this one; look with `reconcile status`, then start again',
  });
}

/** The error of a state that another process holds. */
function lockedError(
  place: string,
  holder: { readonly host: string; readonly pid: number; readonly purpose: string; readonly since: string; readonly epoch: number },
): AppError {
  return new AppError({
    code: 'RC3005',
    exit: ExitCode.locked,
    message: `the state \`${place}\` is locked by process ${holder.pid} on ${holder.host} since ${holder.since} (${holder.purpose})`,
    hint: `wait for it to end; if you are sure that it is dead: reconcile state unlock --epoch ${holder.epoch}`,
  });
}
