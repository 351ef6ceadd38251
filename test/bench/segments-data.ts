import type { AttributesSpec } from '../../src/model/generated/kinds.ts';

/** The end of the two years in which the events happened. */
export const NOW = '2026-01-01T00:00:00Z';
const SPAN_MS = 730 * 86_400_000;
const FIRST = `timestamp '2024-01-01'`;

/** People with twenty columns; every value follows from the row's number. */
export function profilesQuery(count: number): string {
  return `select range as id, 'person' || range || '@example.com' as email, 'First' || (hash(range) % 5003) as first_name, 'Last' || (hash(range, 1) % 20011) as last_name,
  ${oneOf(['DE', 'FR', 'US', 'GB', 'ES', 'IT', 'NL', 'PL', 'SE', 'CA'], 2)} as country, 'City' || (hash(range, 3) % 3001) as city, ${number(4, 99_999)}::varchar as zip,
  ${oneOf(['f', 'm', 'x'], 5)} as gender, 18 + ${number(6, 70)} as age, date '1940-01-01' + ${number(7, 25_000)} as birthday, ${number(8, 1000)} as score,
  ${oneOf(['none', 'bronze', 'silver', 'gold'], 9)} as tier, ${number(10, 200_000)}::decimal(10, 2) / 100 as spent, ${number(11, 100)} as orders,
  timestamp '2022-01-01' + to_seconds(${number(12, 126_000_000)}) as joined, hash(range, 13) % 10 < 7 as consent,
  if(hash(range, 14) % 5 = 0, null, '+49' || ${number(14, 1_000_000_000)}) as phone, ${oneOf(['web', 'app', 'shop'], 15)} as channel,
  ${oneOf(['de', 'en', 'fr', 'es'], 16)} as lang, 'c' || ${number(17, 40)} as campaign from range(${count})`;
}

/** Views, carts and purchases (70, 18 and 12 in a hundred), in the order of time or in none. */
export function eventsQuery(count: number, profiles: number, unordered: boolean): string {
  const time = unordered ? `(hash(range, 9) % ${SPAN_MS})::bigint` : `(range * ${SPAN_MS}::bigint // ${count})`;
  return `select (hash(range, 1) % ${profiles})::bigint as person, ${FIRST} + to_milliseconds(${time}) as ts,
  if(hash(range, 2) % 100 < 70, 'view', if(hash(range, 2) % 100 < 88, 'addToCart', 'purchase')) as kind, ((hash(range, 3) % 30000)::decimal(10, 2) / 100)::decimal(10, 2) as amount,
  ${oneOf(['shoes', 'books', 'toys', 'garden', 'music', 'food', 'sport', 'home'], 4)} as category, ${oneOf(['web', 'app', 'shop'], 5)} as channel,
  'SKU' || ${number(6, 50_000)} as sku, 1 + ${number(7, 5)} as quantity from range(${count})`;
}

function number(salt: number, below: number): string {
  return `(hash(range, ${salt}) % ${below})::int`;
}

function oneOf(values: readonly string[], salt: number): string {
  return `(['${values.join(`', '`)}'])[1 + ${number(salt, values.length)}]`;
}

const FIELDS = {
  email: 'string',
  first_name: 'string',
  last_name: 'string',
  country: 'string',
  city: 'string',
  zip: 'string',
  gender: 'string',
  age: 'integer',
  birthday: 'date',
  score: 'integer',
  tier: 'string',
  spent: 'double',
  orders: 'integer',
  joined: 'timestamp',
  consent: 'boolean',
  phone: 'string',
  channel: 'string',
  lang: 'string',
  campaign: 'string',
} as const;
const EVENT_FIELDS = { amount: 'decimal(10,2)', category: 'string', channel: 'string', sku: 'string', quantity: 'integer' } as const;

export const ATTRIBUTES: AttributesSpec = {
  source: 'big',
  dataset: 'people',
  identities: { crmId: { column: 'id', primary: true } },
  fields: fieldsOf(FIELDS),
  events: { dataset: 'happened', profile: 'person', timestamp: 'ts', eventType: { column: 'kind' }, fields: fieldsOf(EVENT_FIELDS) },
};

function fieldsOf(types: Readonly<Record<string, string>>): Record<string, { readonly column: string; readonly type: string }> {
  return Object.fromEntries(Object.entries(types).map(([column, type]) => [column, { column, type }]));
}

