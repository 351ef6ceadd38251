import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DatabaseSync, DatabaseSyncOptions } from 'node:sqlite';
import { AppError } from '../../model/app-error.ts';
import { makePrivateFolder } from '../private-folder.ts';
import { brokenState } from '../state-errors.ts';
import { createDatabase } from './create-database.ts';
import { checkIdentity, databaseExists, formatOf } from './identity.ts';
import { migrate } from './migrate.ts';
import { sqliteCode, SQLITE } from './translate-sqlite-error.ts';

type OpenDatabase = (path: string, options?: DatabaseSyncOptions) => DatabaseSync;

export interface OpenOptions {
  readonly path: string;
  readonly folder: string;
  readonly migrations: readonly string[];
  readonly clock: () => number;
}

/** An opened database, and what to check before each write: that it is still the file at its place, in the format that was opened. */
export interface OpenedDatabase {
  readonly database: DatabaseSync;
  readonly checkBeforeWrite: () => void;
}

/** How long SQLite itself waits, and blocks this process, for a lock; longer waits are made by the dialect, which blocks nothing. */
const BUSY_TIMEOUT_MS = 250;

/** Undefined when there is no database. Changes nothing at its place. */
export async function openForReading({ path, migrations }: OpenOptions): Promise<DatabaseSync | undefined> {
  if (!databaseExists(path)) return undefined;
  const open = await loadSqlite();
  let database: DatabaseSync;
  try {
    database = open(path, { readOnly: true });
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    return openWithoutSideFiles(open, path, migrations);
  }
  try {
    if (checkIdentity(database, path, migrations.length) === migrations.length) return database;
  } catch (error) {
    database.close();
    if (!isUnwritable(error)) throw error;
    return openWithoutSideFiles(open, path, migrations);
  }
  // Only a writer may bring the database forward; a reader does it in a copy of its own.
  try {
    return inPrivateFolder((copy) => database.prepare('vacuum into ?').run(copy), open, path, migrations);
  } finally {
    database.close();
  }
}

/** Makes folder and database when they are not there, and brings an older database forward. */
export async function openForWriting({ path, folder, migrations, clock }: OpenOptions): Promise<OpenedDatabase> {
  makePrivateFolder(folder);
  mkdirSync(dirname(path), { recursive: true });
  const open = await loadSqlite();
  if (!databaseExists(path)) createDatabase(path, migrations, open);
  const database = open(path);
  try {
    checkIdentity(database, path, migrations.length);
    // What is erased must not stay readable in free pages.
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on');
    migrate(database, { path, migrations, now: clock(), openReader: () => open(path, { readOnly: true }) });
    return { database, checkBeforeWrite: createCheck(database, path, migrations.length) };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function loadSqlite(): Promise<OpenDatabase> {
  const { DatabaseSync } = await import('node:sqlite');
  // `mode=rw`: a file that vanished meanwhile is not made anew, empty.
  return (path, options = {}) =>
    new DatabaseSync(`${pathToFileURL(path).href}?mode=${options.readOnly === true ? 'ro' : 'rw'}`, {
      timeout: BUSY_TIMEOUT_MS,
      enableForeignKeyConstraints: true,
      ...options,
    });
}

/**
 * For a folder that cannot be written, where SQLite cannot make the side files that it shares with writers. Without a log beside it, the file is all
 * there is and is read in place; with one, both are read from a copy.
 */
async function openWithoutSideFiles(open: OpenDatabase, path: string, migrations: readonly string[]): Promise<DatabaseSync> {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (log === undefined || log.size === 0) {
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
    try {
      if (checkIdentity(database, path, migrations.length) === migrations.length) return database;
    } catch (error) {
      database.close();
      throw error;
    }
    database.close();
  }
  return inPrivateFolder(
    (copy) => {
      for (const suffix of ['', '-wal']) {
        if (!existsSync(`${path}${suffix}`)) continue;
        copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
        // The mode is copied too, and may forbid writing.
        chmodSync(`${copy}${suffix}`, 0o600);
      }
    },
    open,
    path,
    migrations,
  );
}

/** Opens a copy that only this process sees; its files are gone as soon as it is open, or at the latest with the process' temporary folder. */
function inPrivateFolder(copyTo: (copy: string) => void, open: OpenDatabase, path: string, migrations: readonly string[]): DatabaseSync {
  const folder = mkdtempSync(join(tmpdir(), 'reconcile-state-'));
  try {
    const copy = join(folder, 'state.db');
    copyTo(copy);
    const database = open(copy);
    try {
      database.exec('pragma journal_mode = delete; pragma temp_store = memory');
      const [{ quick_check: verdict } = { quick_check: '' }] = database.prepare('pragma quick_check(1)').all() as { quick_check: string }[];
      if (verdict !== 'ok') throw brokenState(path, `the database is damaged: ${verdict}`);
      checkIdentity(database, path, migrations.length);
      for (const migration of migrations.slice(formatOf(database))) database.exec(migration);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isUnwritable(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.readOnly || code === SQLITE.cannotOpen || code === SQLITE.io;
}

/** A file that was removed or replaced under a running process would take its writes and lose them. */
function createCheck(database: DatabaseSync, path: string, format: number): () => void {
  const { ino, dev } = statSync(path);
  const readFormat = database.prepare('pragma user_version');
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino !== ino || now.dev !== dev) {
      throw new AppError({
        code: 'RC3003',
        message: `the state \`${path}\` was ${now === undefined ? 'removed' : 'replaced'} while this process worked with it`,
        hint: 'put it back, or start again with what is there now; this write was not done',
      });
    }
    if ((readFormat.get() as { user_version: number }).user_version !== format) {
      throw new AppError({
        code: 'RC3002',
        message: `the state \`${path}\` was brought to another format while this process worked with it`,
        hint: 'start again with the version of audience-reconciler that did it; this write was not done',
      });
    }
  };
}
