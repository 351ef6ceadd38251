import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import { countSegments } from '../../../src/export/count-segments.ts';
import type { AppliedResource } from '../../../src/export/deps.ts';
import { resourceKey, type ResourceKey } from '../../../src/model/resource.ts';

const PEOPLE = 60_000;
const EVENTS = 600_000;
const SEGMENTS = {
  first: 'xEvent.topN(amount, 3).head().sku = "sku7"',
  none: 'not (exists E from xEvent where E.amount >= 0)',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reconcile-count-'));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  // Whole numbers of two widths as keys, and people without events.
  await connection.run(`copy (select range as id from range(${PEOPLE})) to '${join(folder, 'people.parquet')}'`);
  await connection.run(`copy (select (hash(range) % ${PEOPLE - 5000})::int as person, timestamp '2026-01-01' + to_seconds(range) as ts, 'sku' || hash(range, 1) % 900 as sku,
    (hash(range, 2) % 100000)::int as amount from range(${EVENTS})) to '${join(folder, 'events.parquet')}'`);
  connection.closeSync();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function count(memoryLimitMb: number): ReturnType<typeof countSegments> {
  const source = { engine: 'duckdb', datasets: { people: { path: 'people.parquet' }, events: { path: 'events.parquet' } } } as const;
  const fields = { sku: { column: 'sku', type: 'string' }, amount: { column: 'amount', type: 'integer' } };
  const attributes = {
    source: 'big',
    dataset: 'people',
    identities: { id: { column: 'id', primary: true } },
    fields: {},
    events: { dataset: 'events', profile: 'person', timestamp: 'ts', eventType: { value: 'purchase' }, fields },
  };
  const resources = new Map<ResourceKey, AppliedResource>([
    [resourceKey('Source', 'big'), { metadata: { name: 'big' }, spec: source }],
    [resourceKey('Attributes', 'person'), { metadata: { name: 'person' }, spec: attributes }],
    ...Object.entries(SEGMENTS).map(([name, pql]) => [resourceKey('Segment', name), { metadata: { name }, spec: { attributes: 'person', pql } }] as const),
  ]);
  const engine = (model: Parameters<typeof createDuckDbEngine>[0]['model']): ReturnType<typeof createDuckDbEngine> =>
    createDuckDbEngine({ model, project: folder, cacheFolder: join(folder, 'cache'), temporaryFolder: join(folder, 'spill'), memoryLimitMb, threads: 2 });
  return countSegments({ engine }, { resources, segments: Object.keys(SEGMENTS), now: Date.UTC(2026, 10, 1) });
}

test('lists of events that do not fit in memory are counted part by part, to the same numbers', async () => {
  const roomy = await count(2000);
  expect(roomy.every(({ members }) => members > 0 && members < PEOPLE)).toBe(true);
  expect(await count(40)).toEqual(roomy);
}, 120_000);
