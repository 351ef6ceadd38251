import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { OUTBOX } from './shop-project.ts';

/** Makes a file of a good megabyte: the tiny disks have room for it, and not for it and what fills them. */
const ROWS = 20_000;

export const SMALL_DELIVERY_APPLIED = '2026-01-01T00:00:00Z';
export const SMALL_DELIVERY_SLOT = '2026-01-02T02:00:00Z';
export const SMALL_DELIVERY_NOW = '2026-01-10T00:00:00Z';

/** A project with one segment of everybody, to a folder `out` (`local`) and to the storage (`remote`): one file each, `everyone_all.csv`. */
export function smallDelivery(type: string, storage: StorageSpec): Record<string, string> {
  const people = Array.from({ length: ROWS }, (_, index) => `${index},p${index}@example.com,${'x'.repeat(30)}${index}`);
  return {
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: trouble}\nspec: {}\n',
    'data/people.csv': `id,email,name\n${people.join('\n')}\n`,
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: data/people.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email}}
  fields: {name: {column: name, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everyone}
spec: {attributes: person, pql: 'name.isNotNull()'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: far}
spec: ${JSON.stringify({ type, storage })}
${activation('local', 'outbox')}${activation('remote', 'far')}`,
  };
}

function activation(name: string, destination: string): string {
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec:
  destination: ${destination}
  segments: [everyone]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: name}
  export: full
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  file: {name: "%SEGMENT_ID%_all"}
`;
}
