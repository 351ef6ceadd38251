import { readFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Typed } from '../../../src/segment/typed.ts';
import { askBoth } from '../../support/pql/ask-both.ts';
import { LANGUAGE_ROWS } from '../../support/pql/language-rows.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { loadWorld } from '../../support/pql/world.ts';
import { openDatabase, typedOf } from '../../support/segment-database.ts';

const world = smallWorld();
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

describe.each(Object.entries(LANGUAGE_ROWS))('%s', (_row, cases) => {
  test.each(Object.entries(cases))('%s', async (text, expected) => {
    expect(await askBoth(connection, world, text, { segments: SEGMENTS })).toBe(expected);
  });
});

test('every row of the README’s table names its test, and every test has a row', () => {
  const readme = readFileSync(new URL('../../../src/segment/README.md', import.meta.url), 'utf8');
  const table = readme.slice(readme.indexOf('## The language'));
  const rows = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, first = '']) => first).filter((first) => !first.startsWith('row') && !first.startsWith('-'));
  expect(rows.flatMap((row) => row.split(' · ')).toSorted()).toEqual(Object.keys(LANGUAGE_ROWS).toSorted());
});
