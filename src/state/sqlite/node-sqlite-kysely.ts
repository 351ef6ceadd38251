import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StateTables } from '../sql/tables.ts';
import { sqliteCode, SQLITE } from './translate-sqlite-error.ts';

interface NodeSqliteOptions {
  /** Called at the start of each writing transaction, with the write lock held; what it throws ends the transaction. */
  readonly checkBeforeWrite?: () => void;
  /** How long a lock of another process is waited for before SQLITE_BUSY is thrown. */
  readonly waitMs?: number;
}

const WAIT_MS = 30_000;
const POLL_MS = 20;
const MAX_STATEMENTS = 200;

/**
 * Kysely on Node's own SQLite: one connection, used by one transaction at a time. A transaction takes the write lock at its start, unless its access
 * mode is `read only`: then it sees one instant and locks nobody out. Waiting for another process does not block this one.
 */
export function createNodeSqliteKysely(database: DatabaseSync, options: NodeSqliteOptions = {}): Kysely<StateTables> {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(database, options),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<StateTables>({ dialect });
}

function createDriver(database: DatabaseSync, { checkBeforeWrite, waitMs = WAIT_MS }: NodeSqliteOptions): Driver {
  let last: Promise<void> = Promise.resolve();
  let release: (() => void) | undefined;
  const prepare = createStatementCache(database);

  const patiently = async <T>(work: () => T): Promise<T> => {
    const deadline = performance.now() + waitMs;
    for (;;) {
      try {
        return work();
      } catch (error) {
        const code = sqliteCode(error);
        if ((code !== SQLITE.busy && code !== SQLITE.locked) || performance.now() >= deadline) throw error;
        await sleep(POLL_MS * (1 + Math.random()));
      }
    }
  };

  const connection: DatabaseConnection = {
    executeQuery: <R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> =>
      patiently(() => {
        const statement = prepare(sql);
        const values = parameters as SQLInputValue[];
        if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
        const { changes, lastInsertRowid } = statement.run(...values);
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
      }),
    // eslint-disable-next-line require-yield
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error('the state is read whole');
    },
  };

  return {
    async init() {},
    async acquireConnection() {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      release = resolve;
      return connection;
    },
    async beginTransaction(_connection, { accessMode }) {
      if (accessMode === 'read only') {
        await patiently(() => database.exec('begin'));
        return;
      }
      await patiently(() => database.exec('begin immediate'));
      try {
        checkBeforeWrite?.();
      } catch (error) {
        database.exec('rollback');
        throw error;
      }
    },
    commitTransaction: () => patiently(() => database.exec('commit')),
    async rollbackTransaction() {
      // SQLite ends a transaction by itself on some errors, e.g. a full disk.
      if (database.isTransaction) database.exec('rollback');
    },
    async releaseConnection() {
      release?.();
    },
    async destroy() {
      if (database.isOpen) database.close();
    },
  };
}

/** Preparing costs more than running for most of our statements. */
function createStatementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
}
