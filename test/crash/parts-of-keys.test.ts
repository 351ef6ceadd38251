import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { OUTBOX, PEOPLE_SOURCE } from '../support/shop-project.ts';

/** Three people share each of 600 emails, which are compared in parts of 250 rows. */
const IN_PARTS = { RECONCILE_ROWS_PER_PART: '250' };
const SLOT = '2026-01-01T02:00:00Z';
const WAYS = { now: [], slot: ['--slot', SLOT] } as const;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parts-of-keys-'));
  const project = join(folder, 'project');
  await mkdir(join(project, 'manifests'), { recursive: true });
  await writeFile(join(project, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: crash}\nspec: {}\n');
  await writeFile(join(project, 'manifests', 'all.yaml'), MANIFESTS);
  const people = Array.from({ length: 1800 }, (_, id) => `${id},mail${id % 600},${(id * 7919) % 1000},DE`);
  await writeFile(join(project, 'people.csv'), `id,email,name,cc\n${people.join('\n')}\n`);
  const applied = await reconcile(['-C', project, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input']);
  expect(applied.code, applied.stderr).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const MANIFESTS = `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}, Email: {column: email}}, fields: {name: {column: name, type: string}, cc: {column: cc, type: string}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: all}
spec: {attributes: person, pql: 'cc = "DE"'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: act}
spec:
  destination: outbox
  segments: [all]
  mapping: [{source: identityMap.Email, target: email}, {source: name}, {source: segmentMembership.status, target: status}]
  export: full
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
`;

test.each(
  (['now', 'slot'] as const).flatMap((way) => ['selected-part-1', 'selected-part-4', 'selected-part-8', 'selected'].map((point) => [way, point] as const)),
)('%s, killed at %s: nothing is visible, and the next start writes the bytes of a run that is not in parts', async (way, point) => {
  const [whole, project] = [join(folder, `${way}-${point}-whole`), join(folder, `${way}-${point}`)];
  for (const copy of [whole, project]) await cp(join(folder, 'project'), copy, { recursive: true });
  const run = (where: string, env: Readonly<Record<string, string>>): Promise<Ended> =>
    reconcile(['-C', where, '--now', SLOT, 'run', 'act', ...WAYS[way], '--json'], { env });
  const reference = await run(whole, {});

  const killed = await run(project, { ...IN_PARTS, RECONCILE_CRASH_AT: point });
  const visible = await outOf(project);
  const again = await run(project, IN_PARTS);

  expect(killed.signal, killed.stderr).toBe('SIGKILL');
  expect(visible).toEqual({});
  expect(again.code, again.stderr + again.stdout).toBe(0);
  const counts = { received: 1800, activated: 600, excluded: 1200, failed: 0, reasons: { duplicate: 1200 } };
  for (const { stdout } of [again, reference]) expect((JSON.parse(stdout) as { runs: readonly Run[] }).runs[0]).toMatchObject({ status: 'success', counts });
  expect(Object.keys(await outOf(project))).toHaveLength(1);
  expect(await outOf(project)).toEqual(await outOf(whole));
  expect(await spoolOf(project)).toEqual(await spoolOf(whole));
});

async function outOf(project: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(join(project, 'out')).catch(() => []);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(project, 'out', name), 'utf8')] as const)));
}

/** What is kept for `runs replay`, run ids left out. */
async function spoolOf(project: string): Promise<readonly string[]> {
  const entries = await readdir(join(project, '.reconcile', 'spool'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
