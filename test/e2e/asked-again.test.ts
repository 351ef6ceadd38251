/** What the on-call must see of a storage in trouble: how often it was asked again, where a run waits, and that a cancelled one does not wait at all. */
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import type { Run } from '../../src/model/run.ts';
import { startFaultProxy, type FaultProxy, type HttpFault } from '../support/fault-proxy.ts';
import { startMuteServer, type MuteServer } from '../support/mute-server.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { startVersitygw, VERSITYGW, type S3Server } from '../support/servers/versitygw.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from '../support/small-delivery.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const runsOf = ({ stdout }: Ended): readonly Run[] => (JSON.parse(stdout) as { readonly runs: readonly Run[] }).runs;

const spec = (server: S3Server, proxy: FaultProxy): StorageSpec => ({
  type: 's3',
  bucket: server.bucket,
  region: server.region,
  endpoint: proxy.url,
  forcePathStyle: true,
  accessKeyId: { file: 'id' },
  secretAccessKey: { file: 'key' },
});

const slowDown = (): HttpFault => ({
  when: ({ method }) => method === 'PUT',
  status: 503,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
});

const silent = (server: MuteServer): TempProject => {
  const port = Number(new URL(server.url).port);
  const login = { username: 'u', password: { file: 'password' }, hostKey: `SHA256:${'A'.repeat(43)}` };
  return createTempProject({
    ...smallDelivery('sftp', { type: 'sftp', host: '127.0.0.1', port, path: '/in', ...login }),
    password: 'canary',
  });
};

describeWithServer('a store in trouble', VERSITYGW, () => {
  test('that falls silent after a kill does not keep the run from being cancelled; what may stand there is on record', { timeout: 180_000 }, async () => {
    await using server = await startVersitygw();
    await using proxy = await startFaultProxy(server.port);
    using project = createTempProject({ ...smallDelivery('amazon-s3', spec(server, proxy)), id: server.accessKeyId, key: server.secretAccessKey });
    const call = (...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', SMALL_DELIVERY_NOW, ...args]);
    expect(await reconcile(['-C', project.directory, '--now', SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
    const slot = ['remote', '--slot', SMALL_DELIVERY_SLOT];
    const killed = await reconcile(['-C', project.directory, '--now', SMALL_DELIVERY_NOW, 'run', ...slot], { env: { RECONCILE_CRASH_AT: 'published' } });
    expect(killed.signal).toBe('SIGKILL');
    const [dead] = runsOf(await call('runs', 'list', '--json'));

    proxy.injectEach(() => ({ kind: 'stall', afterBytes: 0 }));
    const from = Date.now();
    const cancelled = await call('runs', 'cancel', dead?.id ?? '', '--json');
    expect(cancelled, cancelled.stderr).toMatchObject({ code: 0 });
    expect(Date.now() - from).toBeLessThan(40_000);
    const [run] = runsOf(cancelled);
    expect(run?.error?.message).toMatch(/1 of its files may be visible and could not be taken back: .* did not move for 10 s/);
    expect(run?.files.map(({ path }) => path)).toEqual(['everyone_all.csv']);

    proxy.heal();
    proxy.drop();
    const retried = await call('runs', 'retry', dead?.id ?? '', '--json');
    expect(runsOf(retried)[0], retried.stderr).toMatchObject({ id: dead?.id, status: 'success' });
  });

  test('that asks to slow down is asked again, which the run, its record, the log and watch tell', { timeout: 120_000 }, async () => {
    await using server = await startVersitygw();
    await using proxy = await startFaultProxy(server.port);
    using project = createTempProject({ ...smallDelivery('amazon-s3', spec(server, proxy)), id: server.accessKeyId, key: server.secretAccessKey });
    const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
    expect(await call(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    proxy.answer(slowDown(), slowDown());
    const ran = await call(SMALL_DELIVERY_NOW, '-v', 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT);
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/retried 2 times, the last time after: .*slow down/) });
    expect(ran.stderr).toMatch(/the storage is asked again  doing=publish everyone_all\.csv  attempt=1  pauseMs=\d+  code=RC5002/);
    const listed = runsOf(await call(SMALL_DELIVERY_NOW, 'runs', 'list', '--json'));
    expect(listed).toMatchObject([{ status: 'success', retries: { times: 2, last: expect.stringContaining('slow down') } }]);
    expect((await call(SMALL_DELIVERY_NOW, 'runs', 'show', listed[0]?.id ?? '')).stdout).toContain('retried 2 times');

    proxy.answer(slowDown());
    const watched = await call('2026-01-03T02:00:30Z', '--log-format', 'json', 'watch', '--once');
    expect(watched.stderr.split('\n').find((line) => line.includes('"event":"run-success"') && line.includes('"remote"'))).toContain('"retries":{"times":1');
    // Of its latest attempt only, and of no other run.
    expect(runsOf(await call(SMALL_DELIVERY_NOW, 'run', 'remote', '--json'))[0]?.retries).toBeUndefined();
  });
});

describe('a server that says nothing', () => {
  test('does not hold up who cancels the run, in its own process or after it', { timeout: 120_000 }, async () => {
    await using server = await startMuteServer();
    using project = silent(server);
    let pid = 0;
    const call = (now: string, ...args: readonly string[]): Promise<Ended> =>
      reconcile(['-C', project.directory, '--now', now, ...args], { started: (started) => (pid = started) });
    expect(await call(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const begin = async (): Promise<readonly [Promise<Ended>, number]> => {
      const before = server.connections;
      const running = call(SMALL_DELIVERY_NOW, '--log-format', 'json', 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT, '--json');
      while (server.connections === before) await wait(50);
      return [running, pid];
    };
    const cancel = async (): Promise<Ended & { readonly tookMs: number }> => {
      const [run] = runsOf(await call(SMALL_DELIVERY_NOW, 'runs', 'list', '--json', '--limit', '1'));
      const from = Date.now();
      return { ...(await call(SMALL_DELIVERY_NOW, 'runs', 'cancel', run?.id ?? '', '--json')), tookMs: Date.now() - from };
    };

    const [running] = await begin();
    await wait(10_500);
    const cancelled = await cancel();
    const ended = await running;
    expect(cancelled, cancelled.stderr).toMatchObject({ code: 0 });
    expect(cancelled.tookMs).toBeLessThan(15_000);
    expect(runsOf(ended)[0]).toMatchObject({ status: 'failed', error: { code: 'RC4031' } });
    // What it waited for was said meanwhile.
    expect(ended.stderr).toContain('"step":"connecting"');

    const [killed, killedPid] = await begin();
    process.kill(killedPid, 'SIGKILL');
    await killed;
    expect(await cancel()).toMatchObject({ code: 0 });
    const [last] = runsOf(await call(SMALL_DELIVERY_NOW, 'runs', 'list', '--json', '--status', 'cancelled'));
    expect(last?.error?.code).toBe('RC4031');
  });
});
