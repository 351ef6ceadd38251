import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Receipt } from '../../../src/destination/connector.ts';
import { startFakeCampaign, type FakeCampaign } from '../../support/campaign/fake-campaign.ts';
import { captureError, imsAuth, makeBatch, openConnector, type ConnectorSettings, type OpenedConnector } from '../../support/campaign/open-connector.ts';

const WAIT_MS = 30 * 60_000;
let fake: FakeCampaign;
const open: AsyncDisposable[] = [];

beforeEach(async () => {
  fake = await startFakeCampaign();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
  await fake.close();
});

async function connect(settings: ConnectorSettings = {}): Promise<OpenedConnector> {
  const opened = await openConnector(fake, settings);
  open.push(opened.connector);
  return opened;
}

async function run(runId: string, settings: ConnectorSettings = {}): Promise<Receipt> {
  const { connector } = await connect(settings);
  const batch = makeBatch(runId);
  const receipt = await connector.deliver(batch, await connector.prepare(batch));
  expect(receipt.status).toBe('signalled');
  return await connector.settle(batch, receipt, WAIT_MS);
}

test('the event carries what the contract names, paths joined by a line feed, and leaves the task open', async () => {
  await run('r-42');
  expect(fake.state.events).toEqual([
    {
      workflow: 'WKFsegmentImport',
      activity: 'signal',
      transition: '',
      complete: false,
      variables: {
        runId: 'r-42',
        remoteFiles: '/incoming/a & b.csv\n/incoming/a_2.csv',
        rows: '6',
        segment: 'german-recent-buyers',
        targetMapping: 'mapRecipient',
      },
    },
  ]);
});

