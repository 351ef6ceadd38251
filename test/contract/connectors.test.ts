import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe } from 'vitest';
import createHttpConnector from '../../destinations/http-api/connector.ts';
import { startFakeCampaign } from '../support/campaign/fake-campaign.ts';
import { imsAuth, makeBatch, openConnector } from '../support/campaign/open-connector.ts';
import { createVirtualTime } from '../support/virtual-time.ts';
import { describeConnector } from './connector-suite.ts';

const SECRET = 'CANARY-secret';

describe('adobe-campaign-managed-services', () => {
  describeConnector(async () => {
    const fake = await startFakeCampaign({ ims: { clientId: 'client-1', clientSecret: SECRET, tokenSeconds: 3600 } });
    let secret = SECRET;
    return {
      open: async () => (await openConnector(fake, { auth: imsAuth(fake) }, { CLIENT_SECRET: secret })).connector,
      batch: makeBatch,
      told: (runId) => fake.state.events.filter(({ variables }) => variables['runId'] === runId).length,
      lockOut: () => {
        secret = `${SECRET}-old`;
        fake.state.forgetSessions();
        fake.fail('*', { kind: 'fault', status: 403, text: `XSV-350012 Invalid login ${SECRET}` }, 99);
        fake.fail('token', { kind: 'status', status: 401, body: SECRET }, 99);
      },
      secret: SECRET,
      [Symbol.asyncDispose]: () => fake.close(),
    };
  });
});

describe('http-api', () => {
  describeConnector(async () => {
    const told: string[] = [];
    let locked = false;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (!locked && request.method === 'POST') told.push(String(request.headers['idempotency-key']).split('/')[0] ?? '');
        response.writeHead(locked ? 401 : 200).end(SECRET);
      });
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const time = createVirtualTime();
    return {
      open: () =>
        createHttpConnector({
          name: 'api',
          spec: { type: 'http-api', connection: { url, auth: { type: 'bearer', token: { env: 'T' } } } },
          secret: async () => SECRET,
          clock: time.clock,
          sleep: time.sleep,
          log: () => {},
        }),
      batch: (runId) => ({
        ...makeBatch(runId),
        files: [{ path: 'a.json', address: '', rows: 2, bytes: 0, sha256: '', open: async () => Readable.from([Buffer.from('{"id":1}\n{"id":2}\n')]) }],
      }),
      told: (runId) => told.filter((id) => id === runId).length,
      lockOut: () => void (locked = true),
      secret: SECRET,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((done) => void server.close(done));
      },
    };
  });
});
