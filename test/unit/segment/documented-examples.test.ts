import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { readValue } from '../../../src/segment/read-pql.ts';
import { askBoth } from '../../support/pql/ask-both.ts';
import { loadWorld, type FieldDeclaration, type Plain, type World } from '../../support/pql/world.ts';
import { openDatabase, typedOf } from '../../support/segment-database.ts';

const text: FieldDeclaration = { type: 'string' };
const whole: FieldDeclaration = { type: 'integer' };
const texts: FieldDeclaration = { type: 'array', items: text };

/** Every name that the documentation's examples use. */
const fields: Readonly<Record<string, FieldDeclaration>> = {
  'homeAddress.city': text,
  'homeAddress.countryISO': text,
  'person.birthYear': whole,
  'person.birthMonth': whole,
  'person.birthdate': { type: 'date' },
  'person.age': whole,
  'person.gender': text,
  'person.firstName': text,
  'person.favoriteColors': texts,
  'person.homeAddress': { type: 'object', fields: { city: text } },
  'p.wanted': texts,
  'p.visited': texts,
  'p.colors': texts,
  'a.x': texts,
  'b.x': texts,
  a: whole,
  b: whole,
  city: text,
  email: text,
  numbers: { type: 'array', items: { type: 'object', fields: { square: whole } } },
  arr: { type: 'array', items: { type: 'object', fields: { item: text } } },
  orders: { type: 'array', items: { type: 'object', fields: { storeId: text, price: whole, 'order.price': { type: 'decimal(12,2)' } } } },
  optedOutOn: { type: 'timestamp' },
};
const eventFields: Readonly<Record<string, FieldDeclaration>> = {
  'commerce.item.price': { type: 'decimal(12,2)' },
  total: { type: 'decimal(12,2)' },
  cur: text,
  productListItems: { type: 'array', items: { type: 'object', fields: { SKU: text } } },
};

const eva: Plain = {
  'homeAddress.city': 'X',
  'homeAddress.countryISO': 'CA',
  'person.birthYear': 1985,
  'person.birthMonth': 3,
  'person.birthdate': '1985-06-14',
  'person.age': 40,
  'person.gender': 'female',
  'person.firstName': 'johnny',
  'person.favoriteColors': ['red', 'blue'],
  'person.homeAddress': { city: 'X' },
  'p.wanted': ['Rome'],
  'p.visited': ['Oslo', 'Rome'],
  'p.colors': ['red'],
  'a.x': ['red', 'green'],
  'b.x': ['blue', 'red'],
  a: 1,
  b: 5,
  city: 'Los Angeles',
  email: 'eva2010@gmail.com',
  numbers: [{ square: 4 }, { square: 9 }],
  arr: [{ item: 'pizza' }],
  orders: [
    { storeId: 's1', price: 20, 'order.price': '20.50' },
    { storeId: 's2', price: 21, 'order.price': '21.00' },
    { storeId: 's1', price: 30, 'order.price': '30.00' },
  ],
  optedOutOn: '2024-02-28T10:00:00Z',
};
const max: Plain = {
  'homeAddress.city': 'Y',
  'homeAddress.countryISO': 'US',
  'person.birthYear': 1990,
  'person.birthMonth': 12,
  'person.birthdate': '1990-12-31',
  'person.age': 33,
  'person.gender': 'male',
  'person.firstName': 'Max',
  'person.favoriteColors': ['green'],
  'p.wanted': ['Rome'],
  'p.visited': ['Oslo'],
  'p.colors': [],
  'a.x': ['green'],
  'b.x': ['blue'],
  a: 2,
  b: 2,
  city: 'Bern',
  email: 'max@example.org',
  numbers: [],
  arr: [{ item: 'soup' }],
  orders: [{ storeId: 's1', price: 5, 'order.price': '5.00' }],
  optedOutOn: '2019-12-31T23:59:59Z',
};
const evasEvents: readonly Plain[] = [
  { timestamp: '2024-02-10T10:00:00Z', eventType: 'x', 'commerce.item.price': '60.00', total: '60.00', cur: 'USD', productListItems: [{ SKU: 'PS' }] },
  ...[1, 2, 3, 4, 5].map((hour) => ({ timestamp: `2024-03-01T0${hour}:00:00Z`, eventType: 'addToCart', total: '10.00', cur: 'USD' })),
  { timestamp: '2024-03-01T12:00:00Z', eventType: 'purchase', 'commerce.item.price': '9.00', total: '9.00', cur: 'EUR' },
];
const maxsEvents: readonly Plain[] = [
  { timestamp: '2024-03-01T11:00:00Z', eventType: 'purchase', 'commerce.item.price': '70.00', total: '70.00', cur: 'USD', productListItems: [{ SKU: 'AI' }] },
  { timestamp: '2024-03-01T13:00:00Z', eventType: 'addToCart', total: '1.00', cur: 'USD', productListItems: [] },
];

