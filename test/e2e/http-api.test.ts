import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createStarterProjects, type StarterProjects } from '../support/starter-project.ts';

const open: (() => Promise<unknown>)[] = [];
let projects: StarterProjects;

beforeAll(async () => {
  projects = await createStarterProjects('http-api');
  return projects.remove;
});
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface RunJson {
  readonly runs: readonly {
    readonly status: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly files: readonly { readonly rows: number }[];
    readonly import?: { readonly status: string };
  }[];
}

test('rows to an HTTP endpoint', async () => {
  const rows: { readonly email: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const batch = JSON.parse(Buffer.concat(chunks).toString('utf8') || '[]') as { readonly email: string }[];
        rows.push(...batch);
        response.writeHead(request.headers.authorization === 'Bearer tok-CANARY' ? 202 : 401).end();
      });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  open.push(() => new Promise((done) => void server.close(done)));
  const project = projects.make({
    'manifests/api.yaml': `apiVersion: reconcile/v1
kind: Destination
metadata: {name: scoring}
spec:
  type: http-api
  details: {maxRows: 2}
  connection:
    url: http://127.0.0.1:${(server.address() as AddressInfo).port}/members
    auth: {type: bearer, token: {env: API_TOKEN}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-api}
spec:
  destination: scoring
  segments: [wealthy-owners]
  mapping:
    - {source: identityMap.Email, target: email}
`,
  });
  const env = { API_TOKEN: 'tok-CANARY' };
  expect(await reconcile(['-C', project, 'apply', '--auto-approve'], { env })).toMatchObject({ code: 0 });
  const ended = await reconcile(['-C', project, 'run', 'to-api', '--json'], { env });
  const { runs } = JSON.parse(ended.stdout) as RunJson;
  expect(runs).toMatchObject([{ status: 'success', import: { status: 'imported' } }]);
  expect(rows.length).toBe(runs[0]?.files.reduce((sum, file) => sum + file.rows, 0));
  expect(rows.every(({ email }) => email.includes('@'))).toBe(true);
  const written = readdirSync(project, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.parentPath.endsWith('manifests'));
  expect(written.filter((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1').includes('CANARY'))).toEqual([]);
});

test('rows that an endpoint refuses count as failed; where none may be refused, the run fails and a retry sends the same keys', async () => {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        keys.push(String(request.headers['idempotency-key']));
        const batch = JSON.parse(Buffer.concat(chunks).toString('utf8') || '[]') as { readonly email: string }[];
        response.writeHead(batch.some(({ email }) => email === refused) ? 422 : 202).end();
      });
  });
  let refused = '';
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  open.push(() => new Promise((done) => void server.close(done)));
  const manifest = (maxRejectedRows: number): string => `apiVersion: reconcile/v1
kind: Destination
metadata: {name: scoring}
spec:
  type: http-api
  details: {maxRows: 3, maxRejectedRows: ${maxRejectedRows}}
  connection: {url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/members"}
  storage: {type: local, path: out/api}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-api}
spec:
  destination: scoring
  segments: [wealthy-owners]
  mapping: [{source: identityMap.Email, target: email}]
  export: incremental
  schedule: {every: 6h}
`;
  const project = projects.make({ 'manifests/api.yaml': manifest(0) });
  const call = (...args: string[]): Promise<Ended> => reconcile(['-C', project, ...args]);
  expect(await call('--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  refused = await someEmail(project);
  keys.splice(0);
  const slot = ['--now', '2026-12-01T06:10:00Z', 'run', 'to-api', '--slot', '2026-12-01T06:00:00Z', '--json'];
  const failed = await call(...slot);
  expect(failed.code).toBe(1);
  const before = keys.splice(0);
  writeFileSync(join(project, 'manifests/api.yaml'), manifest(1));
  expect(await call('--now', '2026-12-01T06:20:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const ended = await call(...slot);
  expect(ended.code).toBe(0);
  const [run] = (JSON.parse(ended.stdout) as RunJson).runs;
  const { received = 0, activated = 0, excluded = 0, failed: refusals } = run?.counts ?? {};
  expect(refusals).toBe(1);
  expect(received).toBe(activated + excluded + 1);
  expect(run?.counts['reasons']).toEqual({ 'refused by the destination': 1 });
  expect(run?.import).toMatchObject({ status: 'imported', rows: activated, message: expect.stringMatching(/refused 1 row .*row \d+/) as string });
  // The look of apply carries none.
  expect(keys.filter((key) => key !== 'undefined')).toEqual(before);
});

test('behind another address nobody was delivered yet: the next slot is everybody, and the plan says so', async () => {
  const took: string[][] = [[], [], []];
  const addresses: string[] = [];
  for (const [index, taken] of took.entries()) {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const batch = JSON.parse(Buffer.concat(chunks).toString('utf8') || '[]') as { readonly email: string }[];
          taken.push(...batch.map(({ email }) => email));
          response.writeHead(index === 2 && batch.length > 0 ? 403 : 202).end();
        });
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    open.push(() => new Promise((done) => void server.close(done)));
    addresses.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}/members`);
  }
  const [first = '', second = '', wrong = ''] = addresses;
  const project = projects.make({ 'manifests/api.yaml': manifestTo(wrong) });
  const call = (now: string, ...args: string[]): Promise<Ended> => reconcile(['-C', project, '--now', now, ...args]);
  const run = async (slot: string): Promise<unknown> => JSON.parse((await call(slot, 'run', 'to-api', '--slot', slot, '--json')).stdout) as unknown;
  // An address that was wrong at first costs nothing: who goes out to the right one is on record there.
  expect(await call('2026-12-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await run('2026-12-01T06:00:00Z')).toMatchObject({ runs: [{ status: 'failed' }] });
  writeFileSync(join(project, 'manifests/api.yaml'), manifestTo(first));
  expect(await call('2026-12-01T07:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await run('2026-12-01T06:00:00Z')).toMatchObject({ runs: [{ status: 'success' }] });
  expect(took[0]?.length).toBeGreaterThan(1);
  expect(await run('2026-12-01T12:00:00Z')).toMatchObject({ runs: [{ status: 'success', counts: { received: 0 } }] });

  writeFileSync(join(project, 'manifests/api.yaml'), manifestTo(second));
  const planned = await call('2026-12-01T13:00:00Z', 'apply', '--auto-approve');
  expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining('the rows go to another place: the next export of to-api is everybody')]);
  expect(await run('2026-12-01T18:00:00Z')).toMatchObject({ runs: [{ status: 'success' }] });
  expect(took[1]?.toSorted()).toEqual(took[0]?.toSorted());
  expect(await run('2026-12-02T00:00:00Z')).toMatchObject({ runs: [{ status: 'success', counts: { received: 0 } }] });
}, 120_000);

/** An incremental activation to an address. */
function manifestTo(url: string): string {
  return `apiVersion: reconcile/v1
kind: Destination
metadata: {name: scoring}
spec:
  type: http-api
  connection: {url: "${url}"}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-api}
spec:
  destination: scoring
  segments: [wealthy-owners]
  mapping: [{source: identityMap.Email, target: email}]
  export: incremental
  schedule: {every: 6h, at: "00:00", start: 2026-12-01}
`;
}

/** The address of one member, from the preview's own count of the file that a first export writes. */
async function someEmail(project: string): Promise<string> {
  const at = ['--now', '2026-12-01T06:05:00Z'];
  expect(await reconcile(['-C', project, ...at, 'run', 'to-api', '--json'])).toMatchObject({ code: 0 });
  const [file = ''] = readdirSync(join(project, 'out/api'));
  const [, second = ''] = readFileSync(join(project, 'out/api', file), 'utf8').split('\n');
  return (JSON.parse(second) as { readonly email: string }).email;
}
