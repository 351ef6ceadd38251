import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { OUTBOX } from './shop-project.ts';

/** Public reference data that stands beside a developer's checkout, not in it. */
const ADVENTUREWORKS = fileURLToPath(new URL('../../../shared/data/adventureworks/', import.meta.url));
export const HAS_ADVENTUREWORKS: boolean = existsSync(`${ADVENTUREWORKS}customers.csv`);

/** The day of the last purchase, and a slot of the day before. */
export const DELIVERY_NOW = '2014-01-28T00:00:00Z';
export const DELIVERY_SLOT = '2014-01-27T02:00:00Z';
export const DELIVERY_APPLIED = '2014-01-26T00:00:00Z';
export const PEOPLE = 18_484;
/** Four parts of everybody, two of those who never bought a bike, one each of two smaller segments. */
export const DELIVERED_FILES = 8;

const COLUMNS = (
  'account_number title first_name middle_name last_name suffix email phone birth_date gender marital_status yearly_income total_children children_at_home education occupation ' +
  'house_owner cars_owned commute_distance address_line1 address_line2 city state_code state postal_code country_code country first_purchase_date'
).split(' ');
const TYPES: Readonly<Record<string, string>> = {
  birth_date: 'date',
  yearly_income: 'decimal',
  total_children: 'integer',
  children_at_home: 'integer',
  house_owner: 'boolean',
  cars_owned: 'integer',
  first_purchase_date: 'date',
};

/**
 * Everybody of AdventureWorks with every column, and three segments of them, to a folder (`local-letter`) and to the storage (`remote-letter`). Without
 * the reference data, as many generated people.
 */
export function deliveryProject(type: string, storage: StorageSpec): Record<string, string | Uint8Array> {
  return {
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: storages}\nspec: {}\n',
    ...(HAS_ADVENTUREWORKS ? readAdventureWorks() : generate()),
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {customers: {path: data/customers.csv}, purchases: {path: data/purchases.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: customers
  identities: {crmId: {column: customer_id, primary: true}}
  fields:
${COLUMNS.map((column) => `    ${column}: {column: ${column}, type: ${TYPES[column] ?? 'string'}}\n`).join('')}
  events:
    dataset: purchases
    profile: customer_id
    timestamp: order_date
    eventType: {value: purchase}
    fields: {product.category: {column: category, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: 'account_number.isNotNull()'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: german-recent}
spec: {attributes: person, pql: 'country_code = "DE" and chain(xEvent, timestamp, [A: WHAT(eventType = "purchase") WHEN(<= 90 days before now)])'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: never-a-bike}
spec: {attributes: person, pql: 'not (exists E from xEvent where E.product.category = "Bikes")'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: wealthy-owners}
spec: {attributes: person, pql: 'yearly_income >= 100000 and house_owner = true and birth_date < date(1970, 1, 1) and country_code in ["US", "CA"]'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: remote}
spec: ${JSON.stringify({ type, storage })}
${activation('local-letter', 'outbox')}${activation('remote-letter', 'remote')}`,
  };
}

function activation(name: string, destination: string): string {
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec:
  destination: ${destination}
  segments: [everybody, german-recent, never-a-bike, wealthy-owners]
  mapping:
    - {source: identityMap.crmId, target: customer_id}
${COLUMNS.map((column) => `    - {source: ${column}, target: ${column}}\n`).join('')}
  export: full
  schedule: {every: 24h, at: "02:00", start: 2014-01-01}
  file: {name: "%SEGMENT_ID%_all", maxRows: 5000}
`;
}

function readAdventureWorks(): Record<string, Uint8Array> {
  return Object.fromEntries(['customers', 'purchases'].map((name) => [`data/${name}.csv`, readFileSync(`${ADVENTUREWORKS}${name}.csv`)]));
}

/** Values that do not compress and are not all ASCII; the segments have members too. */
function generate(): Record<string, string> {
  const people = Array.from({ length: PEOPLE }, (_, index) => {
    const country = index % 2 === 0 ? 'DE' : 'US';
    const values: Readonly<Record<string, string>> = {
      account_number: `A${index}`,
      last_name: `"Ünï ""${index}"", ${randomBytes(24).toString('base64')}"`,
      email: `p${index}@example.com`,
      birth_date: '1960-01-01',
      yearly_income: '120000.00',
      total_children: '0',
      children_at_home: '0',
      house_owner: 'true',
      cars_owned: '0',
      country_code: country,
      first_purchase_date: '2013-01-01',
    };
    return [index, ...COLUMNS.map((column) => values[column] ?? '')].join(',');
  });
  const purchases = people.map((_, index) => `${index},2014-01-20,${index % 2 === 0 ? 'Bikes' : 'Clothing'}`);
  return {
    'data/customers.csv': `customer_id,${COLUMNS.join(',')}\n${people.join('\n')}\n`,
    'data/purchases.csv': `customer_id,order_date,category\n${purchases.join('\n')}\n`,
  };
}