function columns(declared: Readonly<Record<string, FieldDeclaration>>): object {
  return Object.fromEntries(Object.entries(declared).map(([path, field]) => [path, { column: path, ...field }]));
}

const world: World = {
  schema: toProfileSchema({
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email' } },
    fields: columns(fields),
    events: { dataset: 'e', profile: 'id', timestamp: 't', eventType: { column: 'k' }, fields: columns(eventFields) },
  } as unknown as AttributesSpec),
  fields,
  eventFields,
  people: [
    { id: 'eva', profile: { ...eva, 'identityMap.crmId': 'eva' }, events: evasEvents },
    { id: 'max', profile: { ...max, 'identityMap.crmId': 'max' }, events: maxsEvents },
    { id: 'nil', profile: { 'identityMap.crmId': 'nil' }, events: [] },
  ],
};
const segments = new Map([['segmentId', typedOf('homeAddress.countryISO = "CA"', world.schema)]]);

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

/** Conditions as the documentation writes them; `now` is Friday, 2024-03-01 15:30 UTC. */
const CONDITIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '7.1 shape and literals': {
    '(Profile) => Profile.homeAddress.city = "X"': 'eva',
    '$1.homeAddress.city = "X"': 'eva',
    'homeAddress.city = "X"': 'eva',
    'select X from arr where X.item = "pizza"': 'eva',
    '[1, 4, 7].includes(a) and ["US","CA"].includes(homeAddress.countryISO) and true and 3.14 > -201': 'eva',
    'person.birthdate > date(1990, 3, 14)': 'max',
  },
  '7.2 boolean': {
    'homeAddress.countryISO = "CA" and person.birthYear = 1985': 'eva',
    'a = 1 or b = 2': 'eva max',
    'not (homeAddress.countryISO = "CA")': 'max',
    '!(homeAddress.countryISO = "CA")': 'max',
  },
  '7.2 comparison': {
    'person.birthMonth >= 3': 'eva max',
    'person.birthMonth > 3': 'max',
    'person.birthMonth <= 3': 'eva',
    'person.birthMonth < 3': '',
    'person.birthMonth = 3': 'eva',
    'person.birthMonth != 3': 'max',
  },
  '7.2 array': {
    'person.birthMonth in [3, 6, 9]': 'eva',
    'person.birthMonth notIn [3, 6, 9]': 'max',
    'person.favoriteColors.intersects(["red"])': 'eva',
    'a.x.intersection(b.x) = ["red"]': 'eva',
    'p.wanted.subsetOf(p.visited)': 'eva',
    'p.visited.supersetOf(p.wanted)': 'eva',
    'p.colors.includes("red")': 'eva',
    'orders.storeId.distinct().count() > 1': 'eva',
    'orders.groupBy(storeId)': 'eva max',
    'orders.filter(price >= 21)': 'eva',
    'numbers.map(square)': 'eva',
    'orders.topN(price, 5)': 'eva max',
    'orders.bottomN(price, 5)': 'eva max',
  },
  '7.2 map': { 'identityMap.keys()': 'eva max nil', 'identityMap.values()': 'eva max nil', 'identityMap.get("Email") = "max@example.org"': '' },
  '7.2 string': {
    'city like "%es%"': 'eva',
    'email.startsWith("EVA")': '',
    'email.startsWith("EVA", false)': 'eva',
    'email.doesNotStartWith("eva")': 'max',
    'email.endsWith(".com")': 'eva',
    'email.doesNotEndWith(".com")': 'max',
    'email.contains("2010@gm")': 'eva',
    'email.doesNotContain("2010@gm")': 'max',
    'city.equals("BERN", false)': 'max',
    'city.equals("BERN")': '',
    'city.notEqualTo("Bern")': 'eva',
    'person.firstName.matches("(?i)^John")': 'eva',
    'email.matches("^\\\\w+@example")': 'max',
    'email.regexGroup("@(\\\\w+)", 1) = "gmail"': 'eva',
  },
  '7.2 object, arithmetic': { 'person.homeAddress.isNull()': 'max nil', 'person.homeAddress.isNotNull()': 'eva', 'person.age % 5 = 0': 'eva' },
  '7.2 aggregation': {
    'orders.sum(order.price) = 71.5': 'eva',
    'orders.count() = 1': 'max',
    'orders.average(price) > 20': 'eva',
    'orders.min(price) = 5 and orders.max(price) = 5': 'max',
  },
  '7.2 date': {
    'person.birthMonth = currentMonth()': 'eva',
    'person.birthdate.getMonth() = 6': 'eva',
    'optedOutOn < today': 'eva max',
    'optedOutOn < now': 'eva max',
  },
  '7.2 filter': {
    'xEvent[productListItems[SKU="PS"]]': 'eva',
    'xEvent[productListItems[SKU="PS" or ^^.person.gender="female"]]': 'eva',
    'xEvent[productListItems[SKU="XX" or ^^.person.gender="male"]]': 'max',
  },
  '7.2 quantifiers and the rest': {
    'exists E from xEvent where (E.commerce.item.price > 50), I from E.productListItems where I.SKU = "PS"': 'eva',
    'exists E from xEvent : E.commerce.item.price > 50': 'eva max',
    'forall E from xEvent where E.cur = "USD"': 'max nil',
    'let S = (sum X.total over X from xEvent where X.cur = "USD") in (S > 100 and S < 1000)': 'eva',
    'select E from xEvent where E.eventType = "x"': 'eva',
    'inSegment("segmentId")': 'eva',
  },
  '7.3 occurs': {
    'exists X from xEvent where X.timestamp occurs <= 3 days before now': 'eva max',
    'exists X from xEvent where X.timestamp occurs last month': 'eva',
    'optedOutOn occurs before today': 'eva max',
    'optedOutOn occurs last week': '',
    'optedOutOn occurs this week': 'eva',
    'optedOutOn occurs on date(2019,12,31)': 'max',
    'optedOutOn occurs date(2019,12,31)': 'max',
    'optedOutOn occurs between date(2019,12,31) and yesterday': 'eva max',
    'exists X from xEvent where X.timestamp occurs > 1 hours after optedOutOn': 'eva max',
    'exists X from xEvent where X.timestamp occurs != 0 days from today': 'eva',
    ...Object.fromEntries(
      ['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'year', 'decade', 'century', 'millennium'].flatMap((unit) => [
        [`now occurs this ${unit} and not (now occurs last ${unit}) and not (now occurs next ${unit})`, 'eva max nil'],
        [`now occurs >= 1 ${unit} after ${unit === 'millennium' || unit === 'century' ? 'date(1024, 1, 1)' : 'date(2000, 1, 1)'}`, 'eva max nil'],
      ]),
    ),
    'now occurs < 2 centuries after date(2000, 1, 1) and now occurs < 3 millennia from date(2000, 1, 1)': 'eva max nil',
  },
  '7.4 sequences': {
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart") WHEN(< 24 hours before now) COUNT(5)])': 'eva',
    'CHAIN(xEvent, timestamp, [C0: WHAT(eventType = "addToCart") WHEN(today), C1: WHAT(eventType = "purchase") WHEN(today)])': 'eva',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHERE(total > 50)])': 'max',
    'not(chain(xEvent, timestamp, [A: WHAT(eventType = "x")]))': 'max nil',
    'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart")]) and chain(xEvent, timestamp, [A: WHAT(eventType = "purchase")])': 'eva max',
  },
};

