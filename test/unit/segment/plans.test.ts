import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileSegments, withClause } from '../../../src/segment/compile/compile-segments.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { ident, joinSql, sql } from '../../../src/sql/sql.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { loadWorld, WORLD_NOW } from '../../support/pql/world.ts';
import { openDatabase, typedOf } from '../../support/segment-database.ts';

const world = smallWorld();
let connection: DuckDBConnection;

beforeAll(async () => {
  // Views over Parquet, as an engine offers them: what is pushed into a scan can be seen.
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

function compiled(texts: readonly string[]): ReturnType<typeof compileSegments> {
  return compileSegments(
    texts.map((text, index) => ({ name: `s${index}`, typed: typedOf(text, world.schema) })),
    { now: WORLD_NOW, dialect: 'duckdb' },
  );
}

/** The operators of the plan that counts members of all segments in one statement, in the order in which EXPLAIN shows them. */
async function operatorsOf(
  texts: readonly string[],
): Promise<{ readonly plan: string; readonly sqlText: string; readonly count: (operator: string) => number }> {
  const { with: relations, from, filters } = compiled(texts);
  const conditions = [...filters.values()];
  const [only] = conditions;
  const counts = conditions.map((condition, index) => sql`count(*) filter (where ${condition}) as ${ident(`c${index}`)}`);
  const sqlText = printSql(
    conditions.length === 1
      ? sql`${withClause(relations)}select count(*) from ${from} where ${only ?? sql`false`}`
      : sql`${withClause(relations)}select ${joinSql(counts, ', ')} from ${from}`,
    'duckdb',
  );
  const rows = (await connection.runAndReadAll(`explain ${sqlText}`)).getRows();
  const plan = rows.map((row) => String(row[1])).join('\n');
  return { plan, sqlText, count: (operator) => plan.split(operator).length - 1 };
}

test('a segment over attributes alone is a bare scan: no join, no aggregate but the count, only its columns', async () => {
  const { sqlText, plan, count } = await operatorsOf(['homeAddress.countryISO = "CA" and person.age > 30 and person.gender.isNotNull()']);
  expect(sqlText).toBe(
    `select count(*) from profile p where (("p"."homeAddress.countryISO" = 'CA') and ("p"."person.age" > 30) and (not ("p"."person.gender" is null)))`,
  );
  expect(count('JOIN')).toBe(0);
  expect(count('SEQ_SCAN') + count('TABLE_SCAN')).toBe(1);
  expect(plan).toContain('Filters');
  expect(plan).not.toContain('person.name');
});

test('twenty segments over attributes are one scan', async () => {
  const { count } = await operatorsOf(Array.from({ length: 20 }, (_, index) => `person.age > ${index}`));
  expect(count('SEQ_SCAN')).toBe(1);
  expect(count('JOIN')).toBe(0);
});

test('one question whether there was such an event is a semi join without an aggregate, its conditions in the scan', async () => {
  const { sqlText, count } = await operatorsOf(['chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 90 days before now)])']);
  expect(sqlText).toContain(`where e."#key" is not null and`);
  expect(sqlText).toContain(`'2023-12-02 15:30:00.250'`);
  expect(count('SEQ_SCAN')).toBe(2);
  expect(count('GROUP_BY')).toBe(0);
});

test('any number of questions of events is one pass over them and one join', async () => {
  const { count } = await operatorsOf([
    'xEvent.count() > 3',
    'xEvent[eventType = "purchase"].sum(commerce.item.price) > 100',
    'not (exists E from xEvent where E.cur = "USD")',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "view"), B: WHAT(eventType = "purchase")])',
    'xEvent.map(cur).distinct().count() > 1 and person.age > 3',
  ]);
  expect(count('SEQ_SCAN')).toBe(2);
  expect(count('HASH_JOIN')).toBe(1);
  expect(count('GROUP_BY') - count('UNGROUPED')).toBeLessThanOrEqual(2);
});

test('equal questions in different segments are one column', () => {
  const { with: relations } = compiled(['xEvent.sum(commerce.item.price) > 100', 'xEvent.sum(commerce.item.price) < 10', 'xEvent.count() = 1']);
  const text = printSql(relations[0]?.sql ?? sql``, 'duckdb');
  expect(text.split('sum(')).toHaveLength(2);
  expect(text).toContain('"a1"');
});

test('a condition between event and profile is a join, not a correlated subquery', async () => {
  const { sqlText, count, plan } = await operatorsOf(['exists E from xEvent where E.cur != homeAddress.city']);
  expect(sqlText).toContain('from event e join profile p on p."#key" = e."#key"');
  expect(plan).not.toContain('DELIM');
  expect(count('SEQ_SCAN')).toBe(3);
});

test('only the columns that are needed are named', () => {
  const { profileColumns, eventColumns } = compiled(['person.age > 3 and exists E from xEvent where E.cur = "USD"']);
  expect(profileColumns).toEqual(['person.age']);
  expect(eventColumns).toEqual(['cur']);
  expect(compiled(['person.age > 3']).eventColumns).toBeUndefined();
  expect(compiled(['xEvent.count() > 3']).eventColumns).toEqual([]);
});
