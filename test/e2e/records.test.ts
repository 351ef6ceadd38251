import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

/** An activation over one file of its own. */
function manifests(name: string, path: string): string {
  return `apiVersion: reconcile/v1
kind: Source
metadata: {name: ${name}}
spec: {engine: duckdb, datasets: {people: {path: ${path}}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: ${name}}
spec: {source: ${name}, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {cc: {column: cc, type: string}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: ${name}}
spec: {attributes: ${name}, pql: 'cc = "DE"'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: ${name}}
spec: {type: local-directory, storage: {type: local, path: out/${name}}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec: {destination: ${name}, segments: [${name}], mapping: [{source: identityMap.crmId, target: id}], export: incremental, schedule: {every: 24h, at: "02:00", start: 2026-01-01}}
`;
}

test('whatever breaks, .reconcile names no place outside itself: sources cut in half, files in the way, snapshots that are gone', async () => {
  const kinds = { csv: 'p.csv', json: 'p.json', parquet: 'p.parquet', blocked: 'ok.csv', snapshotless: 'ok.csv' };
  using project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    ...Object.fromEntries(Object.entries(kinds).map(([name, path]) => [`manifests/${name}.yaml`, manifests(name, path)])),
    'p.csv': 'id,cc\n1,DE\n',
    'ok.csv': 'id,cc\n1,DE\n2,DE\n',
    'p.json': '{"id":1,"cc":"DE"}\n',
  });
  const instance = await DuckDBInstance.create(':memory:');
  await (await instance.connect()).run(`copy (select 1 as id, 'DE' as cc) to '${join(project.directory, 'p.parquet')}'`);
  const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
  const [first, second] = ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z'];
  const applied = await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  const good = await call(first, 'run', ...Object.keys(kinds), '--slot', first);
  for (const gone of ['out/blocked', '.reconcile/snapshots/snapshotless']) rmSync(join(project.directory, gone), { recursive: true });
  project.write('out/blocked', 'a file where a folder should be');
  project.write('ok.csv', 'id,cc\n3,DE\n');
  project.write('p.csv', 'id,cc\n1,"DE\n2,DE\n');
  project.write('p.json', '{"id":1,"cc":"DE"\n{"id":2');
  project.write('p.parquet', readFileSync(join(project.directory, 'p.parquet')).subarray(0, 100));
  const broken = await call(second, 'run', ...Object.keys(kinds), '--slot', second, '--json');

  expect([applied.code, good.code], applied.stderr + good.stderr + good.stdout).toEqual([0, 0]);
  expect(broken.code, broken.stderr).toBe(1);
  const runs = (JSON.parse(broken.stdout) as { runs: readonly Run[] }).runs;
  expect(Object.fromEntries(runs.map(({ activation, error }) => [activation, `${error?.code} ${error?.message}`]))).toEqual({
    csv: expect.stringMatching(/^RC2003 line 2 of `p\.csv`/),
    json: expect.stringMatching(/^RC2003 .*"p\.json"/),
    parquet: expect.stringMatching(/^RC2003 .*'p\.parquet'/),
    blocked: expect.stringMatching(/^RC5015 .*`out\/blocked\//),
    snapshotless: expect.stringMatching(/^RC2001 .*`\.reconcile\/snapshots\/snapshotless/),
  });
  const kept = readdirSync(join(project.directory, '.reconcile'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const telling = kept.filter((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(project.directory)).map(({ name }) => name);
  expect([kept.length > 5, telling]).toEqual([true, []]);
});
