import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { compileSegments, withClause } from '../../src/segment/compile/compile-segments.ts';
import type { ProfileSchema } from '../../src/segment/profile-schema.ts';
import { readCondition } from '../../src/segment/read-pql.ts';
import type { Typed } from '../../src/segment/typed.ts';
import { printSql } from '../../src/sql/print-sql.ts';
import { sql, type Sql } from '../../src/sql/sql.ts';

/** A DuckDB of its own with the relations `profile` and `event`, made by `setup`. */
export async function openDatabase(setup: readonly string[]): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  for (const statement of setup) await connection.run(statement);
  return connection;
}

/** Types a condition; throws with the problems when there are some. */
export function typedOf(text: string, schema: ProfileSchema): Typed {
  const { typed, problems } = readCondition(text, { schema, attributes: 'customer' });
  if (typed === undefined) throw new Error(`${text}\n${problems.map(({ message, start }) => `${start}: ${message}`).join('\n')}`);
  return typed;
}

export interface MembersOptions {
  readonly now: number;
  readonly segments?: ReadonlyMap<string, Typed>;
}

/** The query for the ids of a condition's members, in order. */
export function membersQuery(typed: Typed, options: MembersOptions): Sql {
  const compiled = compileSegments([{ name: 's', typed }], { dialect: 'duckdb', ...options });
  return sql`${withClause(compiled.with)}select p."id" as id from ${compiled.from} where ${compiled.filters.get('s') ?? sql`false`} order by p."id"`;
}

/** Ids of a condition's members; asked both as `where` and as a value that is never NULL. */
export async function membersOf(connection: DuckDBConnection, text: string, schema: ProfileSchema, options: MembersOptions): Promise<readonly string[]> {
  const typed = typedOf(text, schema);
  const found = await idsOf(connection, printSql(membersQuery(typed, options), 'duckdb'));
  const compiled = compileSegments([{ name: 's', typed }], { dialect: 'duckdb', ...options });
  const predicate = compiled.predicates.get('s') ?? sql`false`;
  const strict = sql`${withClause(compiled.with)}select p."id" as id from ${compiled.from} where case when ${predicate} then 1 when not ${predicate} then 0 end = 1 or ${predicate} is null order by p."id"`;
  const other = await idsOf(connection, printSql(strict, 'duckdb'));
  if (JSON.stringify(found) !== JSON.stringify(other)) throw new Error(`as a condition and as a value it finds different members: ${text}`);
  return found;
}

export async function idsOf(connection: DuckDBConnection, query: string): Promise<readonly string[]> {
  const reader = await connection.runAndReadAll(query);
  return reader.getRows().map((row) => String(row[0]));
}
