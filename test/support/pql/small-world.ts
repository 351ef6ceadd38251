import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import type { FieldDeclaration, Plain, World } from './world.ts';

const text: FieldDeclaration = { type: 'string' };
const whole: FieldDeclaration = { type: 'integer' };
const texts: FieldDeclaration = { type: 'array', items: text };

const fields: Readonly<Record<string, FieldDeclaration>> = {
  'homeAddress.countryISO': text,
  'homeAddress.city': text,
  'person.gender': text,
  'person.age': whole,
  'person.birthMonth': whole,
  'person.birthYear': whole,
  'person.birthdate': { type: 'date' },
  'person.name': text,
  'person.favoriteColors': texts,
  'person.wanted': texts,
  'person.visited': texts,
  'person.lastLogin': { type: 'timestamp' },
  income: { type: 'decimal(12,2)' },
  score: { type: 'double' },
  homeOwner: { type: 'boolean' },
  numbers: { type: 'array', items: whole },
  orders: { type: 'array', items: { type: 'object', fields: { storeId: text, price: whole } } },
  counts: { type: 'map', values: whole },
  loyalty: { type: 'object', fields: { tier: text, points: whole } },
};

const eventFields: Readonly<Record<string, FieldDeclaration>> = {
  'commerce.item.price': { type: 'decimal(12,2)' },
  cur: text,
  shipped: { type: 'timestamp' },
  productListItems: { type: 'array', items: { type: 'object', fields: { SKU: text } } },
};

const ada: Plain = {
  'homeAddress.countryISO': 'CA',
  'homeAddress.city': 'Quebec',
  'person.gender': 'female',
  'person.age': 38,
  'person.birthMonth': 3,
  'person.birthYear': 1985,
  'person.birthdate': '1985-03-14',
  'person.name': 'John Ada',
  'person.favoriteColors': ['red', 'blue'],
  'person.wanted': ['Rome', 'Oslo'],
  'person.visited': ['Oslo', 'Rome', 'Bern'],
  'person.lastLogin': '2024-03-01T00:00:00Z',
  income: '100.10',
  score: 1.5,
  homeOwner: true,
  numbers: [3, 1, 2, 3],
  orders: [
    { storeId: 'a', price: 20 },
    { storeId: 'b', price: 21 },
    { storeId: 'a', price: 50 },
  ],
  counts: { x: 1, y: 5 },
  loyalty: { tier: 'gold', points: 10 },
  'identityMap.Email': 'ada@gmail.com',
};
const bob: Plain = {
  'homeAddress.countryISO': 'US',
  'homeAddress.city': 'Los Angeles',
  'person.gender': 'male',
  'person.age': 40,
  'person.birthMonth': 9,
  'person.birthYear': 1985,
  'person.birthdate': '1984-02-29',
  'person.name': 'johnny Bob',
  'person.favoriteColors': ['green'],
  'person.wanted': ['Rome'],
  'person.visited': [],
  'person.lastLogin': '2024-02-29T23:59:59.999Z',
  income: '100.00',
  score: 2,
  homeOwner: false,
  numbers: [],
  orders: [{ storeId: 'a', price: 5 }],
  counts: { x: 7 },
  loyalty: { tier: null, points: null },
  'identityMap.Email': 'bob@example.com',
};
/** Nothing is known of him. */
const nil: Plain = {};

const adaEvents: readonly Plain[] = [
  { timestamp: '2024-02-28T10:00:00Z', eventType: 'view', 'commerce.item.price': '10.00', cur: 'USD', productListItems: [{ SKU: 'PS' }] },
  {
    timestamp: '2024-02-29T10:00:00Z',
    eventType: 'addToCart',
    'commerce.item.price': '60.00',
    cur: 'USD',
    shipped: '2024-02-29T12:00:00Z',
    productListItems: [{ SKU: 'PS' }, { SKU: 'AI' }],
  },
  {
    timestamp: '2024-03-01T10:00:00Z',
    eventType: 'purchase',
    'commerce.item.price': '60.00',
    cur: 'EUR',
    shipped: '2024-02-28T00:00:00Z',
    productListItems: [],
  },
];
const bobEvents: readonly Plain[] = [
  { timestamp: '2024-03-01T10:00:00Z', eventType: 'purchase', 'commerce.item.price': '5.00', cur: 'USD' },
  { timestamp: '2024-03-01T10:00:00Z', eventType: 'addToCart', 'commerce.item.price': null, cur: 'USD' },
  { timestamp: '2024-04-01T10:00:00Z', eventType: 'purchase', 'commerce.item.price': '1.00', cur: null },
];

/** Ada, Bob and somebody of whom nothing is known, with the names that the public documentation's examples use. */
export function smallWorld(): World {
  const spec = {
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email', labels: ['I1'] } },
    fields: withColumns(fields),
    events: { dataset: 'e', profile: 'id', timestamp: 't', eventType: { column: 'k' }, fields: withColumns(eventFields) },
  } as unknown as AttributesSpec;
  return {
    schema: toProfileSchema(spec),
    fields,
    eventFields,
    people: [
      { id: 'ada', profile: { ...ada, 'identityMap.crmId': 'ada' }, events: adaEvents },
      { id: 'bob', profile: { ...bob, 'identityMap.crmId': 'bob' }, events: bobEvents },
      { id: 'nil', profile: { ...nil, 'identityMap.crmId': 'nil' }, events: [] },
    ],
  };
}

function withColumns(declared: Readonly<Record<string, FieldDeclaration>>): object {
  return Object.fromEntries(Object.entries(declared).map(([path, field]) => [path, { column: path, ...field }]));
}
