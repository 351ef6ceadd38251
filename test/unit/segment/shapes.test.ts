import { expect, test } from 'vitest';
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
