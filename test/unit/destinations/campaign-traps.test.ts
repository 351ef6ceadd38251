import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { createSession } from '../../../destinations/adobe-campaign-managed-services/session.ts';
import { readSchemaFields } from '../../../destinations/adobe-campaign-managed-services/target-mapping.ts';
import { startFakeCampaign, type FakeCampaign } from '../../support/campaign/fake-campaign.ts';
import { CANARY, captureError, imsAuth, makeBatch, openConnector, USER_AUTH } from '../../support/campaign/open-connector.ts';

// The nine traps of domain/campaign.md 1.5, each as a user would run into it.

const open: AsyncDisposable[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function start(...setup: Parameters<typeof startFakeCampaign>): Promise<FakeCampaign> {
  const fake = await startFakeCampaign(...setup);
  open.push(fake);
  return fake;
}

test('trap 1: a password with slashes arrives whole', async () => {
  const password = 'pa/ss/w&<ö';
  const fake = await start({ users: { 'rec/oncile': password }, version: '7.4.3' });
  const { connector } = await openConnector(fake, { auth: { ...USER_AUTH, username: 'rec/oncile' } }, { PASSWORD: password });
  open.push(connector);
  const findings = await connector.check(['email']);
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
});

test('trap 2: a redirect is told and never followed, neither with the password nor with tokens', async () => {
  const visitors: string[] = [];
  const stranger = createServer((request, response) => {
    visitors.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((done) => void stranger.listen(0, '127.0.0.1', done));
  open.push({ [Symbol.asyncDispose]: async () => void (await new Promise((done) => void stranger.close(done))) });
  const to = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}/steal?token=${CANARY}`;
  const fake = await start();
  for (const [method, auth] of [
    ['Logon', USER_AUTH],
    ['PostEvent', USER_AUTH],
    ['token', imsAuth(fake)],
  ] as const) {
    const { connector } = await openConnector(fake, { auth });
    open.push(connector);
    fake.fail(method, { kind: 'redirect', to });
    const error = await captureError(async () => connector.deliver(makeBatch('r-1'), await connector.prepare(makeBatch('r-1'))));
    expect(error.message).toContain('redirects to http://127.0.0.1');
    expect(error.everything).not.toContain(CANARY);
  }
  expect(visitors).toEqual([]);
  expect(fake.state.events).toEqual([]);
});

test.each(['user', 'ims'])('traps 3 and 9, %s: no password, client secret, session or bearer token in anything thrown, logged or held', async (way) => {
  const clientSecret = `${CANARY}-client-secret`;
  const fake = await start({ users: { reconcile: `${CANARY}-password` }, ims: { clientId: 'client-1', clientSecret, tokenSeconds: 3600 } });
  const secrets = { PASSWORD: `${CANARY}-password`, CLIENT_SECRET: clientSecret };
  // A server that repeats what it was sent, tokens included.
  const { bearers, sessions } = fake.state;
  const echo = (): string =>
    `SOP-330011 refused ${[...bearers, ...sessions.keys(), ...sessions.values(), way === 'user' ? secrets.PASSWORD : clientSecret].join(' ')}`;
  const { connector, logged } = await openConnector(fake, { auth: way === 'user' ? USER_AUTH : imsAuth(fake) }, secrets);
  open.push(connector);
  const token = await connector.prepare(makeBatch('r-1'));
  const seen = [inspect(connector, { depth: 20, showHidden: true }), inspect(token)];
  for (const status of [200, 403, 500] as const) {
    fake.fail('PostEvent', { kind: 'fault', status, text: echo(), detail: echo() });
    seen.push((await captureError(() => connector.deliver(makeBatch('r-1'), token))).everything);
  }
  for (const [kind, times] of [
    ['html', 1],
    ['expire', 2],
  ] as const) {
    fake.fail('PostEvent', { kind }, times);
    seen.push(inspect(await connector.deliver(makeBatch('r-1'), token).catch((error: unknown) => error), { depth: 20, showHidden: true }));
  }
  // What the log holds of it goes into the run's record.
  const [workflow] = fake.state.workflows;
  if (workflow !== undefined) fake.state.addLog(workflow, 0, 'fileImport', echo());
  const told = await connector.settle(makeBatch('r-1'), { status: 'signalled', ...(token === undefined ? {} : { token }) }, 60_000);
  expect(told).toMatchObject({ status: 'import-failed', message: expect.stringContaining('***') as string });
  seen.push(inspect(told));
  fake.fail('PostEvent', { kind: 'status', status: 429, headers: { 'retry-after': '1' } });
  seen.push(inspect(await connector.deliver(makeBatch('r-2'), token)), ...logged);
  expect(seen.filter((text) => text.includes(CANARY))).toEqual([]);
  expect(logged.length).toBeGreaterThan(0);
  expect(fake.requests.some(({ body, headers }) => `${body}${inspect(headers)}`.includes(CANARY))).toBe(true);
});

const OURS = ['accept', 'content-type', 'cookie', 'soapaction', 'x-query-source', 'x-security-token', 'x-session-token'];
/** What Node's fetch adds. */
const OF_FETCH = new Set(['accept-encoding', 'accept-language', 'connection', 'content-length', 'host', 'sec-fetch-mode', 'user-agent']);

test('trap 4: every call carries just the headers it needs, nothing is left over from another', async () => {
  const fake = await start();
  const { connector } = await openConnector(fake);
  open.push(connector);
  await connector.check(['email']);
  await connector.prepare(makeBatch('r-1'));
  const calls = fake.requests.filter(({ path }) => path.includes('soaprouter') && !path.includes('Logon'));
  expect(calls.length).toBeGreaterThan(4);
  const seen = calls.map(({ headers }) => Object.keys(headers).filter((name) => !OF_FETCH.has(name)));
  for (const names of seen) expect(names.sort()).toEqual(OURS);
});

test('trap 5: the deadline holds for every call, the fetch of a schema included', async () => {
  const fake = await start();
  const session = createSession({
    connection: { url: fake.url, auth: USER_AUTH },
    secret: async () => 'secret',
    clock: () => Date.now(),
    sleep: async () => {},
    log: () => {},
    timeoutMs: 300,
  });
  open.push(session);
  await session.logon();
  fake.fail('GetEntityIfMoreRecent', { kind: 'hang' });
  const started = performance.now();
  const error = await captureError(() => readSchemaFields(session, 'nms:recipient'));
  expect(error.code).toBe('RC6002');
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('trap 6: a bearer token that Campaign does not know is found out before anything is sent', async () => {
  const fake = await start();
  const { connector } = await openConnector(fake, { auth: imsAuth(fake) });
  open.push(connector);
  fake.fail('GetUserInfo', { kind: 'expire' }, 2);
  const findings = await connector.check([]);
  expect(findings.find(({ subject }) => subject === 'login')).toMatchObject({ level: 'error', code: 'RC6007' });
});

test('trap 7: slashes at the end of the address do no harm', async () => {
  const fake = await start();
  const { connector } = await openConnector(fake, { url: `${fake.url}//` });
  open.push(connector);
  await connector.prepare(makeBatch('r-1'));
  expect(fake.requests.length).toBeGreaterThan(2);
  expect(fake.requests.filter(({ path }) => path.startsWith('//'))).toEqual([]);
});

test('trap 8: proxy variables of the environment are not obeyed in silence', async () => {
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY']) vi.stubEnv(name, 'http://127.0.0.1:9');
  const fake = await start();
  const { connector } = await openConnector(fake);
  open.push(connector);
  await expect(connector.prepare(makeBatch('r-1'))).resolves.toMatchObject({ workflowId: '4711' });
});
