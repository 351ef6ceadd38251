import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Kysely } from 'kysely';
import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../model/app-error.ts';
import type { RunLedger } from '../run-ledger.ts';
import type { StateConnection } from '../sql/connection.ts';
import type { StateTables } from '../sql/tables.ts';
import type { StateStore } from '../state-store.ts';
import { MIGRATIONS } from './migrations.ts';

export interface SqliteStateOptions {
  /** Absolute path of the database. */
  readonly path: string;
  /** The folder that holds it and is made private and git-ignored with the first write; its own folder by default. */
  readonly folder?: string;
  readonly clock?: () => number;
}

export interface OpenedState {
  readonly store: StateStore;
  readonly ledger: RunLedger;
  close(): Promise<void>;
}

/** `rcnl` as a number: tells our databases from others. */
const APPLICATION_ID = 0x72636e6c;
/** How long a statement waits for another process' transaction. */
const BUSY_TIMEOUT_MS = 30_000;

/** The state in one SQLite file. Nothing is opened before it is needed, nothing is created before the first write. */
export async function openSqliteState(options: SqliteStateOptions): Promise<OpenedState> {
  const [{ createSqlStateStore }, { createSqlRunLedger }] = await Promise.all([import('../sql/sql-state-store.ts'), import('../sql/sql-run-ledger.ts')]);
  const connection = createConnection(options);
  return { store: createSqlStateStore(connection), ledger: createSqlRunLedger(connection), close: connection.close };
}

function createConnection({ path, folder = dirname(path), clock = Date.now }: SqliteStateOptions): StateConnection & { close(): Promise<void> } {
  let reader: Promise<Kysely<StateTables>> | undefined;
  let writer: Promise<Kysely<StateTables>> | undefined;
  const translate = (error: unknown): unknown => translateSqliteError(error, path);
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    }
  };
  return {
    place: path,
    clock,
    translate,
    async read() {
      if (writer !== undefined) return writer;
      if (reader === undefined && !databaseExists(path)) return undefined;
      reader ??= guarded(() => openForReading(path));
      return reader;
    },
    write() {
      writer ??= guarded(() => openForWriting(path, folder)).catch((error: unknown) => {
        writer = undefined;
        throw error;
      });
      return writer;
    },
    async close() {
      const opened = await Promise.allSettled([reader, writer]);
      for (const one of opened) if (one.status === 'fulfilled') await one.value?.destroy();
      reader = undefined;
      writer = undefined;
    },
  };
}

function databaseExists(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  if (!found.isFile()) {
    throw new AppError({
      code: 'RC3003',
      message: `the state \`${path}\` is not a file`,
      hint: 'name another file in spec.state of reconcile.yaml, or move what is there away',
    });
  }
  if (found.size === 0) throw notADatabase(path, 'it is empty');
  return true;
}

async function openForReading(path: string): Promise<Kysely<StateTables>> {
  const { DatabaseSync } = await import('node:sqlite');
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    database.prepare('select count(*) from sqlite_schema').get();
  } catch (error) {
    if (![8, 14].includes(sqliteCode(error) & 0xff)) throw error;
    // A folder that cannot be written holds no side files: what stands in the file is all there is.
    database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  }
  const version = checkIdentity(database, path);
  if (version < MIGRATIONS.length) {
    database.close();
    // Only a writer may bring the database forward; older tables are read by nobody.
    return openForWriting(path, dirname(path));
  }
  return wrap(database);
}

