import type { DuckDBConnection } from '@duckdb/node-api';
import { expect } from 'vitest';
import { compileSegments, withClause } from '../../../src/segment/compile/compile-segments.ts';
import { isMember } from '../../../src/segment/evaluate/evaluate.ts';
import type { Typed } from '../../../src/segment/typed.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { sql } from '../../../src/sql/sql.ts';
import { typedOf } from '../segment-database.ts';
import { evaluated, WORLD_NOW, type World } from './world.ts';

/** Who is a member by DuckDB, as a condition and as a value, and by the evaluator: ids in order; all three must be the same. */
export async function askBoth(
  connection: DuckDBConnection,
  world: World,
  text: string,
  { now = WORLD_NOW, segments = new Map() }: { readonly now?: number; readonly segments?: ReadonlyMap<string, Typed> } = {},
): Promise<string> {
  const typed = typedOf(text, world.schema);
  const options = { now, segments };
  const compiled = compileSegments([{ name: 's', typed }], { ...options, dialect: 'duckdb' });
  const columns = sql`p."id", ${compiled.predicates.get('s') ?? sql`null`}, coalesce(${compiled.filters.get('s') ?? sql`null`}, false)`;
  const query = printSql(sql`${withClause(compiled.with)}select ${columns} from ${compiled.from} order by p."#key"`, 'duckdb');
  const rows = (await connection.runAndReadAll(query)).getRows();
  const profiles = evaluated(world);
  const byEvaluator = world.people.filter((_, index) => isMember(typed, profiles[index] as (typeof profiles)[number], options)).map(({ id }) => id);
  expect(rows.filter((row) => row[1] === true).map((row) => row[0])).toEqual(byEvaluator);
  expect(rows.filter((row) => row[2] === true).map((row) => row[0])).toEqual(byEvaluator);
  expect(rows.every((row) => row[1] !== null)).toBe(true);
  return byEvaluator.join(' ');
}
