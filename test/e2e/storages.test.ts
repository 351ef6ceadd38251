/** The real command delivers to every kind of storage on its real server; through cut connections; after a kill; and says what is wrong. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { startFaultProxy, type Fault, type FaultProxy } from '../support/fault-proxy.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { AZURITE, startAzurite } from '../support/servers/azurite.ts';
import { GCP_EMULATOR, startGcpEmulator } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { randomFrom } from '../support/random.ts';
import { bytesOf } from '../support/spool-file.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';
import { DELIVERED_FILES, DELIVERY_APPLIED, DELIVERY_NOW, DELIVERY_SLOT, deliveryProject, HAS_ADVENTUREWORKS, PEOPLE } from '../support/delivery-project.ts';

const NOW = DELIVERY_NOW;
/** Rounds over connections that are all cut once; the 50 take minutes for each kind. */
const ROUNDS = Number(process.env['RECONCILE_DELIVERY_ROUNDS'] ?? 3);
if (!HAS_ADVENTUREWORKS) process.stderr.write('left out: AdventureWorks does not stand beside the checkout; generated people are delivered instead\n');

interface Server extends AsyncDisposable {
  readonly port: number;
  /** The storage's spec when its server is reached at `port`; secrets by environment. */
  spec(port: number): StorageSpec;
  readonly env: Readonly<Record<string, string>>;
}

