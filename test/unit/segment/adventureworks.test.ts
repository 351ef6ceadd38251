import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADVENTUREWORKS, ADVENTUREWORKS_NOW as NOW, ADVENTUREWORKS_SETUP, adventureworksSchema as schema } from '../../support/pql/adventureworks.ts';
import { ADVENTUREWORKS_PAIRS } from '../../support/pql/adventureworks-pairs.ts';
import { LANGUAGE_ROWS } from '../../support/pql/language-rows.ts';
import { idsOf, membersOf, openDatabase, typedOf } from '../../support/segment-database.ts';

const SEGMENTS = new Map([
  ['germans', typedOf('homeAddress.countryCode = "DE"', schema)],
  ['bikers', typedOf('exists E from xEvent where E.product.category = "Bikes"', schema)],
]);

function md5(ids: readonly string[]): string {
  const sorted = ids.map(Number).toSorted((a, b) => a - b);
  return createHash('md5').update(sorted.join(',')).digest('hex');
}

describe.skipIf(!existsSync(ADVENTUREWORKS))('AdventureWorks (beside the checkout)', () => {
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await openDatabase(ADVENTUREWORKS_SETUP);
  });
  afterAll(() => connection.closeSync());

  test.each([
    [
      'A',
      'homeAddress.countryCode = "DE" and chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 90 days before now)])',
      469,
      '1c9113202cbf4d79438c7fb23f9585c8',
    ],
    ['B', 'not (exists E from xEvent where E.product.category = "Bikes")', 9352, '789bb5528570fd9fa23e9f149bc8c3bd'],
    [
      'C',
      'income >= 100000 and homeOwner = true and person.birthDate < date(1970, 1, 1) and homeAddress.countryCode in ["US", "CA"]',
      308,
      '0c2bdb90aa8b992a58557d049565da24',
    ],
  ])('segment %s has the recorded members', async (_name, text, count, digest) => {
    const ids = await membersOf(connection, text, schema, { now: NOW });
    expect(ids).toHaveLength(count);
    expect(md5(ids)).toBe(digest);
  });

  test('without the boundary day segment A has 465', async () => {
    const text = 'homeAddress.countryCode = "DE" and chain(xEvent, timestamp, [A: WHEN(< 90 days before now)])';
    expect(await membersOf(connection, text, schema, { now: NOW })).toHaveLength(465);
  });

  describe.each(Object.entries(ADVENTUREWORKS_PAIRS))('%s', (_row, pairs) => {
    test.each(pairs.map(([text, byHand, now]) => ({ text, byHand, now })))('$text', async ({ text, byHand, now = NOW }) => {
      const wanted = await idsOf(connection, byHand);
      const found = await membersOf(connection, text, schema, { now, segments: SEGMENTS });
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.length).toBeLessThan(18_484);
      expect(found.toSorted()).toEqual(wanted.toSorted());
    });
  });
});

test('each construct of the language is tried on AdventureWorks', () => {
  expect(Object.keys(ADVENTUREWORKS_PAIRS).toSorted()).toEqual(Object.keys(LANGUAGE_ROWS).toSorted());
});
