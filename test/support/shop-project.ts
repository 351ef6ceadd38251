import { createTempProject, type TempProject } from './temp-project.ts';

/** People in one CSV file beside the manifests' folder. */
export const PEOPLE_SOURCE = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}}}`;

/** The folder `out` of a project as a destination. */
export const OUTBOX = `apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}}`;

/** Those whose `cc` is DE, of the attributes `person`. */
export const GERMAN = `apiVersion: reconcile/v1
kind: Segment
metadata: {name: german}
spec: {attributes: person, pql: 'cc = "DE"'}`;

const MANIFESTS = `apiVersion: reconcile/v1
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
  fields:
    name: {column: name, type: string}
    income: {column: income, type: integer}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: rich}
spec: {attributes: person, pql: 'income > 50'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: poor}
spec: {attributes: person, pql: 'income <= 50'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: letter}
spec:
  destination: outbox
  segments: [rich, poor]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: name, mandatory: true}
    - {source: segmentMembership.status, target: status}
  export: incremental
  schedule: {every: 6h, at: "02:00", start: 2026-01-01}
`;

/** A small project: 300 people of whom 200 are rich, two segments, one incremental activation; seven documents in one file, and no state yet. */
export function createShopProject(): TempProject {
  const people = Array.from(
    { length: 300 },
    (_, index) => `${index},p${index}@example.com,${index % 10 === 0 ? '' : `Name ${index}`},${index % 3 === 0 ? 10 : 60}`,
  );
  return createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'data/people.csv': `id,email,name,income\n${people.join('\n')}\n`,
  });
}

/** More segments, as a file of their own. */
export function manySegments(count: number): string {
  return Array.from(
    { length: count },
    (_, index) => `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: s${index}}\nspec: {attributes: person, pql: 'income > ${index}'}\n`,
  ).join('---\n');
}
