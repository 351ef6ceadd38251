import { readFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileSegments, withClause } from '../../../src/segment/compile/compile-segments.ts';
import { isMember } from '../../../src/segment/evaluate/evaluate.ts';
import type { Typed } from '../../../src/segment/typed.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { sql } from '../../../src/sql/sql.ts';
import { LANGUAGE_ROWS } from '../../support/pql/language-rows.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { evaluated, loadWorld, WORLD_NOW } from '../../support/pql/world.ts';
import { openDatabase, typedOf } from '../../support/segment-database.ts';

const world = smallWorld();
const profiles = evaluated(world);
const SEGMENTS = new Map<string, Typed>([
  ['canadians', typedOf('homeAddress.countryISO = "CA"', world.schema)],
  ['last-in-euro', typedOf('xEvent.topN(timestamp, 1).head().cur = "EUR"', world.schema)],
  ['not-canadians', typedOf('not inSegment("canadians")', world.schema)],
]);
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

/** Who is a member by DuckDB, as a condition and as a value, and by the evaluator; all three must be the same. */
async function members(text: string): Promise<string> {
  const typed = typedOf(text, world.schema);
  const options = { now: WORLD_NOW, segments: SEGMENTS };
  const compiled = compileSegments([{ name: 's', typed }], { ...options, dialect: 'duckdb' });
  const columns = sql`p."id", ${compiled.predicates.get('s') ?? sql`null`}, coalesce(${compiled.filters.get('s') ?? sql`null`}, false)`;
  const rows = (
    await connection.runAndReadAll(printSql(sql`${withClause(compiled.with)}select ${columns} from ${compiled.from} order by p."#key"`, 'duckdb'))
  ).getRows();
  const byEvaluator = world.people.filter((_, index) => isMember(typed, profiles[index] as (typeof profiles)[number], options)).map(({ id }) => id);
  expect(rows.filter((row) => row[1] === true).map((row) => row[0])).toEqual(byEvaluator);
  expect(rows.filter((row) => row[2] === true).map((row) => row[0])).toEqual(byEvaluator);
  expect(rows.every((row) => row[1] !== null)).toBe(true);
  return byEvaluator.join(' ');
}

describe.each(Object.entries(LANGUAGE_ROWS))('%s', (_row, cases) => {
  test.each(Object.entries(cases))('%s', async (text, expected) => {
    expect(await members(text)).toBe(expected);
  });
});

test('every row of the README’s table names its test, and every test has a row', () => {
  const readme = readFileSync(new URL('../../../src/segment/README.md', import.meta.url), 'utf8');
  const table = readme.slice(readme.indexOf('## The language'));
  const rows = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, first = '']) => first).filter((first) => !first.startsWith('row') && !first.startsWith('-'));
  expect(rows.flatMap((row) => row.split(' · ')).toSorted()).toEqual(Object.keys(LANGUAGE_ROWS).toSorted());
});
