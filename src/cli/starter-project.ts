import { DAY_MS, formatInstant, startOfDay, type Instant } from '../model/instant.ts';

/** The files of a starter project by path. Orders are dated back from `now`, so that relative times find some. */
export function createStarterProject(name: string, now: Instant): ReadonlyMap<string, string> {
  return new Map([
    ['reconcile.yaml', projectFile(name)],
    ['manifests/shop.yaml', SHOP],
    ['manifests/segments.yaml', SEGMENTS],
    ['manifests/newsletter.yaml', NEWSLETTER],
    ['data/customers.csv', toCsv(['customer_id', 'email', 'first_name', 'country_code', 'yearly_income', 'house_owner'], CUSTOMERS)],
    ['data/orders.csv', toCsv(['order_number', 'customer_id', 'order_date', 'category', 'amount'], datedOrders(now))],
  ]);
}

function projectFile(name: string): string {
  return `apiVersion: reconcile/v1
kind: Project
metadata: {name: ${name}}
spec:
  manifests: [manifests]
  state: sqlite:.reconcile/state.db
`;
}

const SHOP = `# Where people and their orders live. Paths are relative to reconcile.yaml.
apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec:
  engine: duckdb
  datasets:
    customers: {path: data/customers.csv}
    orders: {path: data/orders.csv}
---
# What is known of a person: names on the left are used in PQL and in mappings.
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: customer}
spec:
  source: shop
  dataset: customers
  identities:
    crmId: {column: customer_id, primary: true}
    Email: {column: email, labels: [I1]}
  fields:
    person.name.firstName: {column: first_name, type: string, labels: [I1]}
    homeAddress.countryCode: {column: country_code, type: string}
    income: {column: yearly_income, type: decimal}
    homeOwner: {column: house_owner, type: boolean}
  # xEvent in PQL
  events:
    dataset: orders
    profile: customer_id
    timestamp: order_date
    eventType: {value: purchase}
    fields:
      product.category: {column: category, type: string}
      amount: {column: amount, type: decimal}
`;

const SEGMENTS = `apiVersion: reconcile/v1
kind: Segment
metadata: {name: german-recent-buyers, title: German recent buyers}
spec:
  attributes: customer
  pql: |
    homeAddress.countryCode = "DE" and
    chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 90 days before now)])
  tests:
    - name: bought last week
      now: 2026-11-23T00:00:00Z
      profile: {homeAddress.countryCode: DE}
      events: [{eventType: purchase, timestamp: 2026-11-17T10:00:00Z}]
      member: true
    - name: bought long ago
      now: 2026-11-23T00:00:00Z
      profile: {homeAddress.countryCode: DE}
      events: [{eventType: purchase, timestamp: 2025-11-17T10:00:00Z}]
      member: false
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: wealthy-owners, title: Wealthy owners}
spec:
  attributes: customer
  pql: income >= 80000 and homeOwner = true
  tests:
    - name: rents
      profile: {income: 90000, homeOwner: false}
      member: false
`;

const NEWSLETTER = `# Files land in the folder out/. \`reconcile destinations\` lists what else there is.
apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec:
  type: local-directory
  storage: {type: local, path: out}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: newsletter}
spec:
  destination: outbox
  segments: [german-recent-buyers, wealthy-owners]
  mapping:
    - {source: identityMap.crmId, target: customer_id}
    - {source: person.name.firstName, target: first_name, mandatory: true}
    - {source: homeAddress.countryCode, target: country}
    - {source: segmentMembership.status, target: status}
  export: incremental
  schedule: {every: 24h, at: "02:00"} # UTC
  file:
    format: csv
    manifest: true
`;

type Row = readonly (string | number)[];

const CUSTOMERS: readonly Row[] = [
  ['1001', 'anna@example.com', 'Anna', 'DE', 92000, 'true'],
  ['1002', 'bernd@example.com', 'Bernd', 'DE', 41000, 'false'],
  ['1003', 'chloe@example.com', 'Chloé', 'FR', 88500, 'true'],
  ['1004', 'dmitri@example.com', 'Дмитрий', 'DE', 67000, 'true'],
  ['1005', 'emi@example.com', '恵美', 'JP', 120000, 'true'],
  ['1006', 'frank@example.com', '', 'DE', 30500, 'false'],
  ['1007', 'greta@example.com', 'Greta', 'AT', 81000, 'false'],
  ['1008', 'hugo@example.com', 'Hugo', 'DE', 99000, 'true'],
  ['1009', 'ines@example.com', 'Inés', 'ES', 52000, 'true'],
  ['1010', 'jack@example.com', 'Jack "JJ"', 'US', 140000, 'true'],
];

/** Days before now, then the rest of the row. */
const ORDERS: readonly (readonly [number, string, string, number])[] = [
  [3, '1001', 'Bikes', 1199.9],
  [200, '1001', 'Helmets', 59],
  [12, '1002', 'Gloves', 24.5],
  [40, '1003', 'Bikes', 2310],
  [88, '1004', 'Bottles', 7.95],
  [400, '1004', 'Bikes', 899],
  [20, '1006', 'Tyres', 64],
  [5, '1007', 'Bikes', 1540],
  [365, '1008', 'Bikes', 3100],
  [30, '1010', 'Jerseys', 75.25],
];

function datedOrders(now: Instant): readonly Row[] {
  return ORDERS.map(([daysAgo, customer, category, amount], index) => [
    `O-${501 + index}`,
    customer,
    formatInstant(startOfDay(now) - daysAgo * DAY_MS + 10 * 60 * 60 * 1000),
    category,
    amount,
  ]);
}

function toCsv(header: readonly string[], rows: readonly Row[]): string {
  return [header, ...rows].map((row) => `${row.map(toCell).join(',')}\n`).join('');
}

function toCell(value: string | number): string {
  return /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
}
