import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { CheckFinding } from '../../../src/destination/connector.ts';
import { startFakeCampaign, type FakeCampaign } from '../../support/campaign/fake-campaign.ts';
import { captureError, imsAuth, openConnector, type ConnectorSettings } from '../../support/campaign/open-connector.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function start(...setup: Parameters<typeof startFakeCampaign>): Promise<FakeCampaign> {
  const fake = await startFakeCampaign(...setup);
  open.push(fake);
  return fake;
}

async function check(
  fake: FakeCampaign,
  settings: ConnectorSettings = {},
  columns: readonly string[] = [],
  secrets: Readonly<Record<string, string>> = {},
): Promise<readonly CheckFinding[]> {
  const { connector } = await openConnector(fake, { auth: imsAuth(fake), ...settings }, secrets);
  open.push(connector);
  return await connector.check(columns);
}

const wrong = (findings: readonly CheckFinding[]): readonly CheckFinding[] => findings.filter(({ level }) => level !== 'ok');

test('a healthy instance: who it is, the login, the mapping, its fields, the workflow', async () => {
  const fake = await start();
  const findings = await check(fake, {}, ['email', 'firstName', 'location_city', 'segmentMembershipStatus', 'ECID']);
  expect(wrong(findings)).toEqual([]);
  expect(findings.map(({ message }) => message).join('\n')).toMatch(
    /acme_mkt_prod1, version 8\.6\.2, build 9396[\s\S]*ims[\s\S]*Recipients, schema nms:recipient[\s\S]*3 columns[\s\S]*started/,
  );
  expect(fake.state.events).toEqual([]);
});

test('builds before 8.5 take the token in a logon of its own', async () => {
  const fake = await start({ version: '8.4.1' });
  expect(wrong(await check(fake))).toEqual([]);
  expect(fake.requests.some(({ path }) => path.includes('BearerTokenLogon'))).toBe(true);
  const later = await start({ version: '8.5.0' });
  expect(wrong(await check(later))).toEqual([]);
  expect(later.requests.some(({ path }) => path.includes('BearerTokenLogon'))).toBe(false);
});

test('a token is used until it nears its end, then another is fetched', async () => {
  const fake = await start({ ims: { clientId: 'client-1', clientSecret: 'client-secret-1', tokenSeconds: 3600 } });
  const { connector, time } = await openConnector(fake, { auth: imsAuth(fake) });
  open.push(connector);
  await connector.check([]);
  time.advance(50 * 60_000);
  await connector.check([]);
  expect(fake.state.bearers.size).toBe(1);
  time.advance(10 * 60_000);
  await connector.check([]);
  expect(fake.state.bearers.size).toBe(2);
});

test('a token that lives for less than a minute serves half of that, not one call', async () => {
  const fake = await start({ ims: { clientId: 'client-1', clientSecret: 'client-secret-1', tokenSeconds: 50 } });
  const { connector, time } = await openConnector(fake, { auth: imsAuth(fake) });
  open.push(connector);
  await connector.check([]);
  const before = fake.state.bearers.size;
  time.advance(60_000);
  await connector.check([]);
  expect([before, fake.state.bearers.size]).toEqual([1, 2]);
});

test('the scopes that are asked for: the usual ones, or those of the manifest', async () => {
  const fake = await start();
  await check(fake);
  await check(fake, { auth: { ...imsAuth(fake), scopes: ['openid', 'campaign_sdk'] } });
  const forms = fake.requests.filter(({ path }) => path === '/ims/token/v3').map(({ body }) => new URLSearchParams(body));
  expect(forms.map((form) => [form.get('grant_type'), form.get('client_id')])).toEqual(Array.from({ length: 2 }, () => ['client_credentials', 'client-1']));
  expect(forms[0]?.get('scope')?.split(',')).toEqual(expect.arrayContaining(['AdobeID', 'openid', 'campaign_sdk', 'campaign_config_server_general']));
  expect(forms[1]?.get('scope')).toBe('openid,campaign_sdk');
});

