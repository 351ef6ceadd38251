import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { askBoth } from '../../support/pql/ask-both.ts';
import { loadWorld, type FieldDeclaration, type World } from '../../support/pql/world.ts';
import { openDatabase } from '../../support/segment-database.ts';

const eventFields: Readonly<Record<string, FieldDeclaration>> = {
  no: { type: 'integer' },
  aTags: { type: 'array', items: { type: 'string' } },
  counts: { type: 'map', values: { type: 'integer' } },
  place: { type: 'object', fields: { city: { type: 'string' }, floor: { type: 'integer' } } },
  sent: { type: 'timestamp' },
};
const TIME = '2024-02-01T10:00:00Z';

/** Two events of one time each, the later one in order first: what they differ in decides which of them is the first. */
const world: World = {
  schema: toProfileSchema({
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true } },
    fields: {},
    events: {
      dataset: 'e',
      profile: 'id',
      timestamp: 't',
      eventType: { column: 'k' },
      fields: Object.fromEntries(Object.entries(eventFields).map(([path, field]) => [path, { column: path, ...field }])),
    },
  } as AttributesSpec),
  fields: {},
  eventFields,
  people: Object.entries({
    number: [
      { no: 2, sent: '2024-02-01T11:00:00Z' },
      { no: 1, sent: '2024-02-01T12:00:00Z' },
    ],
    missing: [{ no: null }, { no: 1 }],
    length: [
      { no: 2, aTags: ['a', 'b'] },
      { no: 1, aTags: ['a'] },
    ],
    item: [
      { no: 2, aTags: ['a', null] },
      { no: 1, aTags: ['a', 'b', 'c'] },
    ],
    entry: [
      { no: 2, counts: { a: 1, b: 2 } },
      { no: 1, counts: { a: 1, b: 1 } },
    ],
    key: [
      { no: 2, counts: { b: 1 } },
      { no: 1, counts: { a: 2 } },
    ],
    member: [
      { no: 2, place: { city: 'a', floor: null } },
      { no: 1, place: { city: 'a', floor: 3 } },
    ],
    // Scalars decide before lists do.
    scalar: [
      { no: 3, aTags: ['a'] },
      { no: 1, aTags: ['b'] },
    ],
  }).map(([id, events]) => ({ id, profile: { 'identityMap.crmId': id }, events: events.map((event) => ({ timestamp: TIME, eventType: 'x', ...event })) })),
};

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

const step = (no: number): string => `WHAT(no = ${no} and xEvent.count() = 2)`;
const ask = (text: string): Promise<string> => askBoth(connection, world, text);

test.each(
  Object.entries({
    'xEvent.map(x => x.no).head() = 1': 'number missing length item entry key member scalar',
    'xEvent.map(x => x.aTags.count() + x.no).head() < 3': 'number missing length entry key member scalar',
    // Only what the expression names decides: without the number, the list does.
    'xEvent.map(x => x.aTags).head() = ["a"]': 'length scalar',
    'xEvent.map(x => x.aTags).head() = ["a", "b", "c"]': 'item',
    'xEvent.map(x => x.counts).head().get("b") = 1': 'entry',
    'xEvent.map(x => x.counts).head().get("a") = 2': 'key',
    'xEvent.map(x => x.place).head().floor = 3': 'member',
    'xEvent.filter(x => x.no != 2).map(x => x.aTags).head() = ["b"]': 'scalar',
  }),
)('of events of one time: %s', async (text, ids) => {
  expect(await ask(text)).toBe(ids);
});

test('a chain by another time that needs the list of events has that time in the list', async () => {
  expect(await ask(`chain(xEvent, sent, [A: ${step(2)}, B: ${step(1)}])`)).toBe('number');
  expect(await ask(`chain(xEvent, sent, [A: ${step(1)}, B: ${step(2)}])`)).toBe('');
});
