import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

/** Kysely on Node's own SQLite: one connection, used by one transaction at a time; every transaction takes the write lock at its start. */
export function createNodeSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => createDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function createDriver(database: DatabaseSync): Driver {
  let last: Promise<void> = Promise.resolve();
  let release: () => void = () => {};
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const statement = database.prepare(sql);
      const values = parameters as SQLInputValue[];
      if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
      const { changes, lastInsertRowid } = statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    },
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
    async beginTransaction(on) {
      await on.executeQuery(CompiledQuery.raw('begin immediate'));
    },
    async commitTransaction(on) {
      await on.executeQuery(CompiledQuery.raw('commit'));
    },
    async rollbackTransaction(on) {
      // SQLite ends a transaction by itself on some errors, e.g. a full disk.
      if (database.isTransaction) await on.executeQuery(CompiledQuery.raw('rollback'));
    },
    async releaseConnection() {
      release();
    },
    async destroy() {
      database.close();
    },
  };
}
