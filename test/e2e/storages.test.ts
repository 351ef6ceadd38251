/** The real command delivers to every kind of storage on its real server; through cut connections; after a kill; and says what is wrong. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { AZURITE, startAzurite } from '../support/servers/azurite.ts';
import { GCP_EMULATOR, startGcpEmulator } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { bytesOf } from '../support/spool-file.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const PEOPLE = 18_484;
const NOW = '2026-01-10T00:00:00Z';

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
    project = createTempProject(projectFiles(type, server.spec(proxy.port)));
    expect(await command(project, server.env, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const local = await command(project, server.env, 'run', 'local-letter');
    expect(local, local.stderr).toMatchObject({ code: 0 });
    expected = new Map(readdirSync(join(project.directory, 'out')).map((name) => [name, readFileSync(join(project.directory, 'out', name))]));
    expect([...expected.keys()].length).toBe(4);
  }, 120_000);
  afterAll(async () => {
    project?.[Symbol.dispose]();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const delivered = async (): Promise<Map<string, Buffer>> => {
    const root = mkdtempSync(join(tmpdir(), 'delivered-'));
    const secret = async (ref: object): Promise<string> => ('env' in ref ? (server.env[String(ref.env)] ?? '') : '');
    await using storage = await createStorage(server.spec(server.port), { root, secret, journal: createMemoryJournal() });
    const found = new Map<string, Buffer>();
    for await (const one of storage.list('')) found.set(one.key, await bytesOf(await storage.read(one.key)));
    rmSync(root, { recursive: true });
    return found;
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
    expect(runs).toMatchObject([{ status: 'success' }]);
    expect(runs[0]?.files.map((file) => file.path).sort()).toEqual([...expected.keys()].sort());
    await expectDelivered();
  }, 120_000);

  it.each([1, 2])(
    'arrive over connections that are cut (%i)',
    async (round) => {
      proxy.inject(...[0.1, 0.6, 0.3].map((share) => ({ kind: 'cut' as const, afterBytes: Math.floor(round * share * 400_000) })));

      const ended = await command(project, server.env, 'run', 'remote-letter');
      expect(ended, ended.stderr).toMatchObject({ code: 0 });

      await expectDelivered();
    },
    120_000,
  );

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
    const slot = '2026-01-02T02:00:00Z';
    using project = createTempProject({
      ...projectFiles('sftp', server.spec({ privateKey: { file: 'key' }, path: server.folder })),
      key: server.keys.wrong,
    });
    expect(await reconcile(['-C', project.directory, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve'])).toMatchObject({ code: 0 });

    const failed = await reconcile(['-C', project.directory, '--now', NOW, 'run', 'remote-letter', '--slot', slot, '--json']);

    expect(failed.code).toBe(1);
    expect((JSON.parse(failed.stdout) as RunJson).runs).toMatchObject([{ status: 'failed' }]);
    expect(failed.stdout + failed.stderr).toContain('refused the private key');
    expect(failed.stdout + failed.stderr).toContain('register its public half');
    expect(readdirSync(server.folder)).toEqual([]);

    project.write('key', server.keys.right);
    const ended = await reconcile(['-C', project.directory, '--now', NOW, 'run', 'remote-letter', '--slot', slot]);

    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(readdirSync(server.folder)).toHaveLength(4);
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

function activation(name: string, destination: string): string {
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec:
  destination: ${destination}
  segments: [everyone]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: name}
  export: full
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  file: {name: "%SEGMENT_ID%_all", maxRows: 5000}
`;
}

/** As many people as AdventureWorks has, with values that do not compress and are not all ASCII; one segment of all, in four parts. */
function projectFiles(type: string, storage: StorageSpec): Record<string, string> {
  const people = Array.from({ length: PEOPLE }, (_, index) => `${index},p${index}@example.com,"Ünï ""${index}"", ${randomBytes(24).toString('base64')}"`);
  return {
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: storages}\nspec: {}\n',
    'data/people.csv': `id,email,name\n${people.join('\n')}\n`,
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: data/people.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email}}
  fields: {name: {column: name, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everyone}
spec: {attributes: person, pql: 'name.isNotNull()'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: remote}
spec: ${JSON.stringify({ type, storage })}
${activation('local-letter', 'outbox')}${activation('remote-letter', 'remote')}`,
  };
}
