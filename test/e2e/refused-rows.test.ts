import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { randomFrom } from '../support/random.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

/** An endpoint with a table of its own: it takes rows as upserts and exits as deletions, and refuses whomever it is told to. */
class Endpoint {
  readonly members = new Set<string>();
  readonly refused = new Set<string>();
  server: Server | undefined;

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const rows = JSON.parse(Buffer.concat(chunks).toString('utf8') || '[]') as { readonly key: string; readonly status: string }[];
          const bad = rows.some(({ key }) => this.refused.has(key));
          if (!bad) for (const { key, status } of rows) this.members[status === 'exited' ? 'delete' : 'add'](key);
          response.writeHead(bad ? 422 : 202).end();
        });
    });
    await new Promise<void>((done) => void this.server?.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/members`;
  }
}

const endpoint = new Endpoint();
let url: string;
const folders: string[] = [];

beforeAll(async () => {
  url = await endpoint.start();
});
afterAll(async () => {
  await new Promise((done) => endpoint.server?.close(done));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  endpoint.members.clear();
  endpoint.refused.clear();
});

interface Person {
  readonly id: number;
  readonly country: string;
}

const emailOf = ({ id }: Person): string => `p${id}@example.com`;
const HEAD = 'customer_id,email,country\n';
const writePeople = (project: string, people: readonly Person[]): void =>
  writeFileSync(join(project, 'people.csv'), `${HEAD}${people.map((person) => `${person.id},${emailOf(person)},${person.country}\n`).join('')}`);
const some = (from: number, to: number, country = 'DE'): readonly Person[] => Array.from({ length: to - from }, (_, index) => ({ id: from + index, country }));

const START = Date.UTC(2026, 11, 1);
const HOUR = 3_600_000;
const slotOf = (index: number): string => new Date(START + index * 6 * HOUR).toISOString().replace('.000', '');

/** An incremental activation that is applied, over people of which the Germans are members. */
async function makeProject(
  people: readonly Person[],
  { maxRejectedRows = 50, identity = 'Email', maxRemovedPercent = 100, fileRows = 20 } = {},
): Promise<string> {
  const { directory } = await createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: refusals}\nspec: {manifests: [manifests]}\n',
    'people.csv': HEAD,
    'manifests/all.yaml': `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: customer}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: customer_id, primary: true}, Email: {column: email}}
  fields: {country: {column: country, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: german}
spec: {attributes: customer, pql: 'country = "DE"'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: scoring}
spec:
  type: http-api
  details: {maxRows: 7, maxRejectedRows: ${maxRejectedRows}}
  connection: {url: "${url}"}
  storage: {type: local, path: out}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-api}
spec:
  destination: scoring
  segments: [german]
  mapping: [{source: identityMap.${identity}, target: key}, {source: segmentMembership.status, target: status}]
  export: incremental
  schedule: {every: 6h, start: 2026-12-01}
  guards: {maxRemovedPercent: ${maxRemovedPercent}}
  file: {maxRows: ${fileRows}}
