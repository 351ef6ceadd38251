import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Receipt } from '../../../src/destination/connector.ts';
import { startFakeCampaign, type FakeCampaign } from '../../support/campaign/fake-campaign.ts';
import { captureError, imsAuth, makeBatch, openConnector, type ConnectorSettings, type OpenedConnector } from '../../support/campaign/open-connector.ts';
import type { FakeWorkflow } from '../../support/campaign/state.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';

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

const prepareAll = ({ connector }: OpenedConnector): Promise<unknown> =>
  Promise.all(['a', 'b', 'c', 'd'].map((name) => connector.prepare(makeBatch(`r-${name}`))));

async function connect(settings: ConnectorSettings = {}, secrets: Readonly<Record<string, string>> = {}): Promise<OpenedConnector> {
  const opened = await openConnector(fake, settings, secrets);
  open.push(opened.connector);
  return opened;
}

interface Told extends OpenedConnector {
  readonly batch: ReturnType<typeof makeBatch>;
  readonly receipt: Receipt;
}

/** A batch that Campaign was told of. */
async function tell(runId: string, opened: OpenedConnector): Promise<Told> {
  const batch = makeBatch(runId);
  return { ...opened, batch, receipt: await opened.connector.deliver(batch, await opened.connector.prepare(batch)) };
}

function theWorkflow(): FakeWorkflow {
  const [workflow] = fake.state.workflows;
  if (workflow === undefined) throw new Error('no workflow');
  return workflow;
}

/** Until somebody has slept so often: the looks so far are over. */
async function slept(time: VirtualTime, times: number): Promise<void> {
  while (time.sleeps.length < times) await new Promise((done) => void setImmediate(done));
}

describe('an import that is followed', () => {
  test.each([
    [13, /did not say within 60 s how the import ended, and cannot by now: it is paused: .*; resume WKFsegmentImport in Campaign/],
    [20, /it is finished or stopped \(state 20\); start WKFsegmentImport in Campaign/],
  ])('is unknown with what to do when the workflow comes to stand after the signal (state %i)', async (state, says) => {
    fake.state.behaviour = 'silent';
    const { connector, batch, receipt } = await tell('r-1', await connect());
    theWorkflow().state = state;
    expect(await connector.settle(batch, receipt, 60_000)).toMatchObject({ status: 'unknown', message: expect.stringMatching(says) as string });
  });

  test('an error is ours only when the next look finds nobody else’s failure behind it', async () => {
    fake.state.behaviour = 'silent';
    const { connector, time, batch, receipt } = await tell('r-1', await connect());
    fake.state.addLog(theWorkflow(), 0, 'fileImport', 'Line 3: not a date');
    const settled = connector.settle(batch, receipt, WAIT_MS);
    await slept(time, 1);
    fake.state.addLog(theWorkflow(), 2, 'end', 'SEGEXPORT runId=r-2 status=failed rows=0');
    fake.state.addLog(theWorkflow(), 2, 'end', 'SEGEXPORT runId=r-1 status=ok rows=6');
    expect(await settled).toMatchObject({ status: 'imported', rows: 6 });
  });

  test('a workflow that somebody pauses or stops meanwhile has not failed: it may be resumed', async () => {
    fake.state.behaviour = 'silent';
    const opened = await connect();
    for (const state of [13, 20]) {
      const { connector, time, batch, receipt } = await tell(`r-${state}`, opened);
      theWorkflow().state = state;
      const settled = connector.settle(batch, receipt, WAIT_MS);
      await slept(time, time.sleeps.length + 2);
      theWorkflow().state = 11;
      fake.state.addLog(theWorkflow(), 2, 'end', `SEGEXPORT runId=r-${state} status=ok rows=6`);
      expect((await settled).status).toBe('imported');
    }
  });

  test('a log that was empty at the signal has a beginning: what stands in it since is ours, and nothing in it is no trace', async () => {
    fake.state.log.splice(0);
    fake.state.behaviour = 'error-row';
    const { connector, batch, receipt } = await tell('r-1', await connect());
    expect(await connector.settle(batch, receipt, WAIT_MS)).toMatchObject({
      status: 'import-failed',
      message: expect.stringContaining('Line 3') as string,
    });
    fake.state.log.splice(0);
    fake.fail('PostEvent', { kind: 'cut', done: false });
    const lost = await tell('r-2', await connect());
    expect(lost.receipt).toMatchObject({ status: 'unknown', message: expect.stringContaining('no trace') as string });
    expect(lost.receipt).not.toHaveProperty('looked');
  });

  test.each([
    ['a session that was handed in and is over', 'RC6007', { kind: 'expire' }],
    ['a gateway that does not let this machine in any more', 'RC6006', { kind: 'status', status: 403 }],
  ] as const)('%s is not asked again and again', async (_which, code, mishap) => {
    fake.state.behaviour = 'silent';
    const { session, security } = fake.state.issueSession();
    const auth = { type: 'session', token: { env: 'SESSION' }, securityToken: { env: 'SECURITY' } };
    const { connector, batch, receipt } = await tell('r-1', await connect({ auth }, { SESSION: session, SECURITY: security }));
    const before = fake.requests.length;
    fake.fail('ExecuteQuery', mishap, 500);
    expect(await connector.settle(batch, receipt, WAIT_MS)).toMatchObject({
      status: 'unknown',
      message: expect.stringContaining('could not be asked') as string,
    });
    expect(fake.requests.length - before).toBe(1);
    expect((await captureError(() => connector.prepare(batch))).code).toBe(code);
  });

  test('a look that Campaign refuses, for no lack of rights, is taken again: it took the signal', async () => {
    const { connector, batch, receipt } = await tell('r-1', await connect());
    fake.fail('ExecuteQuery', { kind: 'fault', status: 200, text: 'SOP-330011 Error', detail: 'PGS-220000 the database is restarting' });
    expect(await connector.settle(batch, receipt, WAIT_MS)).toMatchObject({ status: 'imported', rows: 6 });
  });

  test('a token service that throttles has refused nothing: it is asked again', async () => {
    const { connector, batch, receipt } = await tell('r-1', await connect({ auth: imsAuth(fake) }));
    fake.state.forgetSessions();
    fake.fail('token', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 4);
    expect(await connector.settle(batch, receipt, WAIT_MS)).toMatchObject({ status: 'imported' });
  });

  test('stopped while the logon for a look hangs: it ends at once', async () => {
    fake.state.behaviour = 'silent';
    const { batch, receipt } = await tell('r-1', await connect());
    fake.fail('Logon', { kind: 'hang' });
    const { connector } = await connect();
    const startedAt = Date.now();
    await expect(connector.settle(batch, receipt, WAIT_MS, AbortSignal.timeout(300))).rejects.toMatchObject({ code: 'RC6002' });
    expect(Date.now() - startedAt).toBeLessThan(30_000);
  });
});

