import type { DuckDBConnection } from '@duckdb/node-api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileSegments } from '../../../src/segment/compile/compile-segments.ts';
import { countStatement } from '../../../src/segment/compile/count-statement.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { ATTRIBUTES, EVENT_SEGMENTS, eventsQuery, NOW, profilesQuery } from '../../bench/segments-data.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { openDatabase, typedOf } from '../../support/segment-database.ts';

/** The benchmark's people and events over Parquet, small; what its segments read and how, as EXPLAIN tells it. */
const SCHEMA = toProfileSchema(ATTRIBUTES);
const JOINS = /JOIN/;
let connection: DuckDBConnection;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'event-plans-'));
  const [profiles, events] = [join(folder, 'profiles.parquet'), join(folder, 'events.parquet')];
  connection = await openDatabase([
    `copy (${profilesQuery(20_000)}) to '${profiles}' (format parquet)`,
    `copy (${eventsQuery(100_000, 20_000, false)}) to '${events}' (format parquet, row_group_size 5000)`,
    `create view profile as select id as "#key", id::varchar as id, * exclude (id) from '${profiles}'`,
    `create view event as select person as "#key", ts as "timestamp", kind as "eventType", * exclude (person, ts, kind) from '${events}'`,
  ]);
});
afterAll(async () => {
  connection.closeSync();
  await rm(folder, { recursive: true, force: true });
});

interface Operator {
  readonly name: string;
  readonly children: readonly Operator[];
  readonly extra_info: Readonly<Record<string, string | readonly string[]>>;
}

interface Scan {
  readonly columns: readonly string[];
  readonly filters: string;
}

/** The statement of `reconcile evaluate`. */
function statementOf(texts: readonly string[]): string {
  const segments = texts.map((text, index) => ({ name: `s${index}`, typed: typedOf(text, SCHEMA) }));
  const compiled = compileSegments(segments, { now: Date.parse(NOW), dialect: 'duckdb' });
  return printSql(countStatement(compiled, [...compiled.filters.keys()]), 'duckdb');
}

async function planOf(
  texts: readonly string[],
): Promise<{ readonly joins: readonly string[]; readonly events: readonly Scan[]; readonly profiles: readonly Scan[] }> {
  const [row] = (await connection.runAndReadAll(`explain (format json) ${statementOf(texts)}`)).getRows();
  const operators: Operator[] = [];
  const open = JSON.parse(String(row?.[1])) as Operator[];
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    operators.push(top);
    open.push(...top.children);
  }
  const scans = operators.filter(({ name }) => /PARQUET/.test(name)).map(scanOf);
  return {
    joins: operators.filter(({ name }) => JOINS.test(name)).map(({ name, extra_info: info }) => `${name.trim()} ${String(info['Join Type'] ?? '')}`),
    events: scans.filter(({ columns }) => columns.includes('person')),
    profiles: scans.filter(({ columns }) => columns.includes('id')),
  };
}

function scanOf({ extra_info: info }: Operator): Scan {
  return { columns: listOf(info['Projections']).toSorted(), filters: listOf(info['Filters']).join(' and ') };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

async function countsOf(statement: string): Promise<readonly number[]> {
  const [row] = (await connection.runAndReadAll(statement)).getRows();
  return (row ?? []).map(Number);
}

const texts = Object.values(EVENT_SEGMENTS).map(({ pql }) => pql);

test('one by one and together they count what SQL by hand counts', async () => {
  const byHand: number[] = [];
  for (const segment of Object.values(EVENT_SEGMENTS)) {
    const query = segment.byHand(join(folder, 'profiles.parquet'), join(folder, 'events.parquet'));
    byHand.push(...(await countsOf(query)));
  }
  expect(byHand.every((count) => count > 0 && count < 20_000)).toBe(true);
  expect(await countsOf(statementOf(texts))).toEqual(byHand);
  for (const [index, text] of texts.entries()) expect(await countsOf(statementOf([text]))).toEqual([byHand[index]]);
});

test('five different questions are one pass over the whole history and one over the latest windows, looked up among profiles at once', async () => {
  const { joins, events, profiles } = await planOf(texts);
  expect(joins).toEqual(['HASH_JOIN INNER']);
  expect(profiles.map(({ columns }) => columns)).toEqual([['id']]);
  expect(events).toHaveLength(2);
  // The windows need no amounts, the history no times; neither reads what nobody asks for.
  expect(events.map(({ columns }) => columns)).toEqual(
    expect.arrayContaining([
      ['kind', 'person', 'ts'],
      ['amount', 'category', 'person'],
    ]),
  );
  const recent = events.find(({ columns }) => columns.includes('ts'));
  expect(recent?.filters).toContain(`ts>='2025-07-05 00:00:00'`);
  const whole = events.find(({ columns }) => columns.includes('amount'));
  expect(whole?.filters).toContain(`kind='purchase'`);
});

test.each([
  ['windows', ['xEvent[timestamp occurs <= 30 days before now].count() > 1', 'xEvent[eventType = "view" and timestamp occurs this year].sum(amount) > 5']],
  ['history', ['xEvent.count() > 9', 'xEvent[eventType = "purchase"].max(amount) > 200', 'xEvent[timestamp occurs before date(2025, 1, 1)].count() > 3']],
])('questions of one kind (%s) are one pass', async (_kind, questions) => {
  const { joins, events } = await planOf([...questions, 'age > 30']);
  expect(events).toHaveLength(1);
  expect(joins).toHaveLength(1);
});

test.each(texts)('alone, what is not a member meets no join: %s', async (text) => {
  const { joins, events, profiles } = await planOf([text]);
  expect(joins).toHaveLength(1);
  expect(joins[0]).toMatch(text.startsWith('not') ? /^HASH_JOIN (RIGHT_)?(ANTI|MARK)/ : /^HASH_JOIN (INNER|(RIGHT_)?SEMI)/);
  expect(profiles).toEqual([{ columns: ['id'], filters: '' }]);
  expect(events).toHaveLength(1);
  if (text.includes('days before')) expect(events[0]?.filters).toMatch(/ts>='2025-/);
  if (!text.includes('addToCart')) expect(events[0]?.filters).toContain(`kind='purchase'`);
});

test('the second step of a chain begins where the first one can', async () => {
  const { events } = await planOf(['chain(xEvent, timestamp, [A: WHAT(eventType = "view") WHEN(<= 7 days before now), B: WHAT(eventType = "purchase")])']);
  expect(events).toEqual([{ columns: ['kind', 'person', 'ts'], filters: expect.stringContaining(`ts>='2025-12-25 00:00:00'`) as string }]);
});

test('attributes beside events are conditions of the same scan', async () => {
  const { joins, profiles } = await planOf(['country = "DE" and xEvent[eventType = "purchase"].count() >= 3']);
  expect(joins).toEqual(['HASH_JOIN INNER']);
  expect(profiles).toEqual([{ columns: expect.arrayContaining(['id']) as string[], filters: expect.stringContaining(`country='DE'`) as string }]);
  expect(['country', 'id']).toEqual(expect.arrayContaining([...(profiles[0]?.columns ?? [])]));
});