describe.each(Object.entries(CONDITIONS))('%s', (_family, cases) => {
  test.each(Object.entries(cases))('%s', async (example, members) => {
    expect(await askBoth(connection, world, example, { segments })).toBe(members);
  });
});

/** Examples that are values, with what they compare to. */
test.each([
  ['if (homeAddress.countryISO = "CA", 1, 2)', '= 2', 'max nil'],
  ['orders.topN(price, 5).head()', '.price = 30', 'eva'],
  ['orders.groupBy(storeId)', '.count() = 2', 'eva'],
  ['numbers.map(square)', '= [4, 9]', 'eva'],
  ['identityMap.keys()', '= ["crmId"]', 'eva max nil'],
  ['email.regexGroup("@(\\\\w+)", 1)', '= "example"', 'max'],
  ['orders.sum(order.price)', '= 5', 'max'],
  ['currentMonth()', '= 3', 'eva max nil'],
  ['currentYear()', '= 2024', 'eva max nil'],
  ['currentDayOfMonth()', '= 1', 'eva max nil'],
  ['person.birthdate.getYear()', '= 1985', 'eva'],
  ['person.birthdate.getDayOfMonth()', '= 31', 'max'],
  ['now', '> today', 'eva max nil'],
  ['date(2020, 3, 14)', '< now', 'eva max nil'],
])('the value %s', async (example, comparison, members) => {
  expect(readValue(example, { schema: world.schema, attributes: 'person' }).problems).toEqual([]);
  expect(await askBoth(connection, world, `${example} ${comparison}`.replace(' .', '.'))).toBe(members);
});
