import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { AppliedResource } from '../../../src/export/deps.ts';
import { sampleSegment } from '../../../src/export/sample-segment.ts';
import { resourceKey, type ResourceKey } from '../../../src/model/resource.ts';
import { createTempProject } from '../../support/temp-project.ts';

test.each(['id', 'ID'])('an attribute named `%s` is itself, not the primary identity', async (name) => {
  using project = createTempProject({ 'people.csv': 'crm,id\n1,7\n2,8\n7,9\n' });
  const attributes = {
    source: 'shop',
    dataset: 'people',
    identities: { crmId: { column: 'crm', primary: true } },
    fields: { [name]: { column: 'id', type: 'integer' } },
  };
  const resources = new Map<ResourceKey, AppliedResource>([
    [resourceKey('Source', 'shop'), { metadata: { name: 'shop' }, spec: { engine: 'duckdb', datasets: { people: { path: 'people.csv' } } } }],
    [resourceKey('Attributes', 'person'), { metadata: { name: 'person' }, spec: attributes }],
  ]);
  const folders = { cacheFolder: join(project.directory, 'cache'), temporaryFolder: join(project.directory, 'tmp') };
  const engine = (model: Parameters<typeof createDuckDbEngine>[0]['model']): ReturnType<typeof createDuckDbEngine> =>
    createDuckDbEngine({ model, project: project.directory, ...folders, memoryLimitMb: 128 });
  const found = await sampleSegment(
    { engine },
    { resources, attributes: 'person', pql: `${name} > 7`, segment: '--pql', now: Date.UTC(2026, 10, 1), limit: 5 },
  );

  const shown = name === 'id' ? '$1.id' : name;
  expect(found.members).toBe(2);
  expect(found.sample.map((row) => row[shown]).toSorted()).toEqual(['8', '9']);
  expect(found.sample.map((row) => Object.keys(row))).toEqual([
    ['id', shown],
    ['id', shown],
  ]);
});