test('a token service that answers with something else, is slow for a moment, or is not there', async () => {
  const fake = await start();
  for (const body of ['{"access_token": ""}', '{"access_token": "x"}', '{"access_token": "x", "expires_in": 0}']) {
    fake.fail('token', { kind: 'status', status: 200, body });
    expect(wrong(await check(fake))).toMatchObject([{ code: 'RC6008', message: expect.stringContaining('did not answer with a token') as string }]);
  }
  fake.fail('token', { kind: 'html' });
  expect(wrong(await check(fake))).toMatchObject([{ code: 'RC6008' }]);
  fake.fail('token', { kind: 'status', status: 503 });
  expect(wrong(await check(fake))).toEqual([]);
  const gone = await check(fake, { auth: { ...imsAuth(fake), tokenUrl: 'http://127.0.0.1:1/token' } });
  expect(wrong(gone)).toMatchObject([{ code: 'RC6008', level: 'error' }]);
});

test('a wrong instance name is an error, whatever its case a match', async () => {
  const fake = await start();
  expect(wrong(await check(fake, { details: { instance: 'ACME_mkt_PROD1' } }))).toEqual([]);
  expect(wrong(await check(fake, { details: { instance: 'acme_mkt_stage1' } }))).toMatchObject([{ code: 'RC6010', level: 'error' }]);
});

test('a missing target mapping: the nearest name, and all there are', async () => {
  const fake = await start();
  const [finding] = wrong(await check(fake, { details: { targetMapping: 'mapRecipent' } }));
  expect(finding).toMatchObject({ code: 'RC6011', level: 'error', hint: expect.stringMatching(/did you mean `mapRecipient`\?.*mapVisitor/) as string });
});

test('a label in the place of the name is understood and told', async () => {
  const fake = await start();
  expect(wrong(await check(fake, { details: { targetMapping: 'Recipients' } }))).toMatchObject([
    { code: 'RC6012', level: 'warning', hint: expect.stringContaining('mapRecipient') as string },
  ]);
});

test('a mapping without a schema takes no import', async () => {
  const fake = await start();
  expect(wrong(await check(fake, { details: { targetMapping: 'mapExternalFile' } }))).toMatchObject([{ code: 'RC6012', level: 'error' }]);
});

test('a hostile name stays a value', async () => {
  const fake = await start();
  expect(wrong(await check(fake, { details: { targetMapping: "x' OR @name <> '\\" } }))).toMatchObject([{ code: 'RC6011' }]);
});

test('a build that lacks an attribute is asked again without it', async () => {
  const fake = await start({ mappingColumns: ['@id', '@name', '@label', '@schema'] });
  expect(wrong(await check(fake))).toEqual([]);
});

test('a column that is no field of the mapping’s schema, with the nearest field', async () => {
  const fake = await start();
  const found = wrong(await check(fake, {}, ['email', 'frstName', 'zzz']));
  expect(found).toMatchObject([
    { code: 'RC6013', level: 'error', hint: 'did you mean `firstName`?', column: 'frstName' },
    { code: 'RC6013', message: expect.stringContaining('`zzz`') as string },
  ]);
});

test('a log that the operator may not read: a warning with the right that is missing', async () => {
  const fake = await start({ logHidden: true });
  expect(wrong(await check(fake))).toMatchObject([{ code: 'RC6016', level: 'warning', hint: expect.stringContaining('named right WORKFLOW') as string }]);
});

test('an unknown workflow, with the nearest name', async () => {
  const fake = await start();
  expect(wrong(await check(fake, { import: { workflow: 'WKFsegmentsImport' } }))).toMatchObject([{ code: 'RC6014', hint: 'did you mean `WKFsegmentImport`?' }]);
});

test.each([
  [0, 'error', /never started/],
  [2, 'warning', /not started yet/],
  [10, 'warning', /not started yet/],
  [11, 'ok', /started; the signal is signal/],
  [12, 'error', /paused/],
  [13, 'error', /paused/],
  [14, 'warning', /not started yet/],
  [15, 'error', /finished or stopped/],
  [16, 'error', /finished or stopped/],
  [17, 'warning', /not started yet/],
  [18, 'warning', /not started yet/],
  [20, 'error', /finished or stopped/],
  [99, 'error', /finished or stopped/],
] as const)('a workflow in state %i', async (state, level, words) => {
  const fake = await start();
  const [workflow] = fake.state.workflows;
  if (workflow !== undefined) workflow.state = state;
  const found = (await check(fake)).find(({ subject }) => subject === 'import workflow WKFsegmentImport');
  expect(found).toMatchObject({ level, message: expect.stringMatching(words) as string });
  expect(level === 'ok' || found?.hint !== undefined).toBe(true);
});

