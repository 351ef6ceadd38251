import { dirname } from 'node:path';
import type { Kysely } from 'kysely';
import type { DatabaseSync } from 'node:sqlite';
import type { OpenedState } from '../opened-state.ts';
import type { StateConnection } from '../sql/connection.ts';
import { createSqlRunLedger } from '../sql/sql-run-ledger.ts';
import { createSqlStateStore } from '../sql/sql-state-store.ts';
import type { StateTables } from '../sql/tables.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import { openForReading, openForWriting, type OpenOptions } from './open-database.ts';
import { translateSqliteError } from './translate-sqlite-error.ts';

export type { OpenedState };

export interface SqliteStateOptions {
  /** Absolute path of the database. */
  readonly path: string;
  /** The folder that holds it and is made private and git-ignored with the first write; its own folder by default. */
  readonly folder?: string;
  /** Wall clock, in milliseconds since 1970. */
  readonly clock?: () => number;
  /** The formats to bring the database to; only tests of migrating name others. */
  readonly migrations?: readonly string[];
}

/** The state in one SQLite file. Nothing is opened before it is needed, nothing is created before the first write. */
export async function openSqliteState(options: SqliteStateOptions): Promise<OpenedState> {
  const connection = createConnection(options);
  return {
    store: createSqlStateStore(connection),
    ledger: createSqlRunLedger(connection),
    async inspect() {
      const { inspectSqliteState } = await import('./inspect-sqlite-state.ts');
      return inspectSqliteState(connection);
    },
    close: connection.close,
  };
}

export interface SqliteConnection extends StateConnection {
  /** Runs `pragma integrity_check`; the problems it names, none when there is no database. */
  checkIntegrity(): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Opened {
  readonly database: DatabaseSync;
  readonly kysely: Kysely<StateTables>;
}

function createConnection({ path, folder = dirname(path), clock = Date.now, migrations = MIGRATIONS }: SqliteStateOptions): SqliteConnection {
  const options: OpenOptions = { path, folder, clock, migrations };
  let reader: Promise<Opened | undefined> | undefined;
  let writer: Promise<Opened> | undefined;

  const translate = (error: unknown): unknown => translateSqliteError(error, path);
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    }
  };

  const openReader = async (): Promise<Opened | undefined> => {
    const database = await openForReading(options);
    return database === undefined ? undefined : wrap(database);
  };
  const openWriter = async (): Promise<Opened> => {
    const { database, checkBeforeWrite } = await openForWriting(options);
    return wrap(database, checkBeforeWrite);
  };

  const read = async (): Promise<Opened | undefined> => {
    if (writer !== undefined) return writer;
    reader ??= translated(openReader);
    try {
      const opened = await reader;
      // Nothing there yet: looked for again next time.
      if (opened === undefined) reader = undefined;
      return opened;
    } catch (error) {
      reader = undefined;
      throw error;
    }
  };

  return {
    place: path,
    clock,
    translate,
    read: async () => (await read())?.kysely,
    async write() {
      writer ??= translated(openWriter);
      try {
        return (await writer).kysely;
      } catch (error) {
        writer = undefined;
        throw error;
      }
    },
    checkIntegrity: () =>
      translated(async () => {
        const opened = await read();
        if (opened === undefined) return [];
        const rows = opened.database.prepare('pragma integrity_check(20)').all() as { integrity_check: string }[];
        return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
      }),
    async close() {
      const opened = await Promise.allSettled([reader, writer]);
      reader = undefined;
      writer = undefined;
      for (const one of opened) if (one.status === 'fulfilled') await one.value?.kysely.destroy();
    },
  };
}

async function wrap(database: DatabaseSync, checkBeforeWrite?: () => void): Promise<Opened> {
  const { createNodeSqliteKysely } = await import('./node-sqlite-kysely.ts');
  return { database, kysely: createNodeSqliteKysely(database, checkBeforeWrite === undefined ? {} : { checkBeforeWrite }) };
}
