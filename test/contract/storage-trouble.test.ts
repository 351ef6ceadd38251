/** What users meet: each trouble told apart, with what to do, nothing half visible, and no secret in anything that is said. */
import { BlobSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } from '@azure/storage-blob';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import type { SecretRef } from '../../src/model/resource.ts';
import { readHostKeys } from '../../src/storage/sftp/host-key.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { probeStorage } from '../../src/storage/probe.ts';
import type { LocalFile, StorageErrorKind } from '../../src/storage/storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { AZURITE, startAzurite, type AzureServer } from '../support/servers/azurite.ts';
import { FAKE_GCS, startFakeGcs, type GcsServer } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW, type S3Server } from '../support/servers/versitygw.ts';
import { bytesOf, patternedBytes, spoolFile } from '../support/spool-file.ts';

const SECRETS: Record<string, string> = {};
const retry = { attempts: 3, baseMs: 1, maxMs: 2 };
let folder: string;
let file: LocalFile;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-trouble-'));
  file = await spoolFile(folder, patternedBytes(200_000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.useRealTimers());

async function secret(ref: SecretRef): Promise<string> {
  if ('env' in ref) return SECRETS[ref.env] ?? '';
  return readFile(ref.file, 'utf8');
}

/** Publishes and says how that failed; checks that no secret is in what was thrown, causes included. */
async function troubleOf(spec: StorageSpec, given = file): Promise<{ kind: StorageErrorKind | 'none'; message: string; hint: string }> {
  try {
    const storage = await createStorage(spec, { root: folder, secret, retry, journal: createMemoryJournal() });
    await using _ = storage;
    await storage.publish('trouble.csv', given, { replace: false, token: 'trouble' });
    return { kind: 'none', message: '', hint: '' };
  } catch (error) {
    const said = inspect(error, { depth: 20, showHidden: true });
    for (const canary of Object.values(SECRETS)) if (canary !== '') expect(said).not.toContain(canary);
    expect(said).not.toMatch(/sig=|Bearer|-----BEGIN/);
    const { kind, message, hint } = error as { kind: StorageErrorKind; message: string; hint?: string };
    expect(hint ?? '', message).not.toBe('');
    return { kind, message, hint: hint ?? '' };
  }
}

describeWithServer('trouble with sftp', SSHD, () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
    Object.assign(SECRETS, {
      RIGHT_KEY: server.keys.right,
      WRONG_KEY: server.keys.wrong,
      LOCKED_KEY: server.keys.locked,
      PASSPHRASE: server.passphrase,
      WRONG_PASSPHRASE: 'wrong-passphrase-canary',
      PASSWORD: server.password ?? '',
      WRONG_PASSWORD: 'wrong-password-canary',
      NO_KEY: 'not-a-key-canary',
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const spec = (more: object): StorageSpec => ({
    type: 'sftp',
    host: '127.0.0.1',
    port: server.port,
    username: server.username,
    hostKey: server.hostKeys.ed25519,
    path: server.folder,
    ...more,
  });

  it('delivers with a key, a locked key and a pinned key of another type', async () => {
    for (const more of [
      { privateKey: { env: 'RIGHT_KEY' } },
      { privateKey: { env: 'LOCKED_KEY' }, passphrase: { env: 'PASSPHRASE' } },
      { privateKey: { env: 'RIGHT_KEY' }, hostKey: server.hostKeys.rsa },
      ...(server.password === undefined ? [] : [{ password: { env: 'PASSWORD' } }]),
    ]) {
      expect(await troubleOf(spec(more))).toMatchObject({ kind: 'none' });
      await rm(join(server.folder, 'trouble.csv'));
    }
  });

  it('lets the group read and remove what it delivered', async () => {
    await troubleOf(spec({ privateKey: { env: 'RIGHT_KEY' }, path: join(server.folder, 'made', 'deep'), mkdir: true }));

    expect((await stat(join(server.folder, 'made', 'deep', 'trouble.csv'))).mode & 0o060).toBe(0o060);
    expect((await stat(join(server.folder, 'made'))).mode & 0o070).toBe(0o070);
  });

  it.each([
    ['a wrong key', { privateKey: { env: 'WRONG_KEY' } }, 'authentication', /private key/, /register its public half/],
    ['a wrong password', { password: { env: 'WRONG_PASSWORD' } }, 'authentication', /password/, /storage\.password/],
    [
      'a wrong passphrase',
      { privateKey: { env: 'LOCKED_KEY' }, passphrase: { env: 'WRONG_PASSPHRASE' } },
      'authentication',
      /passphrase/,
      /storage\.passphrase/,
    ],
    ['a missing passphrase', { privateKey: { env: 'LOCKED_KEY' } }, 'authentication', /locked with a passphrase/, /storage\.passphrase/],
    ['something that is no key', { privateKey: { env: 'NO_KEY' } }, 'authentication', /cannot read the private key/, /BEGIN and END/],
    ['another host key', { privateKey: { env: 'RIGHT_KEY' }, hostKey: `SHA256:${'A'.repeat(43)}` }, 'host-key', /shown SHA256:/, /operator/],
    ['no way to log in', {}, 'configuration', /no way to log in/, /storage\.privateKey/],
  ] as const)('tells %s', async (_, more, kind, message, hint) => {
    const trouble = await troubleOf(spec(more));

    expect(trouble).toMatchObject({ kind });
    expect(trouble.message).toMatch(message);
    expect(trouble.hint).toMatch(hint);
    expect(await readdir(server.folder)).not.toContain('trouble.csv');
  });

  it('tells a missing folder, a read-only one and a full disk', async () => {
    const privateKey = { env: 'RIGHT_KEY' };
    expect(await troubleOf(spec({ privateKey, path: join(server.folder, 'nowhere') }))).toMatchObject({
      kind: 'missing-folder',
      hint: expect.stringContaining('mkdir'),
    });
    expect(await troubleOf(spec({ privateKey, path: server.readOnly }))).toMatchObject({ kind: 'permission' });
    if (server.password === undefined) return;
    const large = await spoolFile(folder, patternedBytes(5 * 2 ** 20));
    expect(await troubleOf(spec({ privateKey, path: server.tinyDisk }), large)).toMatchObject({ kind: 'no-space', message: expect.stringContaining('full') });
  });

  it('goes on once there is room again', async () => {
    if (server.password === undefined) return;
    const tiny = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: server.tinyDisk }), { root: folder, secret, retry });
    await using _ = tiny;
    const half = await spoolFile(folder, patternedBytes(2 * 2 ** 20));
    await tiny.abandon('trouble.csv', 'trouble');
    await tiny.publish('first.csv', half, { replace: false, token: 'one' });
    await expect(tiny.publish('second.csv', half, { replace: false, token: 'two' })).rejects.toMatchObject({ kind: 'no-space' });
    expect(await tiny.stat('second.csv')).toBeUndefined();

    await tiny.remove('first.csv');
    await tiny.publish('second.csv', half, { replace: false, token: 'two' });

    expect((await bytesOf(await tiny.read('second.csv'))).equals(patternedBytes(2 * 2 ** 20))).toBe(true);
  });

  it('never writes through a link that stands where the upload goes', async () => {
    const victim = join(server.folder, 'victim.txt');
    await writeFile(victim, 'precious');
    await chmod(victim, 0o666);
    await symlink(victim, join(server.folder, '.trouble.csv.trouble.part'));

    expect(await troubleOf(spec({ privateKey: { env: 'RIGHT_KEY' } }))).toMatchObject({ kind: 'permission' });

    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  it('prints the host keys that can be pinned, without logging in', async () => {
    const keys = await readHostKeys('127.0.0.1', server.port);

    expect(keys).toEqual([
      { type: 'ssh-ed25519', fingerprint: server.hostKeys.ed25519 },
      { type: 'ssh-rsa', fingerprint: server.hostKeys.rsa },
    ]);
    await expect(readHostKeys('127.0.0.1', 1)).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('refused') });
  });

  it('delivers with the agent, and says so when none runs', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent')], { stdio: 'ignore' });
    try {
      vi.stubEnv('SSH_AUTH_SOCK', join(folder, 'agent'));
      await vi.waitFor(() => stat(join(folder, 'agent')), { timeout: 5_000 });
      expect(await troubleOf(spec({ agent: true, path: join(server.folder, 'agent'), mkdir: true }))).toMatchObject({
        kind: 'authentication',
        hint: expect.stringContaining('ssh-add'),
      });
      await promisify(execFile)('ssh-add', ['-q', server.privateKeyFile], { env: process.env });
      expect(await troubleOf(spec({ agent: true, path: join(server.folder, 'agent'), mkdir: true }))).toMatchObject({ kind: 'none' });
      vi.stubEnv('SSH_AUTH_SOCK', '');
      expect(await troubleOf(spec({ agent: true }))).toMatchObject({ kind: 'authentication', message: expect.stringContaining('SSH_AUTH_SOCK') });
    } finally {
      vi.unstubAllEnvs();
      agent.kill();
    }
  });

  it('is found by doctor, which leaves nothing behind', async () => {
    const at = join(server.folder, 'doctor');
    const storage = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: at, mkdir: true }), { root: folder, secret, retry });
    const wrong = await createStorage(spec({ privateKey: { env: 'WRONG_KEY' } }), { root: folder, secret, retry });

    const findings = await probeStorage(storage);

    expect(findings.find((one) => one.subject.startsWith('storage'))).toMatchObject({ level: 'ok' });
    expect(findings.map((one) => one.subject)).toEqual(expect.arrayContaining(['server', 'disk space']));
    expect(await readdir(at)).toEqual([]);
    expect(await probeStorage(wrong)).toMatchObject([{ level: 'error', code: 'RC5003', hint: expect.stringContaining('public half') }]);
    await storage[Symbol.asyncDispose]();
    await wrong[Symbol.asyncDispose]();
  });
});