test('a native user on v8 is warned of; on v7 it is fine', async () => {
  const auth = { type: 'user', username: 'reconcile', password: { env: 'PASSWORD' } };
  expect(wrong(await check(await start(), { auth }))).toMatchObject([{ code: 'RC6005', level: 'warning' }]);
  expect(wrong(await check(await start({ version: '7.4.3' }), { auth }))).toEqual([]);
});

test('a clock that is far off', async () => {
  const fake = await start({ now: () => Date.now() + 3_600_000 });
  expect(wrong(await check(fake))).toMatchObject([{ code: 'RC6021', message: expect.stringContaining('60 minutes ahead') as string }]);
});

test.each([
  ['a wrong password', { auth: { type: 'user', username: 'reconcile', password: { env: 'PASSWORD' } } }, 'Logon', undefined, { PASSWORD: 'wrong' }, 'RC6005'],
  ['a wrong client secret', {}, 'token', undefined, { CLIENT_SECRET: 'wrong' }, 'RC6008'],
  ['an address that may not call', {}, 'GetUserInfo', { kind: 'fault', status: 403, text: 'XSV-350013 The IP address is not allowed' }, {}, 'RC6006'],
  ['the same, as the gateway says it', {}, 'GetUserInfo', { kind: 'status', status: 403 }, {}, 'RC6006'],
  ['throttled for an hour', {}, 'GetUserInfo', { kind: 'status', status: 429, headers: { 'retry-after': '3600' } }, {}, 'RC6009'],
  ['a web page of a single sign-on', {}, '/r/test', { kind: 'html' }, {}, 'RC6003'],
  ['a web page in the place of SOAP', {}, 'GetUserInfo', { kind: 'html' }, {}, 'RC6003'],
  ['something that is not XML', {}, 'GetUserInfo', { kind: 'status', status: 200, body: '{"ok": true}' }, {}, 'RC6003'],
  ['a redirect', {}, '/r/test', { kind: 'redirect', to: 'https://login.example.com/?token=x' }, {}, 'RC6004'],
  ['a fault nobody knows', {}, 'GetUserInfo', { kind: 'fault', status: 200, text: 'SOP-330011 Error', detail: 'XYZ-123456 something' }, {}, 'RC6017'],
] as const)('%s is told apart', async (_name, settings, target, mishap, secrets, code) => {
  const fake = await start();
  if (mishap !== undefined) fake.fail(target, mishap, 9);
  const found = wrong(await check(fake, settings, [], secrets)).filter(({ level }) => level === 'error');
  expect(found.map((one) => one.code)).toEqual([code]);
  expect(found[0]?.hint).toBeTruthy();
});

const envelope = (body: string): string =>
  `<SOAP-ENV:Envelope xmlns:SOAP-ENV='http://schemas.xmlsoap.org/soap/envelope/' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`;

test.each([
  ['nothing', ''],
  [
    'a page of XML with a broken style sheet',
    '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><style>@import "x"; }}} {{</style></html>',
  ],
  ['entities', `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${envelope('<ExecuteQueryResponse>&a;</ExecuteQueryResponse>')}`],
  ['the answer to another call', envelope('<LogonResponse/>')],
  ['a fault of something else', envelope('<soap:Fault xmlns:soap="x"><faultstring>no</faultstring></soap:Fault>')],
  ['a fault that says nothing', envelope('<SOAP-ENV:Fault/>')],
  ['an answer without its result', envelope('<ExecuteQueryResponse/>')],
  ['a text for a result', envelope('<ExecuteQueryResponse><pdomOutput xsi:type="xsd:string">x</pdomOutput></ExecuteQueryResponse>')],
  ['more than anybody reads', envelope(`<ExecuteQueryResponse>${'x'.repeat(9_000_000)}</ExecuteQueryResponse>`)],
  ['half an answer', envelope('<ExecuteQueryResponse/>').slice(0, -20)],
])('a query that is answered by %s: told as no answer of Campaign, and nothing is printed', async (_name, body) => {
  const fake = await start();
  const printed = vi.spyOn(console, 'error');
  fake.fail('ExecuteQuery', { kind: 'status', status: 200, body });
  const found = wrong(await check(fake));
  expect(found).toMatchObject([
    { code: 'RC6003', level: 'error', message: expect.stringMatching(/target mappings: (?:the answer is (?:not|longer)|a web page)/) as string },
  ]);
  expect(printed).not.toHaveBeenCalled();
  printed.mockRestore();
});

