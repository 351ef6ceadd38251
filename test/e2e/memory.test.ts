import { DuckDBInstance } from '@duckdb/node-api';
import { copyFileSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';
import { startTinyDisk } from '../support/tiny-disk.ts';

const PEOPLE = 40_000;
const EVENTS = 700_000;
/** Of one person. */
const VERY_MANY = 60_000;
const TIGHT = '64';
const AMPLE = '3000';
const [FIRST, SECOND] = ['2026-02-01T00:00:00Z', '2026-02-02T00:00:00Z'];

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.parquet}, events: {path: events.parquet}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {country: {column: country, type: string}}
  events:
    dataset: events
    profile: person
    timestamp: ts
    eventType: {column: kind}
    fields: {sku: {column: sku, type: string}, amount: {column: amount, type: integer}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: steps}
spec: {attributes: person, pql: 'country = "DE" or chain(xEvent, timestamp, [A: WHAT(eventType = "view"), B: WHAT(sku.endsWith("7")), C: WHAT(eventType = "purchase") WHEN(<= 2 days before now)])'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: dear}
spec: {attributes: person, pql: 'xEvent.topN(amount, 3).head().sku = "sku7" or country = "FR"'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: none}
spec: {attributes: person, pql: 'not (exists E from xEvent where E.amount >= 0)'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: folder}
spec: {type: local-directory, storage: {type: local, path: out}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: changes}
spec:
  destination: folder
  segments: [steps]
  export: incremental
  schedule: {every: 24h, start: '2026-02-01'}
  file: {sort: true}
  mapping:
    - {source: identityMap.crmId}
    - {source: country}
    - {expression: 'xEvent.topN(amount, 1).head().sku', target: dearest}
    - {source: segmentMembership.status}
`;

let data: TempProject;
beforeAll(async () => {
  data = createTempProject();
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  // Whole numbers of two widths as keys, people without events, and a few without a key, of whom some are members.
  await connection.run(`copy (select if(range >= ${PEOPLE} - 20, null, range) as id, ['DE', 'FR', 'US', 'GB', 'IT', 'PL', 'NL'][1 + (hash(range, 3) % 7)::int] as country
    from range(${PEOPLE})) to '${join(data.directory, 'people.parquet')}'`);
  await connection.run(`copy (select if(range < ${VERY_MANY}, 5, hash(range) % ${PEOPLE - 5000})::int as person, timestamp '2026-01-01' + to_milliseconds(range * 3825) as ts,
    if(hash(range, 4) % 3 = 0, 'view', 'purchase') as kind, 'sku' || hash(range, 1) % 900 as sku, (hash(range, 2) % 100000)::int as amount
    from range(${EVENTS})) to '${join(data.directory, 'events.parquet')}'`);
  connection.closeSync();
});
afterAll(() => data[Symbol.dispose]());

function project(): TempProject {
  const made = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: memory}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
  });
  for (const name of ['people.parquet', 'events.parquet']) copyFileSync(join(data.directory, name), join(made.directory, name));
  return made;
}

function run({ directory }: TempProject, memory: string, now: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', directory, '--now', now, ...args], { env: { RECONCILE_MEMORY_MB: memory } });
}

/** What the commands say and deliver. */
async function outcomes(memory: string): Promise<Readonly<Record<string, unknown>>> {
  using shop = project();
  const said: Record<string, unknown> = {};
  const say = async (now: string, ...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(shop, memory, now, ...args);
    expect([0, 2], stderr).toContain(code);
    said[`${now} ${args.join(' ')}`] = { code, stdout: stdout.replace(/ +sources read .*/, '').replaceAll(shop.directory, ''), stderr };
  };
  await say(FIRST, 'plan');
  expect((await run(shop, memory, FIRST, 'apply', '--auto-approve', '--no-input')).stderr).toBe('');
  await say(FIRST, 'evaluate', '--json');
  await say(FIRST, 'preview', 'steps', '--limit', '0');
  await say(FIRST, 'explain', 'steps', '--member', '5');
  for (const slot of [FIRST, SECOND]) expect((await run(shop, memory, slot, 'run', 'changes', '--slot', slot)).stdout).toContain('success');
  const files = readdirSync(join(shop.directory, 'out'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.csv'));
  expect(files).toHaveLength(2);
  for (const name of files) said[name] = readFileSync(join(shop.directory, 'out', name), 'utf8');
  expect(readdirSync(join(shop.directory, '.reconcile', 'cache', 'engine'))).toEqual([]);
  return said;
}

test('what does not fit in memory comes to the same numbers, rows and words as what does', async () => {
  const ample = await outcomes(AMPLE);
  expect(await outcomes(TIGHT)).toEqual(ample);
}, 600_000);

test('a full disk is told as such, and nothing of the run is left', async () => {
  using shop = project();
  expect((await run(shop, AMPLE, FIRST, 'apply', '--auto-approve', '--no-input')).code).toBe(0);
  await using disk = await startTinyDisk(3 << 20);
  await rm(join(shop.directory, '.reconcile', 'cache'), { recursive: true });
  symlinkSync(disk.folder, join(shop.directory, '.reconcile', 'cache'));
  for (const args of [['evaluate'], ['run', 'changes', '--slot', FIRST]]) {
    const { code, stdout, stderr } = await run(shop, TIGHT, FIRST, ...args);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('RC2004');
    expect(stdout + stderr).toContain('free disk space');
    expect(readdirSync(join(disk.folder, 'engine'))).toEqual([]);
  }
  expect(existsSync(join(shop.directory, 'out'))).toBe(false);
}, 300_000);

test('what a killed process had divided is removed by the next one, which starts again', async () => {
  using shop = project();
  expect((await run(shop, AMPLE, FIRST, 'apply', '--auto-approve', '--no-input')).code).toBe(0);
  const wanted = await run(shop, AMPLE, FIRST, 'evaluate', 'dear');
  const engine = join(shop.directory, '.reconcile', 'cache', 'engine');
  const divided = (): boolean => readdirSync(engine, { recursive: true, encoding: 'utf8' }).some((name) => name.includes('part='));
  let watching: Promise<void> | undefined;
  const killed = await reconcile(['-C', shop.directory, '--now', FIRST, 'evaluate', 'dear'], {
    env: { RECONCILE_MEMORY_MB: TIGHT },
    started: (pid) => {
      watching = (async () => {
        while (!divided()) await wait(5);
        process.kill(pid, 'SIGKILL');
      })();
    },
  });
  await watching;
  expect(killed.signal).toBe('SIGKILL');
  expect(divided()).toBe(true);
  expect(await run(shop, TIGHT, FIRST, 'evaluate', 'dear')).toEqual(wanted);
  expect(readdirSync(engine)).toEqual([]);
}, 300_000);