`,
  });
  folders.push(directory);
  writePeople(directory, people);
  const applied = await reconcile(['-C', directory, '--now', '2026-12-01T00:00:00Z', 'apply', '--auto-approve']);
  expect(applied.code, applied.stderr).toBe(0);
  return directory;
}

const call = (project: string, index: number, ...args: string[]): Promise<Ended> =>
  reconcile(['-C', project, '--now', slotOf(index).replace('00:00Z', '10:00Z'), ...args]);

async function runSlot(project: string, index: number, env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const ended = await reconcile(['-C', project, '--now', slotOf(index).replace('00:00Z', '10:00Z'), 'run', 'to-api', '--slot', slotOf(index), '--json'], {
    env,
  });
  expect(ended.code, ended.stderr).toBe(0);
  const [run] = (JSON.parse(ended.stdout) as { readonly runs: readonly Run[] }).runs;
  if (run === undefined) throw new Error('no run');
  const { received, activated, excluded, failed } = run.counts;
  expect(received).toBe(activated + excluded + failed);
  return run;
}

const sorted = (values: Iterable<string>): readonly string[] => [...values].toSorted();

test('who was refused is sent again with each slot until it is taken, joiners and exits alike', async () => {
  const before = some(1, 60);
  const project = await makeProject(before);
  endpoint.refused.add('p3@example.com').add('p45@example.com');
  const first = await runSlot(project, 1);
  expect(first).toMatchObject({
    counts: { received: 59, activated: 57, failed: 2, reasons: { 'refused by the destination': 2 } },
    refused: { rows: 2, list: `rejects/to-api/german/${first.id}.refused.csv` },
  });
  const list = readFileSync(join(project, '.reconcile', first.refused?.list ?? ''), 'utf8')
    .trimEnd()
    .split('\n');
  expect(list[0]).toBe('id,file,row');
  expect(list.slice(1).map((line) => line.split(',')[0])).toEqual(['3', '45']);
  expect(list[2]?.split(',').slice(1)).toEqual([first.files[2]?.path, '5']);
  expect(sorted(endpoint.members)).toEqual(sorted(before.map(emailOf).filter((email) => !endpoint.refused.has(email))));

  // Still refused: reported again, and nobody else is sent.
  const second = await runSlot(project, 2);
  expect(second.counts).toMatchObject({ received: 2, activated: 0, failed: 2 });
  expect((await call(project, 2, 'status')).stdout).toMatch(/success, 0 rows, 2 refused/);
  expect((await call(project, 2, 'status', '--json')).stdout).toContain('2 rows were refused by the destination and the next slot sends them again');
  expect((await call(project, 2, 'runs', 'show', second.id)).stdout).toMatch(
    /2 refused: the next slot sends them again; who: \.reconcile\/rejects\/to-api\/german\/.*\.refused\.csv/,
  );
  expect((await call(project, 2, 'explain', 'to-api', '--member', '3')).stdout).toContain(
    'the destination refused them: the next file of a slot has them again',
  );

  // Taken at last: no row, no list is left over. Of who leaves, two exits are refused; one of them vanished from the source.
  endpoint.refused.clear();
  endpoint.refused.add('p10@example.com').add('p11@example.com');
  const after = [...some(1, 10), ...some(11, 13, 'FR'), ...some(13, 60)];
  writePeople(project, after);
  const third = await runSlot(project, 3);
  expect(third.counts).toMatchObject({ received: 5, activated: 3, failed: 2 });
  expect(endpoint.members.has('p10@example.com') && endpoint.members.has('p11@example.com')).toBe(true);
  expect(endpoint.members.has('p12@example.com')).toBe(false);
  expect((await call(project, 3, 'explain', 'to-api', '--member', '11')).stdout).toContain('the destination refused the row that says that they left');
  // Their row stands in the first file and was refused there.
  expect((await call(project, 3, 'explain', 'to-api', '--member', '45')).stdout).toContain('or a later one)');
  expect((await runSlot(project, 4)).counts).toMatchObject({ received: 2, activated: 0, failed: 2 });

  // One of them comes back meanwhile: the endpoint never heard that they left, so there is nothing to say.
  writePeople(project, [...after.filter(({ id }) => id !== 11), { id: 11, country: 'DE' }]);
  endpoint.refused.clear();
  const last = await runSlot(project, 5);
  expect(last.counts).toMatchObject({ received: 1, activated: 1, failed: 0 });
  expect(last.refused).toBeUndefined();
  expect(sorted(endpoint.members)).toEqual(sorted([...some(1, 10), { id: 11, country: 'DE' }, ...some(13, 60)].map(emailOf)));
  expect((await runSlot(project, 6)).files).toEqual([]);
  expect(readdirSync(join(project, '.reconcile/rejects/to-api/german'))).toHaveLength(4);
}, 180_000);

test('more than may be refused fail the run: the list says who, and the next slot sends everybody', async () => {
  const people = some(1, 30);
  const project = await makeProject(people, { maxRejectedRows: 1 });
  endpoint.refused.add('p3@example.com').add('p25@example.com');
  const failed = await call(project, 1, 'run', 'to-api', '--slot', slotOf(1), '--json');
  expect(failed.code).toBe(1);
  const [run] = (JSON.parse(failed.stdout) as { readonly runs: readonly Run[] }).runs;
  expect(run).toMatchObject({ status: 'failed', error: { code: 'RC4014' }, counts: { activated: 0, failed: 29 }, refused: { rows: 2 } });
  expect(readFileSync(join(project, '.reconcile', run?.refused?.list ?? ''), 'utf8')).toMatch(/^id,file,row\n3,.*\n25,.*\n$/);
  endpoint.refused.clear();
  expect((await runSlot(project, 2)).counts).toMatchObject({ received: 29, activated: 29 });
  expect(sorted(endpoint.members)).toEqual(sorted(people.map(emailOf)));
});

test('more than may be refused, and mended: a retry sends everybody, no list of them is left, and the next slot has nobody to send', async () => {
  const people = some(1, 30);
  const project = await makeProject(people, { maxRejectedRows: 1 });
  endpoint.refused.add('p3@example.com').add('p25@example.com');
  const failed = await call(project, 1, 'run', 'to-api', '--slot', slotOf(1), '--json');
  const [run] = (JSON.parse(failed.stdout) as { readonly runs: readonly Run[] }).runs;
  const list = join(project, '.reconcile', run?.refused?.list ?? '');
  expect([failed.code, existsSync(list)]).toEqual([1, true]);
  endpoint.refused.clear();
  const retried = await call(project, 1, 'runs', 'retry', run?.id ?? '', '--json');
  expect(retried.code, retried.stderr).toBe(0);
  const [again] = (JSON.parse(retried.stdout) as { readonly runs: readonly Run[] }).runs;
  expect(again).toMatchObject({ id: run?.id, status: 'success', counts: { received: 29, activated: 29, failed: 0 } });
  expect([again?.refused, existsSync(list)]).toEqual([undefined, false]);
  expect(sorted(endpoint.members)).toEqual(sorted(people.map(emailOf)));
  expect((await runSlot(project, 2)).files).toEqual([]);
});

test('more than may be refused, and the next slot comes first: of those who were taken, who left meanwhile is told', async () => {
  const project = await makeProject(some(1, 30), { maxRejectedRows: 1 });
  writePeople(project, some(20, 30));
  expect((await runSlot(project, 1)).counts).toMatchObject({ activated: 10 });
  endpoint.refused.add('p3@example.com').add('p5@example.com');
  // 21 leaves and is back.
  writePeople(project, [...some(1, 21), ...some(22, 30)]);
  const failed = await call(project, 2, 'run', 'to-api', '--slot', slotOf(2), '--json');
  expect([failed.code, endpoint.members.size]).toEqual([1, 26]);
  endpoint.refused.clear();
  writePeople(project, some(4, 30));
  await runSlot(project, 3);
  expect(sorted(endpoint.members)).toEqual(sorted(some(4, 30).map(emailOf)));
});

test('so many are refused that sending stops within a file: those of it who were taken before count as told, too', async () => {
  const project = await makeProject(some(1, 150), { maxRejectedRows: 1, fileRows: 1000 });
  for (const person of some(20, 150)) endpoint.refused.add(emailOf(person));
  const failed = await call(project, 1, 'run', 'to-api', '--slot', slotOf(1), '--json');
  const [run] = (JSON.parse(failed.stdout) as { readonly runs: readonly Run[] }).runs;
  expect(run).toMatchObject({ status: 'failed', import: { status: 'import-failed', rows: 19 } });
  expect(sorted(endpoint.members)).toEqual(sorted(some(1, 20).map(emailOf)));
  endpoint.refused.clear();
  writePeople(project, some(4, 150));
  await runSlot(project, 2);
  expect(sorted(endpoint.members)).toEqual(sorted(some(4, 150).map(emailOf)));
});

test('who was refused is not among the members on record that guards count from', async () => {
  // Percentages count from a hundred members on, and 99 of these 101 were delivered.
  const project = await makeProject(some(1, 102), { maxRemovedPercent: 10 });
  endpoint.refused.add('p3@example.com').add('p25@example.com');
  expect((await runSlot(project, 1)).counts).toMatchObject({ activated: 99, failed: 2 });
  endpoint.refused.clear();
  writePeople(project, some(1, 52));
  expect((await runSlot(project, 2)).counts).toMatchObject({ received: 52, activated: 52 });
  expect(sorted(endpoint.members)).toEqual(sorted(some(1, 52).map(emailOf)));
});

const POINTS = ['journaled-verified', 'delivered', 'refused-noted', 'journaled-delivered', 'snapshot-placed', 'recorded'] as const;

test.each(POINTS)('killed at %s with joiners and exits refused: nobody is lost', async (point) => {
  const project = await makeProject(some(1, 40));
  await runSlot(project, 1);
  writePeople(project, [...some(1, 5, 'FR'), ...some(6, 50)]);
  for (const id of [2, 5, 41, 44]) endpoint.refused.add(`p${id}@example.com`);
  const slot = ['--now', slotOf(2).replace('00:00Z', '10:00Z'), 'run', 'to-api', '--slot', slotOf(2), '--json'];
  const killed = await reconcile(['-C', project, ...slot], { env: { RECONCILE_CRASH_AT: point } });
  expect(killed.signal, killed.stderr).toBe('SIGKILL');
  const run = await runSlot(project, 2);
  expect(run.counts).toMatchObject({ received: 15, activated: 11, failed: 4 });
  expect(
    readFileSync(join(project, '.reconcile', run.refused?.list ?? ''), 'utf8')
      .match(/^\d+/gm)
      ?.map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual([2, 5, 41, 44]);
  endpoint.refused.clear();
  expect((await runSlot(project, 3)).counts).toMatchObject({ received: 4, activated: 4, failed: 0 });
  expect(sorted(endpoint.members)).toEqual(sorted(some(6, 50).map(emailOf)));
});

test('killed before the refusals are noted, with the spool’s rows lost: sent anew, nobody is lost', async () => {
  const project = await makeProject(some(1, 40));
  endpoint.refused.add('p7@example.com');
  const slot = ['--now', slotOf(1).replace('00:00Z', '10:00Z'), 'run', 'to-api', '--slot', slotOf(1), '--json'];
  expect(await reconcile(['-C', project, ...slot], { env: { RECONCILE_CRASH_AT: 'delivered' } })).toMatchObject({ signal: 'SIGKILL' });
  const [spool = ''] = readdirSync(join(project, '.reconcile/spool'));
  rmSync(join(project, '.reconcile/spool', spool, 'staged.parquet'));
  expect((await runSlot(project, 1)).counts).toMatchObject({ received: 39, activated: 38, failed: 1 });
  endpoint.refused.clear();
  expect((await runSlot(project, 2)).counts).toMatchObject({ received: 1, activated: 1 });
  expect(sorted(endpoint.members)).toEqual(sorted(some(1, 40).map(emailOf)));
});

// By an identity that has to be deduplicated and carried the selection is whole; by the primary one it holds differences only.
test.each(['Email', 'crmId'])(
  'ten slots of random comings, goings and refusals, by %s: the endpoint ends with exactly the members',
  async (identity) => {
    const keyOf = (person: Person): string => (identity === 'Email' ? emailOf(person) : String(person.id));
    const random = randomFrom(20261124);
    const project = await makeProject(some(1, 80), { identity });
    const countries = new Map<number, string>();
    let people: readonly Person[] = [];
    for (let index = 1; index <= 11; index += 1) {
      endpoint.refused.clear();
      people = some(1, 80).flatMap(({ id }) => {
        const country = index === 1 || random() < 0.2 ? (random() < 0.6 ? 'DE' : 'FR') : (countries.get(id) ?? 'FR');
        countries.set(id, country);
        // Some vanish from the source for a while.
        return random() < 0.1 ? [] : [{ id, country }];
      });
      writePeople(project, people);
      if (index <= 10) for (const person of some(1, 80)) if (random() < 0.2) endpoint.refused.add(keyOf(person));
      const run = await runSlot(project, index);
      expect(run.counts.failed).toBe(run.refused?.rows ?? 0);
    }
    expect(sorted(endpoint.members)).toEqual(sorted(people.filter(({ country }) => country === 'DE').map(keyOf)));
  },
  180_000,
);

test('a replay sends the same bytes in the same order, also when they are built again', async () => {
  const project = await makeProject(some(1, 60));
  endpoint.refused.add('p20@example.com');
  const first = await runSlot(project, 1);
  const copy = `${project}-copy`;
  cpSync(project, copy, { recursive: true });
  folders.push(copy);
  rmSync(join(copy, '.reconcile/spool'), { recursive: true });
  const replayed = await call(copy, 1, 'runs', 'replay', first.id);
  expect(replayed.code, replayed.stderr).toBe(0);
  expect(replayed.stdout + replayed.stderr).toContain('found equal by digest');
  // What it refused stays to be sent with the next slot.
  endpoint.refused.clear();
  expect((await runSlot(copy, 2)).counts).toMatchObject({ received: 1, activated: 1 });
});
