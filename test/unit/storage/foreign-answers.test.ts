/** Something that is not the store answers at its address: a proxy, a sign-in page. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { StorageSpec } from '../../../src/model/generated/kinds.ts';
import { createStorage } from '../../../src/storage/create-storage.ts';
import { probeStorage } from '../../../src/storage/probe.ts';
import { createMemoryJournal } from '../../../src/storage/upload-journal.ts';

const SPECS: Readonly<Record<string, (url: string) => StorageSpec>> = {
  s3: (url) => ({
    type: 's3',
    bucket: 'b',
    region: 'eu-west-1',
    endpoint: url,
    forcePathStyle: true,
    accessKeyId: { env: 'K' },
    secretAccessKey: { env: 'K' },
  }),
  'azure-blob': (url) => ({ type: 'azure-blob', container: 'c', url: `${url}/account`, accountKey: { env: 'K' } }),
};

test.each([
  ['s3', 200, 'what answers there is not the store'],
  ['s3', 302, 'what answers there redirects (302)'],
  ['azure-blob', 200, 'what answers there is not the store'],
  ['azure-blob', 302, 'what answers there redirects (302)'],
] as const)('%s, answered with %i', async (kind, status, words) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'text/html', location: 'https://login.example.com/' }).end('<!doctype html><html>Sign in</html>');
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  try {
    const spec = SPECS[kind]?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    if (spec === undefined) throw new TypeError(kind);
    await using storage = await createStorage(spec, {
      root: '/nowhere',
      secret: async () => 'MTIzNDU2Nzg5MA==',
      journal: createMemoryJournal(),
      retry: { attempts: 2, baseMs: 1, maxMs: 2 },
    });
    expect(await probeStorage(storage)).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining(words) as string, hint: expect.stringContaining('proxy') as string }),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a store that repeats what it was sent: no key, no signature in what is told', async () => {
  const server = createServer((request, response) => {
    request.resume();
    const said = JSON.stringify(request.headers).replaceAll('"', "'");
    const body = `<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong: ${said}</Message></Error>`;
    response.writeHead(400, { 'content-type': 'application/xml' }).end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  try {
    const spec = SPECS['s3']?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    if (spec === undefined) throw new TypeError('s3');
    await using storage = await createStorage(spec, { root: '/nowhere', secret: async () => 'CANARY-key', journal: createMemoryJournal() });
    const told = inspect(await probeStorage(storage));
    expect(told).toContain('the region is wrong');
    expect(told).not.toMatch(/CANARY|Signature=[0-9a-f]/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