describe('the end of an import', () => {
  test('imported, with the rows of the marker', async () => {
    expect(await run('r-1')).toMatchObject({ status: 'imported', rows: 6 });
  });
  test('failed by its marker', async () => {
    fake.state.behaviour = 'failed';
    expect(await run('r-1')).toMatchObject({ status: 'import-failed', rows: 6 });
  });
  test('failed by an error in the log, with the activity and its words', async () => {
    fake.state.behaviour = 'error-row';
    expect(await run('r-1')).toMatchObject({ status: 'import-failed', message: expect.stringMatching(/fileImport: Line 3/) as string });
  });
  test('failed when the workflow stops', async () => {
    fake.state.behaviour = 'stops';
    expect((await run('r-1')).status).toBe('import-failed');
  });
  test('unknown when nothing is said until the wait is over, and then where to look', async () => {
    fake.state.behaviour = 'silent';
    expect(await run('r-1')).toMatchObject({ status: 'unknown', message: expect.stringContaining('reconcile setup') as string });
  });
  test('unknown when the import began and does not end', async () => {
    fake.state.behaviour = 'started-only';
    expect(await run('r-1')).toMatchObject({ status: 'unknown', message: expect.stringContaining('began') as string });
  });
  test('unknown when the log may not be read', async () => {
    fake.state.logHidden = true;
    expect(await run('r-1')).toMatchObject({ status: 'unknown', message: expect.stringContaining('log') as string });
  });
  test('markers and errors of earlier and of other runs do not count', async () => {
    const [workflow] = fake.state.workflows;
    if (workflow === undefined) throw new Error('no workflow');
    fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-1 status=failed rows=1');
    fake.state.addLog(workflow, 0, 'fileImport', 'an old error');
    fake.state.behaviour = 'silent';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    fake.state.addLog(workflow, 0, 'end', 'SEGEXPORT runId=r-2 status=failed rows=1');
    fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-10 status=failed rows=1');
    fake.state.addLog(workflow, 2, 'end', 'logInfo: SEGEXPORT runId=r-1 status=ok rows=5');
    expect(await connector.settle(batch, receipt, WAIT_MS)).toMatchObject({ status: 'imported', rows: 5 });
  });
  test('an error that another run’s failure explains is not ours', async () => {
    fake.state.behaviour = 'silent';
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    const [workflow] = fake.state.workflows;
    if (workflow === undefined) throw new Error('no workflow');
    fake.state.addLog(workflow, 0, 'fileImport', 'Line 3: not a date');
    fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-2 status=failed rows=0');
    const settled = connector.settle(batch, receipt, WAIT_MS);
    while (time.sleeps.length < 3) await new Promise((done) => void setImmediate(done));
    fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-1 status=ok rows=6');
    expect(await settled).toMatchObject({ status: 'imported', rows: 6 });
  });
  test('with a log that could not be read at the signal, errors that may be older are not ours; one behind our start is', async () => {
    const [workflow] = fake.state.workflows;
    if (workflow === undefined) throw new Error('no workflow');
    fake.state.addLog(workflow, 0, 'fileImport', 'an error of last week');
    Object.assign(fake.state, { behaviour: 'silent', logHidden: true });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const { token = null } = await connector.deliver(batch, await connector.prepare(batch));
    fake.state.logHidden = false;
    const journaled: Receipt = { status: 'unknown', token: token ?? {} };
    expect(await connector.settle(batch, journaled, WAIT_MS)).toMatchObject({ status: 'unknown', message: expect.stringContaining('no trace') as string });
    fake.state.addLog(workflow, 2, 'signal', 'SEGEXPORT runId=r-1 status=started');
    fake.state.addLog(workflow, 0, 'fileImport', 'Line 3: not a date');
    expect(await connector.settle(batch, journaled, WAIT_MS)).toMatchObject({ status: 'import-failed', message: expect.stringContaining('Line 3') as string });
  });
  test('a log that Campaign has purged since is not one without a trace', async () => {
    fake.state.behaviour = 'silent';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const { token = null } = await connector.deliver(batch, await connector.prepare(batch));
    await vi.waitFor(() => expect(fake.state.log.at(-1)?.['@message']).toBe('Downloading'));
    const [workflow] = fake.state.workflows;
    for (let row = 0; row < 5; row += 1) if (workflow !== undefined) fake.state.addLog(workflow, 2, 'start', 'weeks later');
    const settle = (): Promise<Receipt> => connector.settle(batch, { status: 'unknown', token: token ?? {} }, 1_000);
    expect(await settle()).toEqual({ status: 'unknown', message: 'Campaign’s log has no trace of the signal', token });
    fake.state.log.splice(0, 4);
    expect(await settle()).toMatchObject({ status: 'unknown', looked: false, message: expect.stringContaining('does not reach back') as string });
    fake.state.log.splice(0);
    expect(await settle()).toMatchObject({ status: 'unknown', looked: false });
  });
  test('a failure that somebody mended in Campaign is an import', async () => {
    fake.state.behaviour = 'failed';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    expect((await connector.settle(batch, receipt, WAIT_MS)).status).toBe('import-failed');
    const [workflow] = fake.state.workflows;
    if (workflow !== undefined) fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-1 status=ok rows=6');
    expect(await connector.settle(batch, { ...receipt, status: 'unknown' }, WAIT_MS)).toMatchObject({ status: 'imported', rows: 6 });
  });
  test('the marker is found behind more rows than one page of the log', async () => {
    fake.state.behaviour = 'silent';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    const [workflow] = fake.state.workflows;
    for (let row = 0; row < 1_203; row += 1) if (workflow !== undefined) fake.state.addLog(workflow, 2, 'fileImport', `line ${row}`);
    if (workflow !== undefined) fake.state.addLog(workflow, 2, 'end', 'SEGEXPORT runId=r-1 status=ok rows=6');
    expect(await connector.settle(batch, receipt, 0)).toMatchObject({ status: 'imported' });
  });
  test('unknown, and not failed, when Campaign took the signal and then cannot be asked until the wait is over', async () => {
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    fake.fail('ExecuteQuery', { kind: 'status', status: 503 }, 500);
    expect(await connector.settle(batch, receipt, 60_000)).toMatchObject({
      status: 'unknown',
      message: expect.stringContaining('could not be asked') as string,
    });
    expect(time.sleeps.length).toBeGreaterThan(5);
  });
  test('a login that is refused meanwhile is not tried again and again', async () => {
    fake.state.behaviour = 'silent';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    fake.state.forgetSessions();
    fake.fail('Logon', { kind: 'fault', status: 403, text: 'XSV-350012 Invalid login or password.' }, 500);
    expect((await connector.settle(batch, receipt, WAIT_MS)).status).toBe('unknown');
    expect(fake.requests.filter(({ path }) => path.includes('Logon')).length).toBeLessThan(4);
  });
  test('a token that is refused meanwhile is not asked for again and again; a token service that is down for a while is', async () => {
    fake.state.behaviour = 'silent';
    const follow = async (status: number, times: number): Promise<number> => {
      const { connector } = await connect({ auth: imsAuth(fake) });
      const batch = makeBatch('r-1');
      const receipt = await connector.deliver(batch, await connector.prepare(batch));
      const asked = (): number => fake.requests.filter(({ path }) => path === '/ims/token/v3').length;
      const before = asked();
      fake.state.forgetSessions();
      fake.fail('token', { kind: 'status', status }, times);
      expect((await connector.settle(batch, receipt, 120_000)).status).toBe('unknown');
      return asked() - before;
    };
    expect(await follow(503, 6)).toBe(7);
    expect(await follow(400, 500)).toBe(1);
  });
  test('throttled while it is followed: waited for as long as asked, by seconds and by date', async () => {
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    fake.fail('ExecuteQuery', { kind: 'status', status: 429, headers: { 'retry-after': '9' } });
    fake.fail('ExecuteQuery', { kind: 'status', status: 429, headers: { 'retry-after': new Date(time.clock() + 39_000).toUTCString() } });
    expect((await connector.settle(batch, receipt, WAIT_MS)).status).toBe('imported');
    expect(time.sleeps).toContain(9_000);
    expect(time.sleeps.some((ms) => ms > 20_000 && ms <= 30_000)).toBe(true);
  });
  test('it is looked for often at first, then every half minute', async () => {
    fake.state.behaviour = 'silent';
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    await connector.settle(batch, receipt, 120_000);
    expect(time.sleeps.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]);
    expect(time.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(120_000);
  });
});

