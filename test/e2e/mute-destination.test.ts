import process from 'node:process';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { startMuteServer } from '../support/mute-server.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from '../support/small-delivery.ts';
import { createTempProject } from '../support/temp-project.ts';

test('a server that takes connections and says nothing holds up nobody who stops the run', { timeout: 60_000 }, async () => {
  await using server = await startMuteServer();
  const port = Number(new URL(server.url).port);
  const storage = {
    type: 'sftp',
    host: '127.0.0.1',
    port,
    username: 'u',
    password: { file: 'password' },
    hostKey: `SHA256:${'A'.repeat(43)}`,
    path: '/in',
  } as const;
  using project = createTempProject({ ...smallDelivery('sftp', storage), password: 'canary' });
  const call = (now: string, args: readonly string[], started: (pid: number) => void = () => {}): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', now, ...args], { started });
  expect(await call(SMALL_DELIVERY_APPLIED, ['apply', '--auto-approve'])).toMatchObject({ code: 0 });

  let pid = 0;
  const running = call(SMALL_DELIVERY_NOW, ['run', 'remote', '--slot', SMALL_DELIVERY_SLOT], (started) => (pid = started));
  while (server.connections === 0) await new Promise((done) => setTimeout(done, 50));
  const stoppedAt = Date.now();
  process.kill(pid, 'SIGTERM');
  expect(await running).toMatchObject({ code: 143, stdout: expect.stringContaining('the run was stopped') });
  expect(Date.now() - stoppedAt).toBeLessThan(10_000);
});