test('nobody listens there', async () => {
  const fake = await start();
  const free = createServer();
  await new Promise<void>((done) => void free.listen(0, '127.0.0.1', done));
  const { port } = free.address() as AddressInfo;
  await new Promise((done) => void free.close(done));
  expect(wrong(await check(fake, { url: `http://127.0.0.1:${port}` }))).toMatchObject([{ code: 'RC6001', level: 'error' }]);
});

test('another protocol listens there: what is told is the address, not the certificate', async () => {
  const fake = await start();
  const other = createServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2p1\r\n', () => socket.destroy()));
  await new Promise<void>((done) => void other.listen(0, '127.0.0.1', done));
  open.push({ [Symbol.asyncDispose]: () => new Promise<void>((done) => void other.close(() => done())) });
  const at = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect(wrong(await check(fake, { url: `https://${at}` }))).toMatchObject([{ code: 'RC6001', message: expect.stringContaining('speak TLS') as string }]);
  expect(wrong(await check(fake, { url: `http://${at}` }))).toMatchObject([{ code: 'RC6003', message: expect.stringContaining('not HTTP') as string }]);
});

test('an answer without end is not read to its end', async () => {
  const fake = await start();
  fake.fail('/r/test', { kind: 'status', status: 200, body: 'x'.repeat(9 * 2 ** 20) });
  expect(wrong(await check(fake))).toMatchObject([{ code: 'RC6003', message: expect.stringContaining('longer than') as string }]);
});

test('setup: the workflow with its markers; from a template it is made on the other side', async () => {
  const fake = await start();
  const { connector } = await openConnector(fake);
  open.push(connector);
  const guide = await connector.setup?.({ columns: ['email', 'firstName'], files: [] });
  expect(guide?.text).toContain('logInfo("SEGEXPORT runId=" + vars.runId + " status=ok rows=" + vars.recCount);');
  expect(guide?.text).toContain('logInfo("SEGEXPORT runId=" + vars.runId + " status=started");');
  // As the files are, not as they are by default.
  const file = { activation: 'emea', sample: 'sample-emea.csv', columns: ['email', 'status'], keys: ['email'], status: 'status', format: 'csv' } as const;
  const written = { compression: 'gzip', encrypted: true, delimiter: ';', quote: '', header: true } as const;
  const told = (await connector.setup?.({ columns: ['email', 'status'], files: [{ ...file, ...written }] }))?.text;
  expect(told).toMatch(/sample-emea\.csv below: 2 columns, semicolon, no quotes/);
  expect(told).toMatch(/pre-process +gpg, .*then zcat/);
  expect(told).toMatch(/reconciliation key: email/);
  expect(told).toMatch(/Split +on status: realized goes on; exited/);
  expect(fake.requests).toEqual([]);
  fake.state.workflows.splice(0, 1, { id: '99', internalName: 'tplImport', label: 'Template', state: 0, failed: false });
  expect(await connector.setup?.({ columns: ['email'], files: [], template: '99' })).toMatchObject({ created: 'WKFsegmentImport' });
  expect(fake.state.workflows.at(-1)).toMatchObject({ internalName: 'WKFsegmentImport', state: 0 });
  // What is there is never made a second time.
  const again = await captureError(async () => await connector.setup?.({ columns: ['email'], files: [], template: '99' }));
  expect(again).toMatchObject({ code: 'RC6022' });
  expect(fake.state.workflows.filter(({ internalName }) => internalName === 'WKFsegmentImport')).toHaveLength(1);
});

test('setup from a template whose answer is lost is not asked for again: the workflow may be there', async () => {
  const fake = await start();
  const { connector } = await openConnector(fake);
  open.push(connector);
  fake.state.workflows.splice(0, 1, { id: '99', internalName: 'tplImport', label: 'Template', state: 0, failed: false });
  fake.fail('CreateInstanceFromModel', { kind: 'cut', done: true });
  await expect(connector.setup?.({ columns: ['email'], files: [], template: '99' })).rejects.toMatchObject({ code: 'RC6001' });
  expect(fake.requests.filter(({ path }) => path.includes('CreateInstanceFromModel'))).toHaveLength(1);
});
