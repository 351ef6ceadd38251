import { expect, test } from 'vitest';
import { lineage } from '../../../src/segment/lineage.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { readValue } from '../../../src/segment/read-pql.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { WORLD_NOW } from '../../support/pql/world.ts';
import { membersOf, openDatabase } from '../../support/segment-database.ts';

const { schema } = smallWorld();

test.each([
  [
    'JSON',
    `'["red","blue"]'::json`,
    `'{"x":1}'::json`,
    `'[{"storeId":"a","price":20}]'::json`,
    `'{"tier":"gold","points":10,"more":1}'::json`,
    `'[{"SKU":"PS","qty":2}]'::json`,
  ],

  [
    'narrow and reordered types',
    `['red','blue']`,
    `map(['x'],[1::tinyint])`,
    `[{'price': 20::smallint, 'storeId': 'a'}]`,
    `{'points': 10::utinyint, 'tier': 'gold'}`,
    `[{'qty': 1, 'SKU': 'PS'}]`,
  ],
])('arrays, maps and objects of the source as %s', async (_name, colors, counts, orders, loyalty, items) => {
  const connection = await openDatabase([
    `create table profile as select 1 as "#key", 'one' as id, ${colors} as "person.favoriteColors", ${counts} as counts, ${orders} as orders, ${loyalty} as loyalty`,
    `create table event as select 1 as "#key", now()::timestamp as "timestamp", 'view' as "eventType", ${items} as "productListItems"`,
  ]);
  for (const text of [
    'person.favoriteColors.includes("blue")',
    'counts.get("x") = 1',
    'orders.sum(price) = 20 and orders[storeId = "a"]',
    'loyalty.tier = "gold" and loyalty.points + 1 = 11',
    'xEvent[productListItems[SKU = "PS"]]',
    'xEvent.topN(timestamp, 1).head().productListItems.head().SKU = "PS"',
  ]) {
    expect([text, await membersOf(connection, text, schema, { now: WORLD_NOW })]).toEqual([text, ['one']]);
  }
  connection.closeSync();
});

test('names and texts of users are never SQL', async () => {
  const hostile = `x"; drop table profile; --'`;
  const connection = await openDatabase([
    `create table profile as select 1 as "#key", 'one' as id, '${hostile.replaceAll("'", "''")}' as "person.name"`,
    'create table event as select 1 as "#key", now()::timestamp as "timestamp", \'view\' as "eventType", \'x\' as cur where false',
  ]);
  expect(await membersOf(connection, `person.name = ${JSON.stringify(hostile)}`, schema, { now: WORLD_NOW })).toEqual(['one']);
  expect(
    await membersOf(
      connection,
      `person.name.contains(${JSON.stringify('drop table')}) and not (exists E from xEvent where E.cur = ${JSON.stringify(hostile)})`,
      schema,
      { now: WORLD_NOW },
    ),
  ).toEqual(['one']);
  connection.closeSync();
});

const ALL = ['amount', 'cur', 'eventType', 'timestamp'];

test.each([
  // Whole events are compared, or are the value: that is all their fields.
  ['xEvent.distinct().count()', [], ALL, ['C1', 'C2']],
  ['xEvent.groupBy(x => x).count()', [], ALL, ['C1', 'C2']],
  ['xEvent.topN(amount, 1).head()', [], ALL, ['C1', 'C2']],
  ['xEvent.groupBy(cur).count()', [], ['cur'], ['C2']],
  ['xEvent.map(cur).distinct().count()', [], ['cur'], ['C2']],
  ['xEvent.count()', [], [], []],
  ['chain(xEvent, timestamp, [A: WHAT(amount > 1)])', [], ['amount', 'timestamp'], ['C1']],
  ['home.isNull() or identityMap.keys().count() = 0', ['home.city', 'home.zip', 'identityMap.Email', 'identityMap.crm'], undefined, ['I1', 'S1', 'S2']],
])('lineage of %s', (text, fields, events, labels) => {
  const labelled = toProfileSchema({
    source: 's',
    dataset: 'd',
    identities: { crm: { column: 'id', primary: true }, Email: { column: 'e', labels: ['I1'] } },
    fields: { 'home.city': { column: 'c', type: 'string', labels: ['S1'] }, 'home.zip': { column: 'z', type: 'string', labels: ['S2'] } },
    events: {
      dataset: 'e',
      profile: 'id',
      timestamp: 't',
      eventType: { value: 'x' },
      fields: { amount: { column: 'a', type: 'integer', labels: ['C1'] }, cur: { column: 'cur', type: 'string', labels: ['C2'] } },
    },
  });
  const { typed } = readValue(text, { schema: labelled, attributes: 'customer' });
  expect(typed && lineage(typed, labelled)).toEqual({ fields, events, segments: [], labels });
});

test('whole numbers are computed with 64 bits, whatever the source holds them in', async () => {
  const connection = await openDatabase([
    `create table profile as select 1 as "#key", 'one' as id, 250::utinyint as "person.age", 2000000000::integer as "person.birthYear", (-128)::tinyint as "person.birthMonth"`,
    `create table event as select 1 as "#key", now()::timestamp as "timestamp", 'view' as "eventType", '[]'::json as "productListItems" where false`,
  ]);
  for (const text of [
    '-person.age = -250',
    'person.age - person.birthYear < 0',
    'person.birthYear * person.birthYear = 4000000000000000000',
    'person.birthYear + person.birthYear = 4000000000',
    '-person.birthMonth = 128',
    'let age = person.age in (age + age = 500)',
    'if (person.age > 1, person.age, person.age) * person.age = 62500',
    '[person.age, person.age].max() * person.age = 62500',
    '-9223372036854775808 % (person.age - 251) = 0',
    '-9223372036854775808 % -1 = 0 and -9223372036854775808 % 10 = -8',
  ]) {
    expect([text, await membersOf(connection, text, schema, { now: WORLD_NOW })]).toEqual([text, ['one']]);
  }
  connection.closeSync();
});