async function openForWriting(path: string, folder: string): Promise<Kysely<StateTables>> {
  makePrivateFolder(folder);
  mkdirSync(dirname(path), { recursive: true });
  const { DatabaseSync } = await import('node:sqlite');
  const existed = databaseExists(path);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    if (existed) checkIdentity(database, path);
    database.exec('pragma journal_mode = wal; pragma synchronous = full');
    migrate(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
  return wrap(database);
}

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) >= MIGRATIONS.length) return;
  if (versionOf(database) > 0) {
    database.exec('pragma wal_checkpoint(truncate)');
    copyFileSync(path, `${path}.before-v${MIGRATIONS.length}`);
  }
  database.exec('begin immediate');
  try {
    // Another process may have done it while we waited for the lock.
    for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration);
    database.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${MIGRATIONS.length}`);
    database.exec('commit');
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
  chmodSync(path, 0o600);
}

/** Returns the version; refuses what is not ours or too new. A database of no tables at all is one whose first writer was killed: version 0. */
function checkIdentity(database: DatabaseSync, path: string): number {
  const { application_id: id } = database.prepare('pragma application_id').get() as { application_id: number };
  const version = versionOf(database);
  if (id !== APPLICATION_ID) {
    const { n } = database.prepare('select count(*) n from sqlite_schema').get() as { n: number };
    if (version === 0 && n === 0 && id === 0) return 0;
    database.close();
    throw notADatabase(path, 'it is a SQLite database of something else');
  }
  if (version > MIGRATIONS.length) {
    database.close();
    throw new AppError({
      code: 'RC3002',
      message: `the state \`${path}\` was written by a newer version (format ${version}, this one knows ${MIGRATIONS.length})`,
      hint: 'update audience-reconciler',
    });
  }
  return version;
}

function versionOf(database: DatabaseSync): number {
  return (database.prepare('pragma user_version').get() as { user_version: number }).user_version;
}

async function wrap(database: DatabaseSync): Promise<Kysely<StateTables>> {
  const [{ Kysely }, { createNodeSqliteDialect }] = await Promise.all([import('kysely'), import('./node-sqlite-dialect.ts')]);
  return new Kysely<StateTables>({ dialect: createNodeSqliteDialect(database) });
}

/** The folder is nobody else's, and git never sees it. */
function makePrivateFolder(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  writeFileSync(`${folder}/.gitignore`, '*\n');
}

/** A private state without a file, for tests and for trying things out: the same queries on an in-memory database. */
export async function openMemoryState(clock: () => number = Date.now): Promise<OpenedState> {
  const [{ createSqlStateStore }, { createSqlRunLedger }, { DatabaseSync }] = await Promise.all([
    import('../sql/sql-state-store.ts'),
    import('../sql/sql-run-ledger.ts'),
    import('node:sqlite'),
  ]);
  const database = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) database.exec(migration);
  const kysely = await wrap(database);
  const connection: StateConnection = { place: 'memory', clock, translate: (error) => error, read: async () => kysely, write: async () => kysely };
  return { store: createSqlStateStore(connection), ledger: createSqlRunLedger(connection), close: () => kysely.destroy() };
}

function sqliteCode(error: unknown): number {
  return (error as { errcode?: number }).errcode ?? 0;
}

function notADatabase(path: string, why: string): AppError {
  return new AppError({
    code: 'RC3001',
    message: `the state \`${path}\` is not a database of reconcile: ${why}`,
    hint: 'nothing was changed; put the file of your last backup back, or name another one in spec.state of reconcile.yaml',
  });
}

/** SQLite's primary result codes (sqlite.org/rescode.html), told as what a user can do. */
function translateSqliteError(error: unknown, path: string): unknown {
  const code = sqliteCode(error) & 0xff;
  const reason = (error as Error).message;
  if (error instanceof AppError) return error;
  if (code === 26 || code === 11) return notADatabase(path, code === 26 ? 'its content is something else' : 'it is damaged');
  if (code === 5 || code === 6)
    return new AppError({
      code: 'RC3005',
      exit: 5,
      message: `the state \`${path}\` is in use by another process`,
      hint: 'wait for it to end, then try again',
      cause: error,
    });
  if (code === 13)
    return new AppError({
      code: 'RC3003',
      message: `the disk of the state \`${path}\` is full`,
      hint: 'free some space; nothing half is recorded',
      cause: error,
    });
  const system = (error as NodeJS.ErrnoException).code;
  if (
    code === 8 ||
    code === 14 ||
    code === 10 ||
    system === 'EACCES' ||
    system === 'EPERM' ||
    system === 'EROFS' ||
    system === 'ENOSPC' ||
    system === 'ENOTDIR'
  ) {
    return new AppError({
      code: 'RC3003',
      message: `the state \`${path}\` cannot be opened or written: ${reason}`,
      hint: 'check the permissions of its folder and the space on its disk',
      cause: error,
    });
  }
  return error;
}