describeWithServer('trouble with s3', VERSITYGW, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw();
    Object.assign(SECRETS, { S3_KEY: server.accessKeyId, S3_SECRET: server.secretAccessKey, S3_WRONG: 'wrong-secret-canary', S3_NOBODY: 'nobody-key-canary' });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const spec = (more: object = {}): StorageSpec => ({
    type: 's3',
    bucket: server.bucket,
    region: server.region,
    endpoint: server.endpoint,
    forcePathStyle: true,
    accessKeyId: { env: 'S3_KEY' },
    secretAccessKey: { env: 'S3_SECRET' },
    ...more,
  });

  it.each([
    ['a wrong secret key', { secretAccessKey: { env: 'S3_WRONG' } }, 'authentication'],
    ['a missing bucket', { bucket: 'no-such-bucket' }, 'missing-container'],
    ['another region', { region: 'eu-central-1' }, 'configuration'],
    ['half a pair of keys', { secretAccessKey: undefined }, 'configuration'],
  ] as const)('tells %s', async (_, more, kind) => {
    expect(await troubleOf(spec(more))).toMatchObject({ kind });
    expect(await readdir(server.folder)).not.toContain('trouble.csv');
  });

  it('tells a wrong access key', async () => {
    expect(await troubleOf(spec({ accessKeyId: { env: 'S3_NOBODY' } }))).toMatchObject({
      kind: 'authentication',
      hint: expect.stringContaining('accessKeyId'),
    });
  });

  it('delivers in spite of a wrong clock, which doctor tells', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });

    expect(await troubleOf(spec({ prefix: 'clock' }))).toMatchObject({ kind: 'none' });
    const storage = await createStorage(spec({ prefix: 'clock' }), { root: folder, secret, retry });
    const findings = await probeStorage(storage);
    await storage[Symbol.asyncDispose]();

    expect(findings.find((one) => one.subject === 'clock')).toMatchObject({ level: 'error', code: 'RC5012', hint: expect.stringContaining('NTP') });
  });

  it.each([
    [500, 'InternalError', 'transient', 3],
    [503, 'SlowDown', 'throttled', 3],
    [403, 'AccessDenied', 'permission', 1],
    [400, 'ExpiredToken', 'expired', 1],
    [403, 'RequestTimeTooSkewed', 'clock-skew', 1],
  ] as const)('tells the answer %i %s, and tries again only what may pass', async (status, code, kind, tries) => {
    await using proxy = await startFaultProxy(server.port);
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
    const before = proxy.heads.length;
    proxy.answer(
      ...Array.from({ length: 10 }, () => ({
        when: ({ method }: { method: string }) => method === 'PUT',
        status,
        headers: { 'content-type': 'application/xml' },
        body,
      })),
    );

    expect(await troubleOf(spec({ endpoint: proxy.url }))).toMatchObject({ kind });

    expect(proxy.heads.slice(before).filter((head) => head.startsWith('PUT'))).toHaveLength(tries);
    expect(await readdir(server.folder)).not.toContain('trouble.csv');
  });

  it('goes on when a single answer is 500 or 503', async () => {
    await using proxy = await startFaultProxy(server.port);
    proxy.answer({ when: ({ method }) => method === 'PUT', status: 503 }, { when: ({ method }) => method === 'PUT', status: 500 });

    expect(await troubleOf(spec({ endpoint: proxy.url, prefix: 'again' }))).toMatchObject({ kind: 'none' });
  });

  it('asks for encryption, storage class and checksums as the manifest says', async () => {
    await using proxy = await startFaultProxy(server.port);
    const large = await spoolFile(folder, patternedBytes(9 * 2 ** 20));
    const kms = spec({ endpoint: proxy.url, prefix: 'kms', serverSideEncryption: 'aws:kms', kmsKeyId: 'key-1', storageClass: 'STANDARD' });

    await troubleOf(kms);
    await troubleOf({ ...kms, prefix: 'kms/large' } as StorageSpec, large);

    const [put, create] = [/^PUT \S+trouble\.csv\?x-id=PutObject/, /^POST \S+trouble\.csv\?uploads/].map(
      (wanted) => proxy.heads.find((head) => wanted.test(head))?.toLowerCase() ?? '',
    );
    for (const head of [put, create]) {
      expect(head).toContain('x-amz-server-side-encryption: aws:kms');
      expect(head).toContain('x-amz-server-side-encryption-aws-kms-key-id: key-1');
      expect(head).toContain('x-amz-storage-class: standard');
    }
    expect(put).toContain('x-amz-checksum-sha256:');
    expect(put).toContain('if-none-match: *');
  });

  it('is found by doctor with the clock’s difference', async () => {
    const storage = await createStorage(spec({ prefix: 'doctor' }), { root: folder, secret, retry });
    const findings = await probeStorage(storage);
    await storage[Symbol.asyncDispose]();

    expect(findings.every((one) => one.level === 'ok')).toBe(true);
    expect(findings.map((one) => one.subject)).toContain('clock');
  });
});

