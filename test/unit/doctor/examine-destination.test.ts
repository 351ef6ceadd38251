import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examineDestination } from '../../../src/doctor/examine-destination.ts';
import type { DoctorFinding } from '../../../src/doctor/finding.ts';
import type { DestinationSpec } from '../../../src/model/generated/kinds.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';

const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
const servers: { close: () => unknown }[] = [];
let url = '';
/** When the certificate was made. */
let made = 0;

beforeAll(async () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  made = Date.now();
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '100', '-subj', '/CN=localhost']);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => socket.destroy());
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  servers.push(server);
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function examine(spec: Partial<DestinationSpec>, now: number, secret = ''): Promise<readonly DoctorFinding[]> {
  return await examineDestination({
    name: 'there',
    spec: { type: 'acme', ...spec } as DestinationSpec,
    card: undefined,
    columns: [],
    storage: async () => createLocalStorage({ root: join(folder, 'out') }),
    connector: async () => undefined,
    secret: async () => secret,
    clock: () => now,
  });
}

test.each([
  ['with a hundred days left', 0, 'ok', 'RC9530'],
  ['with twenty days left', 80 * DAY, 'warning', 'RC9531'],
  ['when it has ended', 101 * DAY, 'error', 'RC9531'],
] as const)('the certificate of a connection %s', async (_name, later, level, code) => {
  const findings = await examine({ connection: { url } }, made + later);
  expect(findings).toMatchObject([{ area: 'destination there', level, code, subject: `certificate of ${new URL(url).host}` }]);
  expect(level === 'ok' || findings[0]?.hint !== undefined).toBe(true);
});

test('a server without a certificate, or none at all: the connection itself tells it', async () => {
  expect(await examine({ connection: { url: 'https://127.0.0.1:1' } }, made)).toEqual([]);
  expect(await examine({ connection: { url: 'http://127.0.0.1:1' } }, made)).toEqual([]);
});

test('OpenPGP keys: without an end, near it, past it, none at all', async () => {
  const make = async (seconds: number): Promise<string> =>
    (await generateKey({ userIDs: [{ name: 'Receiver' }], keyExpirationTime: seconds, date: new Date(made - DAY), format: 'armored' })).publicKey;
  const encryption = { pgpPublicKey: { file: 'k' } };
  const levels = async (key: string): Promise<unknown> => (await examine({ encryption }, made, key)).map(({ level, code }) => `${level} ${code}`);
  expect(await levels(await make(0))).toEqual(['ok RC9530']);
  expect(await levels(await make((11 * DAY) / 1000))).toEqual(['warning RC9532']);
  const [ended] = await examine({ encryption }, made, await make(DAY / 2000));
  expect(ended).toMatchObject({ level: 'error', hint: expect.any(String) as string });
  const [none] = await examine({ encryption }, made, 'CANARY is no key');
  expect(none).toMatchObject({ level: 'error', hint: expect.any(String) as string });
  expect(JSON.stringify(none)).not.toContain('CANARY');
});