describe('the signal', () => {
  test('whose answer was lost, with an import that takes longer than a trace is looked for: nobody says that it has none', async () => {
    fake.state.behaviour = 'silent';
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const token = await connector.prepare(batch);
    await connector.deliver(batch, token);
    await vi.waitFor(() => expect(fake.state.log.at(-1)?.['@message']).toBe('Downloading'));
    const startedAt = time.clock();
    const settled = connector.settle(batch, { status: 'unknown', ...(token === undefined ? {} : { token }) }, WAIT_MS);
    await vi.waitFor(() => expect(time.clock() - startedAt).toBeGreaterThan(2 * 60_000), 30_000);
    fake.state.addLog(theWorkflow(), 2, 'end', 'SEGEXPORT runId=r-1 status=ok rows=6');
    expect(await settled).toMatchObject({ status: 'imported', rows: 6 });
  });

  test('throttled for longer than anybody waits: told at once, and that nobody was told', async () => {
    fake.fail('PostEvent', { kind: 'status', status: 429, headers: { 'retry-after': '3600' } }, 9);
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const token = await connector.prepare(batch);
    await expect(connector.deliver(batch, token)).rejects.toMatchObject({ code: 'RC6009', told: false });
    expect([time.sleeps, fake.state.events]).toEqual([[], []]);
  });

  test('where nobody listens: nothing was sent, so it is sent again; when that goes on, nobody was told', async () => {
    const { connector, time } = await connect();
    const batch = makeBatch('r-1');
    const token = await connector.prepare(batch);
    await fake.close();
    // The client learns that its open connection has ended.
    await new Promise((done) => void setTimeout(done, 200));
    await expect(connector.deliver(batch, token)).rejects.toMatchObject({ code: 'RC6001', told: false });
    expect(time.sleeps).toEqual([500, 1_000, 2_000]);
  });

  test('at a gateway that has forgotten who is logged in: posted once, with a new session', async () => {
    fake.fail('PostEvent', { kind: 'status', status: 401 });
    expect((await tell('r-1', await connect())).receipt.status).toBe('signalled');
    expect(fake.state.events).toHaveLength(1);
  });

  test('of several segments at once: one logon, and one more when the token nears its end', async () => {
    const byToken = await connect({ auth: imsAuth(fake) });
    for (const tokens of [1, 2]) {
      await prepareAll(byToken);
      expect(fake.state.bearers.size).toBe(tokens);
      byToken.time.advance(86_400_000 - 30_000);
    }
    await prepareAll(await connect());
    expect(fake.requests.filter(({ path }) => path.includes('Logon'))).toHaveLength(1);
  });

  test('to a workflow that has been starting for more than a minute: it is told, and nothing is posted', async () => {
    theWorkflow().state = 10;
    const { connector, time } = await connect();
    const error = await captureError(() => connector.prepare(makeBatch('r-1')));
    expect(error).toMatchObject({ code: 'RC6015', message: expect.stringContaining('starting for a minute (state 10)') as string });
    expect(time.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(60_000);
  });
});