describe('exactly one signal', () => {
  test('a lost answer: the event is found in the log and not sent again', async () => {
    fake.fail('PostEvent', { kind: 'cut', done: true });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    expect(await connector.deliver(batch, await connector.prepare(batch))).toMatchObject({ status: 'imported' });
    expect(fake.state.events).toHaveLength(1);
  });
  test('an event that never arrived: unknown, not sent again by itself; a later settle finds no trace', async () => {
    fake.fail('PostEvent', { kind: 'cut', done: false });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    expect(receipt).toMatchObject({ status: 'unknown', message: expect.stringContaining('no trace') as string });
    expect(fake.state.events).toHaveLength(0);
    expect((await connector.settle(batch, receipt, WAIT_MS)).status).toBe('unknown');
  });
  test('an answer that does not come in time: it may be there, and is looked for', async () => {
    fake.fail('PostEvent', { kind: 'hang' });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const token = await connector.prepare(batch);
    const soon = AbortSignal.timeout.bind(AbortSignal);
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => soon(500));
    try {
      expect(await connector.deliver(batch, token)).toMatchObject({ status: 'unknown', message: expect.stringContaining('no trace') as string });
    } finally {
      timeout.mockRestore();
    }
  });
  test('stopped while Campaign has not answered: nobody says that it was not told', async () => {
    fake.fail('PostEvent', { kind: 'hang' });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const token = await connector.prepare(batch);
    const stopped = await connector.deliver(batch, token, AbortSignal.timeout(300)).catch((error: unknown) => error);
    expect(stopped).toBeInstanceOf(Error);
    expect(stopped).not.toHaveProperty('told');
  });
  test.each([
    ['of another call', '<SOAP-ENV:Body><StartResponse/></SOAP-ENV:Body></SOAP-ENV:Envelope>'],
    ['without a body', '<PostEventResponse/></SOAP-ENV:Envelope>'],
    ['that is no XML', '<SOAP-ENV:Body><PostEventResponse/><a b=></SOAP-ENV:Body></SOAP-ENV:Envelope><'],
    ['that is cut off', '<SOAP-ENV:Body><PostEventResponse><a'],
  ])('an answer %s does not say that the event was taken, nor that it was not', async (_which, body) => {
    fake.fail('PostEvent', { kind: 'status', status: 200, body: `<SOAP-ENV:Envelope xmlns:SOAP-ENV='x'>${body}` });
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    expect((await connector.deliver(batch, await connector.prepare(batch))).status).toBe('unknown');
    expect(fake.requests.filter(({ path }) => path.includes('PostEvent'))).toHaveLength(1);
  });
  test('a crash before the answer was recorded: settle says that Campaign works on it', async () => {
    fake.state.behaviour = 'started-only';
    const first = await connect();
    const batch = makeBatch('r-1');
    const token = await first.connector.prepare(batch);
    await first.connector.deliver(batch, token);
    const second = await connect();
    const journaled: Receipt = { status: 'unknown', ...(token === undefined ? {} : { token }) };
    expect((await second.connector.settle(batch, journaled, 0)).status).toBe('signalled');
  });
  test('a gateway error does not repeat the event', async () => {
    fake.fail('PostEvent', { kind: 'status', status: 503 }, 5);
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    expect((await connector.deliver(batch, await connector.prepare(batch))).status).toBe('unknown');
    expect(fake.requests.filter(({ path }) => path.includes('PostEvent'))).toHaveLength(1);
  });
  test('throttled: waits as long as Campaign asks, then signals once', async () => {
    fake.fail('PostEvent', { kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    expect((await connector.deliver(batch, await connector.prepare(batch))).status).toBe('signalled');
    expect(time.sleeps).toContain(7_000);
    expect(fake.state.events).toHaveLength(1);
  });
  test('a session that ends in between is renewed, and the event is posted once', async () => {
    for (const auth of [undefined, imsAuth(fake)]) {
      fake.state.events.splice(0);
      const { connector } = await connect(auth === undefined ? {} : { auth });
      const batch = makeBatch('r-1');
      const token = await connector.prepare(batch);
      fake.fail('PostEvent', { kind: 'expire' });
      expect((await connector.deliver(batch, token)).status).toBe('signalled');
      expect(fake.state.events).toHaveLength(1);
    }
  });
  test('a session that ends under several segments at once is renewed for all of them', async () => {
    const { connector } = await connect();
    await connector.prepare(makeBatch('r-0'));
    for (let round = 0; round < 5; round += 1) {
      fake.fail('ExecuteQuery', { kind: 'expire' }, 2);
      const batches = ['a', 'b', 'c', 'd'].map((name) => makeBatch(`r-${round}${name}`));
      const tokens = await Promise.all(batches.map((batch) => connector.prepare(batch)));
      expect(tokens.map((token) => token?.['workflowId'])).toEqual(Array.from({ length: 4 }, () => '4711'));
    }
  });
  test('a session that ends while the import is followed is renewed', async () => {
    fake.state.behaviour = 'silent';
    const { connector } = await connect();
    const batch = makeBatch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    fake.state.forgetSessions();
    expect((await connector.settle(batch, receipt, 10_000)).status).toBe('unknown');
  });
});

describe('the state of the workflow, before anything is posted', () => {
  test.each([
    [0, /never started/],
    [13, /paused/],
    [20, /finished or stopped/],
  ])('state %i', async (state, words) => {
    const [workflow] = fake.state.workflows;
    if (workflow !== undefined) workflow.state = state;
    const { connector } = await connect();
    const error = await captureError(() => connector.prepare(makeBatch('r-1')));
    expect(error).toMatchObject({ code: 'RC6015', message: expect.stringMatching(words) as string });
    expect(fake.state.events).toEqual([]);
  });
  test('stopped by an error', async () => {
    const [workflow] = fake.state.workflows;
    if (workflow !== undefined) [workflow.state, workflow.failed] = [13, true];
    const { connector } = await connect();
    expect((await captureError(() => connector.prepare(makeBatch('r-1')))).message).toMatch(/stopped by an error/);
  });
  test('starting: it is waited for', async () => {
    const [workflow] = fake.state.workflows;
    if (workflow === undefined) throw new Error('no workflow');
    workflow.state = 10;
    const { connector, time } = await connect();
    const prepared = connector.prepare(makeBatch('r-1'));
    while (time.sleeps.length === 0) await new Promise((done) => void setImmediate(done));
    workflow.state = 11;
    await expect(prepared).resolves.toMatchObject({ workflowId: '4711' });
  });
  test('unknown workflow', async () => {
    const { connector } = await connect({ import: { workflow: "WKF'nope" } });
    expect((await captureError(() => connector.prepare(makeBatch('r-1')))).code).toBe('RC6014');
  });
});

test('without an import nobody is to be told', async () => {
  const { connector } = await connect({ import: null });
  expect(connector.delivers).toBe(false);
});

test('the session is left at the end, and one that was handed in is left alone', async () => {
  const own = await openConnector(fake);
  await own.connector.prepare(makeBatch('r-1'));
  await own.connector[Symbol.asyncDispose]();
  expect(fake.requests.at(-1)?.path).toContain('Logoff');
  expect(fake.state.sessions.size).toBe(0);
  const { session, security } = fake.state.issueSession();
  const auth = { type: 'session', token: { env: 'SESSION' }, securityToken: { env: 'SECURITY' } };
  const lent = await openConnector(fake, { auth }, { SESSION: session, SECURITY: security });
  await lent.connector.prepare(makeBatch('r-1'));
  await lent.connector[Symbol.asyncDispose]();
  expect(fake.state.sessions.size).toBe(1);
});
