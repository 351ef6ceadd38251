import { expect, test } from 'vitest';
import type { AppliedResource, AppliedResources } from '../../../src/export/deps.ts';
import { resolveJobs } from '../../../src/export/resolve-job.ts';
import type { ResourceKey } from '../../../src/model/resource.ts';

const NOW = Date.UTC(2026, 0, 1);

function applied(title: string): AppliedResources {
  const resources: readonly (readonly [ResourceKey, AppliedResource])[] = [
    ['Source/shop', { metadata: { name: 'shop' }, spec: { engine: 'duckdb', datasets: { people: { path: 'people.csv' } } } }],
    ['Attributes/person', { metadata: { name: 'person' }, spec: { source: 'shop', dataset: 'people', identities: { id: { column: 'id', primary: true } } } }],
    ['Segment/all', { metadata: { name: 'all', title }, spec: { attributes: 'person', pql: 'identityMap.id.isNotNull()' } }],
    ['Destination/outbox', { metadata: { name: 'outbox' }, spec: { type: 'local-directory', storage: { type: 'local', path: 'out/%SEGMENT_NAME%' } } }],
    ['Activation/act', { metadata: { name: 'act' }, spec: { destination: 'outbox', segments: ['all'], mapping: [{ source: 'identityMap.id' }] } }],
  ];
  return new Map(resources);
}

test.each([
  ['Buyers & Co', 'out/Buyers___Co'],
  ['../../etc', 'out/.._.._etc'],
  ['..', 'out/__'],
  ['.', 'out/_'],
])('files of a segment with the title %s land below the folder of the destination', (title, path) => {
  const [one] = resolveJobs({ resources: applied(title), activation: 'act', slot: null, now: NOW }, () => undefined);
  expect(one?.storage).toEqual({ type: 'local', path });
});