describeWithServer('trouble with azure-blob', AZURITE, () => {
  let server: AzureServer;
  beforeAll(async () => {
    server = await startAzurite();
    Object.assign(SECRETS, {
      AZURE: server.connectionString,
      AZURE_KEY: server.key,
      AZURE_WRONG: Buffer.from('wrong-account-key-canary').toString('base64'),
      SAS_EXPIRED: sas(-3_600_000, 'rcwdl'),
      SAS_READ: sas(3_600_000, 'rl'),
      SAS_RIGHT: sas(3_600_000, 'rcwdl'),
      NO_CONNECTION: 'connection-canary',
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const sas = (fromNowMs: number, permissions: string): string =>
    generateBlobSASQueryParameters(
      {
        containerName: server.container,
        permissions: BlobSASPermissions.parse(permissions.replace('l', '')),
        startsOn: new Date(Date.now() - 7_200_000),
        expiresOn: new Date(Date.now() + fromNowMs),
      },
      new StorageSharedKeyCredential(server.account, server.key),
    ).toString();
  const spec = (more: object): StorageSpec => ({ type: 'azure-blob', container: server.container, url: server.url, ...more });

  it('delivers with an account key and with a shared access signature', async () => {
    expect(await troubleOf(spec({ accountKey: { env: 'AZURE_KEY' }, prefix: 'key' }))).toMatchObject({ kind: 'none' });
    expect(await troubleOf(spec({ sasToken: { env: 'SAS_RIGHT' }, prefix: 'sas' }))).toMatchObject({ kind: 'none' });
  });

  it.each([
    ['a wrong account key', { accountKey: { env: 'AZURE_WRONG' } }, 'authentication'],
    ['an expired SAS', { sasToken: { env: 'SAS_EXPIRED' } }, 'expired'],
    ['a SAS without the right to write', { sasToken: { env: 'SAS_READ' } }, 'permission'],
    ['a missing container', { accountKey: { env: 'AZURE_KEY' }, container: 'nowhere' }, 'missing-container'],
    ['a connection string that is none', { connectionString: { env: 'NO_CONNECTION' } }, 'configuration'],
    ['no account', { url: undefined }, 'configuration'],
  ] as const)('tells %s', async (_, more, kind) => {
    expect(await troubleOf(spec(more))).toMatchObject({ kind });
  });

  it.each([
    [500, 'InternalError', {}, 'transient'],
    [503, 'ServerBusy', {}, 'throttled'],
    [403, 'AuthenticationFailed', { date: new Date(Date.now() - 3_600_000).toUTCString() }, 'clock-skew'],
    [403, 'AuthorizationFailure', {}, 'permission'],
  ] as const)('tells the answer %i %s', async (status, code, headers, kind) => {
    await using proxy = await startFaultProxy(server.port);
    proxy.answer(...Array.from({ length: 10 }, () => ({ when: () => true, status, headers: { ...headers, 'x-ms-error-code': code } })));

    expect(await troubleOf(spec({ accountKey: { env: 'AZURE_KEY' }, url: server.url.replace(String(server.port), String(proxy.port)) }))).toMatchObject({
      kind,
    });
  });

  it('is found by doctor with the signature’s end', async () => {
    const storage = await createStorage(spec({ sasToken: { env: 'SAS_RIGHT' } }), { root: folder, secret, retry });
    const findings = await probeStorage(storage);
    await storage[Symbol.asyncDispose]();

    expect(findings.find((one) => one.subject === 'shared access signature')).toMatchObject({ level: 'warning', code: 'RC5011' });
    expect(findings.find((one) => one.subject.startsWith('storage'))).toMatchObject({ level: 'ok' });
  });
});

describeWithServer('trouble with gcs', FAKE_GCS, () => {
  let server: GcsServer;
  beforeAll(async () => {
    server = await startFakeGcs();
    Object.assign(SECRETS, { NO_ACCOUNT: '{"private_key": "gcs-key-canary"' });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const spec = (more: object): StorageSpec => ({ type: 'gcs', bucket: server.bucket, endpoint: server.endpoint, ...more });

  it.each([
    ['a missing bucket', { bucket: 'nowhere' }, 'missing-container'],
    ['credentials that are none', { credentials: { env: 'NO_ACCOUNT' } }, 'authentication'],
  ] as const)('tells %s', async (_, more, kind) => {
    expect(await troubleOf(spec(more))).toMatchObject({ kind });
  });

  it.each([
    [500, 'backendError', 'transient'],
    [429, 'rateLimitExceeded', 'throttled'],
    [403, 'rateLimitExceeded', 'throttled'],
    [403, 'forbidden', 'permission'],
    [401, 'authError', 'authentication'],
  ] as const)('tells the answer %i %s', async (status, reason, kind) => {
    await using proxy = await startFaultProxy(server.port);
    const body = JSON.stringify({ error: { code: status, message: 'injected', errors: [{ reason }] } });
    proxy.answer(...Array.from({ length: 10 }, () => ({ when: () => true, status, body })));

    expect(await troubleOf(spec({ endpoint: proxy.url }))).toMatchObject({ kind });
  });
});
