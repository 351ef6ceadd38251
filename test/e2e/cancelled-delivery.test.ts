import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { GERMAN, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

const SLOTS = ['2026-12-01T00:00:00Z', '2026-12-01T06:00:00Z'] as const;

/** An endpoint that takes every batch of a key once, as real ones do: what comes again under it has been taken. */
async function startEndpoint(isDown: (number: number) => boolean): Promise<AsyncDisposable & { readonly url: string; readonly taken: Map<string, string> }> {
  const taken = new Map<string, string>();
  let number = 0;
  const server = createServer((request, response) => {
    let body = '';
    request
      .setEncoding('utf8')
      .on('data', (text: string) => (body += text))
      .on('end', () => {
        const key = String(request.headers['idempotency-key']);
        const down = request.method === 'POST' && isDown((number += 1));
        if (request.method === 'POST' && !down && !taken.has(key)) taken.set(key, body);
        response.writeHead(down ? 503 : 202).end();
      });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/members`,
    taken,
    [Symbol.asyncDispose]: () => new Promise((done) => void server.close(() => done())),
  };
}

async function makeProject(destination: string, file = '{}'): Promise<Project> {
  const project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: cancelled}\nspec: {}\n',
    'manifests/all.yaml': `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {cc: {column: cc, type: string}}}
---
${GERMAN}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: far}
spec: ${destination}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: far
  segments: [german]
  mapping: [{source: identityMap.crmId, target: key}, {source: segmentMembership.status, target: status}]
  export: incremental
  file: ${file}
  schedule: {every: 6h, at: "00:00", start: 2026-12-01}
  guards: {maxRemovedPercent: 100}
`,
  });
  const call: Project['call'] = (now, ...args) => reconcile(['-C', project.directory, '--now', now, ...args]);
  const people: Project['people'] = (...ids) => project.write('people.csv', `id,cc\n${ids.map((id) => `${id},DE`).join('\n')}\n`);
  people(1, 2, 3);
  expect(await call('2026-11-30T12:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  return {
    directory: project.directory,
    people,
    call,
    one: async (now, ...args) => {
      const { stdout } = await call(now, ...args, '--json');
      const [run] = (JSON.parse(stdout) as { runs: readonly Run[] }).runs;
      if (run === undefined) throw new Error('no run');
      return run;
    },
    [Symbol.dispose]: () => project[Symbol.dispose](),
  };
}

interface Project extends Disposable {
  readonly directory: string;
  readonly people: (...ids: readonly number[]) => void;
  readonly call: (now: string, ...args: readonly string[]) => Promise<Ended>;
  /** The run that a command tells of. */
  readonly one: (now: string, ...args: readonly string[]) => Promise<Run>;
}

/** The members as an endpoint has them that took these batches. */
function membersOf(taken: ReadonlyMap<string, string>): readonly string[] {
  const members = new Set<string>();
  for (const body of taken.values()) {
    for (const { key, status } of JSON.parse(body) as { key: string; status: string }[]) members[status === 'exited' ? 'delete' : 'add'](key);
  }
  return [...members].toSorted();
}

test.each(['retry', 'run'] as const)(
  'rows that an endpoint took of a run that was cancelled: it says so, and after a %s the endpoint has the members',
  async (way) => {
    await using endpoint = await startEndpoint((number) => number === 2);
    using project = await makeProject(`{type: http-api, details: {maxRows: 1, retries: 0}, connection: {url: "${endpoint.url}"}}`);
    const failed = await project.one(SLOTS[0], 'run', 'daily', '--slot', SLOTS[0]);
    expect([failed.status, endpoint.taken.size]).toEqual(['failed', 1]);

    const cancelled = await project.one(SLOTS[0], 'runs', 'cancel', failed.id);
    expect(cancelled.error).toMatchObject({ code: 'RC4031', message: expect.stringContaining('the other side was told of it before') as string });
    project.people(2, 3, 4);
    if (way === 'retry') {
      // Under the same keys only the same rows may come: others would be taken for those.
      expect(await project.one(SLOTS[0], 'runs', 'retry', failed.id)).toMatchObject({ status: 'success' });
      expect(membersOf(endpoint.taken)).toEqual(['1', '2', '3']);
    }
    expect(await project.one(SLOTS[1], 'run', 'daily', '--slot', SLOTS[1])).toMatchObject({ status: 'success' });
    expect(membersOf(endpoint.taken)).toEqual(['2', '3', '4']);
  },
);

const open = (): Promise<Project> =>
  makeProject('{type: local-directory, storage: {type: local, path: out}}', '{maxRows: 1, name: "%SEGMENT_ID%_%DATETIME(YYYYMMdd_HH)%"}');

/** A slot that failed with its first file visible: another one stands in the second one's place. */
async function failHalfway(project: Project): Promise<Run> {
  mkdirSync(join(project.directory, 'out/german_20261201_00_2.csv'), { recursive: true });
  const failed = await project.one(SLOTS[0], 'run', 'daily', '--slot', SLOTS[0]);
  expect([failed.error?.code, readdirSync(join(project.directory, 'out'))]).toEqual(['RC4008', ['german_20261201_00.csv', 'german_20261201_00_2.csv']]);
  return failed;
}

describe('files of a run that was cancelled', () => {
  test('that somebody took before: it says so, and the next slot knows whom it told of', async () => {
    using project = await open();
    const failed = await failHalfway(project);
    const read = readFileSync(join(project.directory, 'out/german_20261201_00.csv'), 'utf8');
    rmSync(join(project.directory, 'out'), { recursive: true });

    const cancelled = await project.one(SLOTS[0], 'runs', 'cancel', failed.id);
    expect(cancelled).toMatchObject({
      error: { code: 'RC4031', message: expect.stringContaining('1 of its files had been visible and are gone: somebody has taken them') as string },
      files: [{ path: 'german_20261201_00.csv' }],
    });
    expect(read).toContain('realized');
    const [, gone = ''] = /^"?(\d)"?,/m.exec(read) ?? [];
    project.people(...[1, 2, 3].filter((id) => id !== Number(gone)));
    await project.one(SLOTS[1], 'run', 'daily', '--slot', SLOTS[1]);
    const told = readdirSync(join(project.directory, 'out')).map((name) => readFileSync(join(project.directory, 'out', name), 'utf8'));
    expect(told.filter((text) => new RegExp(`^"?${gone}"?,"?exited`, 'm').test(text))).toHaveLength(1);
  });

  test('that went to a place that is not applied any more: it says so, and they are on its record', async () => {
    using project = await open();
    const failed = await failHalfway(project);
    const path = join(project.directory, 'manifests/all.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('path: out', 'path: elsewhere'));
    expect(await project.call(SLOTS[0], 'apply', '--auto-approve')).toMatchObject({ code: 0 });

    const cancelled = await project.one(SLOTS[0], 'runs', 'cancel', failed.id);
    expect(cancelled.error?.message).toContain('what it may have made visible could not be taken back: where it went is not applied any more');
    expect(cancelled.files.map((file) => file.path)).toContain('german_20261201_00.csv');
  });
});
