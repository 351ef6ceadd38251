import type { Kysely } from 'kysely';
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
