import type { Kysely, Transaction } from 'kysely';
import type { StateTables } from './tables.ts';

/** How the shared queries reach a database. All methods throw `AppError` for what the outside causes. */
export interface StateConnection {
  /** For reading; undefined when there is no database yet. Never creates anything. */
  read(): Promise<Kysely<StateTables> | undefined>;
  /** For writing; creates and migrates the database when needed. A transaction of it holds the only write lock from its start. */
  write(): Promise<Kysely<StateTables>>;
  /** Turns an error of the driver into one a user can fix, or returns it as it is. */
  translate(error: unknown): unknown;
  /** Where the state is, for messages. */
  readonly place: string;
  readonly clock: () => number;
}

export type Reader = Kysely<StateTables> | Transaction<StateTables>;

/** Reads at one instant; undefined when there is no database yet. */
export async function readAtOnce<T>(connection: StateConnection, work: (tx: Transaction<StateTables>) => Promise<T>): Promise<T | undefined> {
  return translated(connection, async () => {
    const db = await connection.read();
    return db?.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work);
  });
}

/** Writes everything or nothing, durably. */
export async function writeAtOnce<T>(connection: StateConnection, work: (tx: Transaction<StateTables>) => Promise<T>): Promise<T> {
  return translated(connection, async () => {
    const db = await connection.write();
    return db.transaction().execute(work);
  });
}

async function translated<T>(connection: StateConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw connection.translate(error);
  }
}