describeWithServer('deliveries by sftp', SSHD, () =>
  deliveries('sftp', async () => {
    const server = await startSshd();
    return {
      port: server.port,
      spec: (port) => server.spec({ port, privateKey: { env: 'SFTP_KEY' }, path: join(server.folder, 'audiences'), mkdir: true }),
      env: { SFTP_KEY: server.keys.right },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }),
);

describeWithServer('deliveries to s3', VERSITYGW, () =>
  deliveries('amazon-s3', async () => {
    const server = await startVersitygw();
    return {
      port: server.port,
      spec: (port) => ({
        type: 's3',
        bucket: server.bucket,
        prefix: 'audiences',
        region: server.region,
        endpoint: `http://127.0.0.1:${port}`,
        forcePathStyle: true,
        accessKeyId: { env: 'S3_KEY' },
        secretAccessKey: { env: 'S3_SECRET' },
      }),
      env: { S3_KEY: server.accessKeyId, S3_SECRET: server.secretAccessKey },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }),
);

describeWithServer('deliveries to azure-blob', AZURITE, () =>
  deliveries('azure-blob', async () => {
    const server = await startAzurite();
    return {
      port: server.port,
      spec: (port) => ({
        type: 'azure-blob',
        container: server.container,
        prefix: 'audiences',
        url: `http://127.0.0.1:${port}/${server.account}`,
        accountKey: { env: 'AZURE_KEY' },
      }),
      env: { AZURE_KEY: server.key },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }),
);

describeWithServer('deliveries to gcs', GCP_EMULATOR, () =>
  deliveries('google-cloud-storage', async () => {
    const server = await startGcpEmulator();
    return {
      port: server.port,
      spec: (port) => ({ type: 'gcs', bucket: server.bucket, prefix: 'audiences', endpoint: `http://127.0.0.1:${port}` }),
      env: {},
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }),
);

describe('deliveries to a folder', () => {
  it(`show no part to a reader, in ${ROUNDS} rounds`, async () => {
    using project = createTempProject(deliveryProject('local-directory', { type: 'local', path: 'remote' }));
    for (const run of [
      ['apply', '--auto-approve'],
      ['run', 'local-letter'],
    ])
      expect(await command(project, {}, ...run)).toMatchObject({ code: 0 });
    const [out, remote] = ['out', 'remote'].map((name) => join(project.directory, name)) as [string, string];
    const expected = new Map(readdirSync(out).map((name) => [name, readFileSync(join(out, name))]));
    const wrong = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      rmSync(remote, { recursive: true, force: true });
      const running = new AbortController();
      const ended = command(project, {}, 'run', 'remote-letter').finally(() => running.abort());
      while (!running.signal.aborted) {
        for (const name of existsSync(remote) ? readdirSync(remote).filter((one) => !one.startsWith('.')) : []) {
          if (expected.get(name)?.equals(readFileSync(join(remote, name))) !== true) wrong.add(name);
        }
        await wait(5);
      }
      expect(await ended).toMatchObject({ code: 0 });
      expect(readdirSync(remote).sort()).toEqual([...expected.keys()].sort());
    }
    expect([...wrong]).toEqual([]);
  }, 600_000);
});

interface RunJson {
  readonly runs: readonly { readonly status: string; readonly files: readonly { readonly path: string; readonly bytes: number }[]; readonly error?: unknown }[];
}

function deliveries(type: string, start: () => Promise<Server>): void {
  let server: Server;
  let proxy: FaultProxy;
  let project: TempProject;
  let expected: Map<string, Buffer>;

  beforeAll(async () => {
    server = await start();
    proxy = await startFaultProxy(server.port);
    project = createTempProject(deliveryProject(type, server.spec(proxy.port)));
    expect(await command(project, server.env, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const local = await command(project, server.env, 'run', 'local-letter');
    expect(local, local.stderr).toMatchObject({ code: 0 });
    expected = new Map(readdirSync(join(project.directory, 'out')).map((name) => [name, readFileSync(join(project.directory, 'out', name))]));
    expect(expected.size).toBe(DELIVERED_FILES);
    const everybody = [...expected].filter(([name]) => name.startsWith('everybody')).map(([, bytes]) => bytes.toString().trimEnd().split('\n').length - 1);
    expect(everybody.reduce((sum, rows) => sum + rows, 0)).toBe(PEOPLE);
  }, 120_000);
  afterAll(async () => {
    project?.[Symbol.dispose]();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const random = randomFrom(20140128);
  /** Past the proxy, as the reader on the other side is. */
  const openDirect = (): Promise<Storage> =>
    createStorage(server.spec(server.port), {
      root: project.directory,
      secret: async (ref) => ('env' in ref ? (server.env[ref.env] ?? '') : ''),
      journal: createMemoryJournal(),
    });
  const delivered = async (): Promise<Map<string, Buffer>> => {
    await using storage = await openDirect();
    const found = new Map<string, Buffer>();
    for await (const one of storage.list('')) found.set(one.key, await bytesOf(await storage.read(one.key)));
    return found;
  };
  const remove = async (): Promise<void> => {
    await using storage = await openDirect();
    for await (const one of storage.list('')) await storage.remove(one.key);
  };
  /** Reads what can be seen over and over until told to stop; gives the names that were ever seen with other bytes than they shall have. */
  const watch = async (stop: AbortSignal): Promise<string[]> => {
    await using storage = await openDirect();
    const wrong = new Set<string>();
    while (!stop.aborted) {
      for await (const { key } of storage.list('')) {
        if (stop.aborted) break;
        if (expected.get(key)?.equals(await bytesOf(await storage.read(key))) !== true) wrong.add(key);
      }
      await wait(100);
    }
    return [...wrong];
  };
  const expectDelivered = async (): Promise<void> => {
    const found = await delivered();
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, bytes] of expected) expect(found.get(name)?.equals(bytes), name).toBe(true);
  };

  it('arrive as the same bytes as on the local disk', async () => {
    const ended = await command(project, server.env, 'run', 'remote-letter', '--json');

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const { runs } = JSON.parse(ended.stdout) as RunJson;
    expect(runs.map((run) => run.status)).toEqual(['success', 'success', 'success', 'success']);
    expect(runs.flatMap((run) => run.files.map((file) => file.path)).sort()).toEqual([...expected.keys()].sort());
    await expectDelivered();
  }, 120_000);

  it(`arrive when every connection is cut once, in ${ROUNDS} rounds, and never show a part`, async () => {
    await remove();
    const before = proxy.connections;
    expect(await command(project, server.env, 'run', 'remote-letter')).toMatchObject({ code: 0 });
    const total = [...expected.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    // What a connection carries on average: most break, at any point.
    const range = total / (proxy.connections - before);
    let replaced = proxy.struck;
    const cutOnce = (): Fault | undefined => {
      // The one that takes the place of a broken connection holds.
      if (replaced < proxy.struck) {
        replaced += 1;
        return undefined;
      }
      return { kind: 'cut', direction: random() < 0.3 ? 'down' : 'up', afterBytes: Math.floor(random() * range) };
    };
    const struck = proxy.struck;
    for (let round = 0; round < ROUNDS; round += 1) {
      await remove();
      proxy.injectEach(cutOnce);
      const running = new AbortController();
      const wrong = watch(running.signal);

      const ended = await command(project, server.env, 'run', 'remote-letter');

      running.abort();
      proxy.heal();
      expect(ended, `round ${round}: ${ended.stdout}${ended.stderr}`).toMatchObject({ code: 0 });
      expect(await wrong, `round ${round}`).toEqual([]);
      await expectDelivered();
    }
    process.stderr.write(`${type}: ${ROUNDS} rounds, ${proxy.struck - struck} connections broken\n`);
    expect(proxy.struck - struck).toBeGreaterThanOrEqual(ROUNDS);
  }, 1_800_000);

  it('arrive after the process was killed in the middle', async () => {
    proxy.drop();
    proxy.inject(...Array.from({ length: 8 }, () => ({ kind: 'stall' as const, afterBytes: 150_000 })));
    const before = proxy.struck;
    let pid = 0;
    const running = command(project, server.env, { started: (started) => (pid = started) }, 'run', 'remote-letter');
    await expect.poll(() => proxy.struck, { timeout: 60_000, interval: 10 }).toBeGreaterThan(before);
    process.kill(pid, 'SIGKILL');
    await running;
    proxy.heal();

    const ended = await command(project, server.env, 'run', 'remote-letter');

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    await expectDelivered();
  }, 180_000);
}

describeWithServer('a delivery that cannot be made', SSHD, () => {
  let server: Sshd;
  beforeAll(async () => void (server = await startSshd()));
  afterAll(() => server[Symbol.asyncDispose]());

  it('says why, leaves nothing behind, and is made up for once the reason is gone', async () => {
    const slot = DELIVERY_SLOT;
    using project = createTempProject({
      ...deliveryProject('sftp', server.spec({ privateKey: { file: 'key' }, path: server.folder })),
      key: server.keys.wrong,
    });
    expect(await reconcile(['-C', project.directory, '--now', DELIVERY_APPLIED, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });

    const failed = await reconcile(['-C', project.directory, '--now', NOW, 'run', 'remote-letter', '--slot', slot, '--json']);

    expect(failed.code).toBe(1);
    expect((JSON.parse(failed.stdout) as RunJson).runs).toMatchObject(Array.from({ length: 4 }, () => ({ status: 'failed' })));
    expect(failed.stdout + failed.stderr).toContain('refused the private key');
    expect(failed.stdout + failed.stderr).toContain('register its public half');
    expect(readdirSync(server.folder)).toEqual([]);

    project.write('key', server.keys.right);
    const ended = await reconcile(['-C', project.directory, '--now', NOW, 'run', 'remote-letter', '--slot', slot]);

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(readdirSync(server.folder)).toHaveLength(DELIVERED_FILES);
    const body = server.keys.right.split('\n')[2] ?? '';
    const written = readdirSync(join(project.directory, '.reconcile'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const entry of written) expect(readFileSync(join(entry.parentPath, entry.name), 'latin1')).not.toContain(body);
  }, 120_000);
});

function command(project: TempProject, env: Readonly<Record<string, string>>, ...rest: (string | { started: (pid: number) => void })[]): Promise<Ended> {
  const args = rest.filter((one) => typeof one === 'string');
  const started = rest.find((one) => typeof one === 'object')?.started;
  return reconcile(['-C', project.directory, '--now', NOW, ...args], { env, ...(started && { started }) });
}