export const PROFILE_SEGMENTS: Readonly<Record<string, string>> = {
  'germans-over-forty': 'country = "DE" and age > 40',
  'gold-with-consent': 'tier = "gold" and consent = true',
  'five-countries': 'country in ["DE", "FR", "ES", "IT", "NL"] and orders >= 60',
  'high-score': 'score > 900',
  'no-phone': 'phone.isNull()',
  'born-this-month': 'birthday.getMonth() = currentMonth()',
  'joined-lately': 'joined occurs <= 90 days before now',
  'joined-early': 'joined occurs before date(2022, 7, 1)',
  spenders: 'spent > 1500 and orders > 20',
  'young-app': 'age < 25 and channel = "app"',
  'not-french': 'not (country = "FR" or lang = "fr")',
  'city-prefix': 'city.startsWith("City12")',
  'mail-pattern': 'email.contains("77")',
  'women-of-three-tiers': 'gender = "f" and tier in ["bronze", "silver", "gold"]',
  'cheap-orders': 'orders > 0 and spent / orders < 5',
  'sleeping-score': 'score >= 100 and score <= 300 and consent = false',
  'three-campaigns': 'campaign in ["c1", "c2", "c3"]',
  'name-like': 'last_name like "Last1%9"',
  'pensioners-abroad': 'age >= 65 and country != "DE" and lang = "de"',
  'zip-area': 'zip.startsWith("80") or zip.startsWith("81")',
};

interface EventSegment {
  readonly pql: string;
  /** What an engineer would write: answers with the number of members. */
  readonly byHand: (profiles: string, events: string) => string;
}

const PURCHASE = `kind = 'purchase'`;

/** Five that have little in common but the events they read. */
export const EVENT_SEGMENTS: Readonly<Record<string, EventSegment>> = {
  'three-purchases': {
    pql: 'chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 90 days before now) COUNT(3)])',
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' where id in (select person from '${events}' where ${PURCHASE} and ts between ${daysAgo(90)} and ${until()} group by person having count(*) >= 3)`,
  },
  'big-spenders': {
    pql: 'xEvent[eventType = "purchase"].sum(amount) > 300',
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' where id in (select person from '${events}' where ${PURCHASE} group by person having sum(amount) > 300)`,
  },
  lapsed: {
    pql: 'not chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 180 days before now)])',
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' p where not exists (select 1 from '${events}' e where e.person = p.id and ${PURCHASE} and ts between ${daysAgo(180)} and ${until()})`,
  },
  'dear-shoes': {
    pql: 'xEvent[eventType = "purchase" and category = "shoes"].average(amount) > 200',
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' where id in (select person from '${events}' where ${PURCHASE} and category = 'shoes' group by person having avg(amount) > 200)`,
  },
  'cart-then-purchase': {
    pql: 'chain(xEvent, timestamp, [A: WHAT(eventType = "addToCart") WHEN(<= 60 days before now), B: WHAT(eventType = "purchase") WHEN(<= 60 days before now)])',
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' where id in (select person from '${events}' where kind in ('addToCart', 'purchase') and ts between ${daysAgo(60)} and ${until()} group by person having min(ts) filter (where kind = 'addToCart') < max(ts) filter (where ${PURCHASE}))`,
  },
};

/** Five about the same events: how often, how much and how dear somebody bought. */
export const PURCHASE_SEGMENTS: Readonly<Record<string, EventSegment>> = {
  'bought-twice': ofPurchases('count() >= 2', 'count(*) >= 2'),
  'spent-much': ofPurchases('sum(amount) > 400', 'sum(amount) > 400'),
  'dear-baskets': ofPurchases('average(amount) > 250', 'avg(amount) > 250'),
  'one-dear-basket': ofPurchases('max(amount) > 290', 'max(amount) > 290'),
  'many-pieces': ofPurchases('sum(quantity) >= 8', 'sum(quantity) >= 8'),
};

function ofPurchases(pql: string, having: string): EventSegment {
  return {
    pql: `xEvent[eventType = "purchase"].${pql}`,
    byHand: (profiles, events) =>
      `select count(*) from '${profiles}' where id in (select person from '${events}' where ${PURCHASE} group by person having ${having})`,
  };
}

function until(): string {
  return `timestamp '${NOW.slice(0, 19)}'`;
}

function daysAgo(days: number): string {
  return `timestamp '${NOW.slice(0, 19)}' - interval ${days} days`;
}
