import { fileURLToPath } from 'node:url';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema, type ProfileSchema } from '../../../src/segment/profile-schema.ts';

/** Public reference data that stands beside a developer's checkout, not in it. */
export const ADVENTUREWORKS: string = fileURLToPath(new URL('../../../../shared/data/adventureworks/', import.meta.url));
/** The day of the last purchase. */
export const ADVENTUREWORKS_NOW: number = Date.UTC(2014, 0, 28);

const text = { type: 'string' } as const;
const money = { type: 'decimal' } as const;
const texts = { type: 'array', items: text } as const;

export const adventureworksSchema: ProfileSchema = toProfileSchema({
  source: 'shop',
  dataset: 'customers',
  identities: { crmId: { column: 'customer_id', primary: true }, Email: { column: 'email' } },
  fields: {
    'person.birthDate': { column: 'birth_date', type: 'date' },
    'person.name.firstName': { column: 'first_name', type: 'string' },
    'person.name.suffix': { column: 'suffix', type: 'string' },
    'homeAddress.countryCode': { column: 'country_code', type: 'string' },
    'homeAddress.city': { column: 'city', type: 'string' },
    title: { column: 'title', type: 'string' },
    income: { column: 'yearly_income', type: 'decimal' },
    homeOwner: { column: 'house_owner', type: 'boolean' },
    children: { column: 'total_children', type: 'integer' },
    cars: { column: 'cars_owned', type: 'integer' },
    firstPurchase: { column: 'first_purchase_date', type: 'date' },
    categories: { column: 'categories', ...texts },
    'colors.early': { column: 'early', ...texts },
    'colors.late': { column: 'late', ...texts },
    spend: { column: 'spend', type: 'map', values: money },
    lines: { column: 'lines', type: 'map', values: { type: 'integer' } },
    contact: { column: 'contact', type: 'object', fields: { phone: text, mail: { type: 'object', fields: { user: text, domain: text } } } },
    household: { column: 'household', type: 'object', fields: { cars: { type: 'integer' }, home: { type: 'object', fields: { owner: { type: 'boolean' } } } } },
    orders: {
      column: 'orders',
      type: 'array',
      items: {
        type: 'object',
        fields: {
          number: text,
          date: { type: 'date' },
          total: money,
          lines: { type: 'array', items: { type: 'object', fields: { category: text, product: text, price: money } } },
        },
      },
    },
  },
  events: {
    dataset: 'purchases',
    profile: 'customer_id',
    timestamp: 'order_date',
    eventType: { value: 'purchase' },
    fields: {
      orderNumber: { column: 'order_number', type: 'string' },
      'product.category': { column: 'category', type: 'string' },
      color: { column: 'color', type: 'string' },
      amount: { column: 'amount', type: 'decimal' },
      quantity: { column: 'quantity', type: 'integer' },
      shipDate: { column: 'ship_date', type: 'date' },
    },
  },
} satisfies AttributesSpec);

/**
 * `c` and `p` are the two files; `o` are the orders, one row each. The people's lists, maps and objects are made of the same purchases: `categories`,
 * `colors` and `orders` are lists of the engine, `spend` a map, `contact` a struct, `lines` and `household` JSON.
 */
export const ADVENTUREWORKS_SETUP: readonly string[] = [
  `create table c as from read_csv('${ADVENTUREWORKS}customers.csv', header=true, types={'yearly_income':'DECIMAL(12,2)','postal_code':'VARCHAR'})`,
  `create table p as from read_csv('${ADVENTUREWORKS}purchases.csv', header=true, types={'unit_price':'DECIMAL(19,4)','amount':'DECIMAL(19,4)'})`,
  `create table o as select customer_id, order_number as number, min(order_date) as date, sum(amount) as total, count(*) as size,
     list({category: category, product: product, price: amount} order by line_number) as lines from p group by 1, 2`,
  `create table l as
     select customer_id, list(category order by order_date, order_number, line_number) as categories,
       list(distinct color order by color) filter (order_date < date '2013-07-01') as early, list(distinct color order by color) filter (order_date >= date '2013-07-01') as late
     from p group by 1`,
  `create table m as
     select customer_id, map_from_entries(list({k: category, v: total} order by category)) as spend, json_group_object(category, n) as lines
     from (select customer_id, category, sum(amount) as total, count(*) as n from p group by 1, 2) group by 1`,
  `create table profile as
     select customer_id as "#key", customer_id::varchar as id, customer_id::varchar as "identityMap.crmId", email as "identityMap.Email", birth_date as "person.birthDate",
       first_name as "person.name.firstName", suffix as "person.name.suffix", country_code as "homeAddress.countryCode", city as "homeAddress.city", title, yearly_income as income,
       house_owner::boolean as "homeOwner", total_children as children, cars_owned as cars, first_purchase_date as "firstPurchase", categories, early as "colors.early",
       late as "colors.late", spend, lines, {phone: phone, mail: {user: split_part(email, '@', 1), domain: split_part(email, '@', 2)}} as contact,
       json_object('cars', cars_owned, 'home', json_object('owner', house_owner::boolean)) as household, orders
     from c left join l using (customer_id) left join m using (customer_id) left join (
       select customer_id, list({number: number, date: date, total: total, lines: lines} order by date, number) as orders from o group by 1) using (customer_id)`,
  `create table event as
     select customer_id as "#key", order_date::timestamp as "timestamp", 'purchase' as "eventType", order_number as "orderNumber", category as "product.category", color, amount, quantity,
       ship_date as "shipDate" from p`,
];
