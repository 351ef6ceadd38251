import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { idsOf, membersOf, openDatabase } from '../../support/segment-database.ts';

/** Public reference data that stands beside a developer's checkout, not in it. */
const DATA = fileURLToPath(new URL('../../../../shared/data/adventureworks/', import.meta.url));
const NOW = Date.UTC(2014, 0, 28);

const schema = toProfileSchema({
  source: 'shop',
  dataset: 'customers',
  identities: { crmId: { column: 'customer_id', primary: true }, Email: { column: 'email' } },
  fields: {
    'person.birthDate': { column: 'birth_date', type: 'date' },
    'person.name.firstName': { column: 'first_name', type: 'string' },
    'homeAddress.countryCode': { column: 'country_code', type: 'string' },
    'homeAddress.city': { column: 'city', type: 'string' },
    title: { column: 'title', type: 'string' },
    income: { column: 'yearly_income', type: 'decimal' },
    homeOwner: { column: 'house_owner', type: 'boolean' },
    children: { column: 'total_children', type: 'integer' },
  },
  events: {
    dataset: 'purchases',
    profile: 'customer_id',
    timestamp: 'order_date',
    eventType: { value: 'purchase' },
    fields: {
      orderNumber: { column: 'order_number', type: 'string' },
      'product.category': { column: 'category', type: 'string' },
      amount: { column: 'amount', type: 'decimal' },
      quantity: { column: 'quantity', type: 'integer' },
      shipDate: { column: 'ship_date', type: 'date' },
    },
  },
} satisfies AttributesSpec);

const SETUP = [
  `create table c as from read_csv('${DATA}customers.csv', header=true, types={'yearly_income':'DECIMAL(12,2)','postal_code':'VARCHAR'})`,
  `create table p as from read_csv('${DATA}purchases.csv', header=true, types={'unit_price':'DECIMAL(19,4)','amount':'DECIMAL(19,4)'})`,
  `create view profile as select customer_id as "#key", customer_id::varchar as id, customer_id::varchar as "identityMap.crmId", email as "identityMap.Email", birth_date as "person.birthDate",
     first_name as "person.name.firstName", country_code as "homeAddress.countryCode", city as "homeAddress.city", title, yearly_income as income, house_owner::boolean as "homeOwner", total_children as children from c`,
  `create view event as select customer_id as "#key", order_date::timestamp as "timestamp", 'purchase' as "eventType", order_number as "orderNumber", category as "product.category", amount, quantity, ship_date as "shipDate" from p`,
];

/** Expressions and SQL written by hand for the same people, over `c` and `p`. */
const PAIRS: Readonly<Record<string, string>> = {
  'xEvent.map(orderNumber).distinct().count() >= 2': 'select customer_id from p group by 1 having count(distinct order_number) >= 2',
  'xEvent.sum(amount) > 10000': 'select customer_id from p group by 1 having sum(amount) > 10000',
  'let S = (sum X.amount over X from xEvent where X.product.category = "Accessories") in (S > 100 and S < 110)':
    "select customer_id from p where category = 'Accessories' group by 1 having sum(amount) > 100 and sum(amount) < 110",
  'xEvent.average(amount) < 20': 'select customer_id from p group by 1 having avg(amount) < 20',
  'chain(xEvent, timestamp, [A: WHAT(product.category = "Bikes"), B: WHAT(product.category = "Clothing")])':
    "select distinct a.customer_id from p a join p b using (customer_id) where a.category = 'Bikes' and b.category = 'Clothing' and b.order_date > a.order_date",
  'chain(xEvent, timestamp, [A: WHAT(product.category = "Accessories") COUNT(5)])':
    "select customer_id from p where category = 'Accessories' group by 1 having count(*) >= 5",
  'exists E from xEvent where E.amount * 30 > income': 'select distinct customer_id from p join c using (customer_id) where amount * 30 > yearly_income',
  'forall E from xEvent where E.product.category != "Clothing"':
    "select customer_id from c where customer_id not in (select customer_id from p where category = 'Clothing')",
  'xEvent.topN(timestamp, 1).head().timestamp occurs this month':
    "select customer_id from p group by 1 having max(order_date) >= date_trunc('month', date '2014-01-28')",
  'xEvent.min(timestamp) occurs <= 1 years before now':
    "select customer_id from p group by 1 having min(order_date) >= date '2013-01-28' and min(order_date) <= date '2014-01-28'",
  'exists E from xEvent where E.shipDate occurs > 6 days after E.timestamp': 'select distinct customer_id from p where ship_date > order_date + 6',
  'xEvent[quantity > 1].count() = 0 and children in [1, 2]':
    'select customer_id from c where total_children in (1, 2) and customer_id not in (select customer_id from p where quantity > 1)',
  'title.isNotNull() and homeAddress.city.contains("ü")': "select customer_id from c where title is not null and city like '%ü%'",
  'person.birthDate.getMonth() = currentMonth() and person.birthDate.getDayOfMonth() = currentDayOfMonth()':
    'select customer_id from c where month(birth_date) = 1 and day(birth_date) = 28',
  'title notIn ["Mr."]': "select customer_id from c where title is not null and title <> 'Mr.'",
  'not (title in ["Mr."])': "select customer_id from c where title is null or title <> 'Mr.'",
  'person.name.firstName.matches("^[AEIOU].*a$") and not homeOwner':
    "select customer_id from c where regexp_matches(first_name, '^[AEIOU].*a$') and not house_owner",
  'xEvent.groupBy(product.category).count() = 3': 'select customer_id from p group by 1 having count(distinct category) = 3',
  'income / 12 >= 10000 and income % 20000 = 10000': 'select customer_id from c where yearly_income / 12 >= 10000 and yearly_income % 20000 = 10000',
};

function md5(ids: readonly string[]): string {
  const sorted = ids.map(Number).toSorted((a, b) => a - b);
  return createHash('md5').update(sorted.join(',')).digest('hex');
}

describe.skipIf(!existsSync(DATA))('AdventureWorks (beside the checkout)', () => {
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await openDatabase(SETUP);
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

  test.each(Object.entries(PAIRS))('%s', async (text, byHand) => {
    const wanted = await idsOf(connection, byHand);
    const found = await membersOf(connection, text, schema, { now: NOW });
    expect(wanted.length).toBeGreaterThan(0);
    expect(found.toSorted()).toEqual(wanted.toSorted());
  });
});
