/** What users of the clouds meet: each trouble told apart, with what to do, nothing half visible, and no secret in anything that is said. */
import { BlobSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } from '@azure/storage-blob';
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { probeStorage } from '../../src/storage/probe.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { AZURITE, startAzurite, type AzureServer } from '../support/servers/azurite.ts';
import { FAKE_GCS, startFakeGcs, type GcsServer } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { startVersitygw, VERSITYGW, type S3Server } from '../support/servers/versitygw.ts';
import { patternedBytes, spoolFile } from '../support/spool-file.ts';
import { troubleBench } from '../support/trouble-bench.ts';

const { folder, secrets, secret, retry, troubleOf } = troubleBench();
afterEach(() => vi.useRealTimers());

describeWithServer('trouble with s3', VERSITYGW, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw();
    Object.assign(secrets, { S3_KEY: server.accessKeyId, S3_SECRET: server.secretAccessKey, S3_WRONG: 'wrong-secret-canary', S3_NOBODY: 'nobody-key-canary' });
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
    [503, 'OfAGateway', 'throttled', 3],
    [429, 'OfAGateway', 'throttled', 3],
    [502, 'OfAGateway', 'transient', 3],
    [507, 'OfAGateway', 'no-space', 1],
    [400, 'RequestTimeout', 'transient', 3],
    [400, 'BadDigest', 'transient', 3],
    [409, 'OperationAborted', 'transient', 3],
    [403, 'QuotaExceeded', 'no-space', 1],
    [301, 'PermanentRedirect', 'configuration', 1],
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

  it.each([
    [
      'SSE-KMS with its key',
      { serverSideEncryption: 'aws:kms', kmsKeyId: 'key-1', storageClass: 'STANDARD_IA' },
      ['x-amz-server-side-encryption: aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id: key-1', 'x-amz-storage-class: standard_ia'],
      [],
    ],
    ['SSE-S3', { serverSideEncryption: 'AES256' }, ['x-amz-server-side-encryption: aes256'], ['aws-kms-key-id', 'x-amz-storage-class']],
    ['nothing, which leaves it to the bucket', {}, [], ['x-amz-server-side-encryption', 'x-amz-storage-class']],
  ] as const)('asks for %s as the manifest says, in one piece and in parts', async (_, more, wanted, unwanted) => {
    // versitygw drops these headers: what was sent is what can be seen.
    await using proxy = await startFaultProxy(server.port);
    const prefix = `sse/${Object.values(more).join('-')}`;
    const large = await spoolFile(folder, patternedBytes(9 * 2 ** 20));

    expect(await troubleOf(spec({ endpoint: proxy.url, prefix: `${prefix}/small`, ...more }))).toMatchObject({ kind: 'none' });
    expect(await troubleOf(spec({ endpoint: proxy.url, prefix: `${prefix}/large`, ...more }), large)).toMatchObject({ kind: 'none' });

    const [put, create] = [/^PUT \S+trouble\.csv\?x-id=PutObject/, /^POST \S+trouble\.csv\?uploads/].map(
      (one) => proxy.heads.find((head) => one.test(head))?.toLowerCase() ?? 'not sent',
    );
    for (const head of [put, create]) {
      expect(head).toContain(' http/1.1');
      for (const one of wanted) expect(head).toContain(`\r\n${one}`);
      for (const one of unwanted) expect(head).not.toContain(one);
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
    Object.assign(secrets, {
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
    [503, 'OfAGateway', {}, 'throttled'],
    [429, 'OfAGateway', {}, 'throttled'],
    [502, 'OfAGateway', {}, 'transient'],
    [500, 'OperationTimedOut', {}, 'transient'],
    [400, 'Md5Mismatch', {}, 'transient'],
    [401, 'InvalidAuthenticationInfo', {}, 'authentication'],
    [401, 'NoAuthenticationInformation', {}, 'authentication'],
    [404, 'ContainerNotFound', {}, 'missing-container'],
    [409, 'ContainerBeingDeleted', {}, 'missing-container'],
    [409, 'BlobImmutableDueToPolicy', {}, 'permission'],
    [409, 'LeaseAlreadyPresent', {}, 'transient'],
    [403, 'AuthenticationFailed', { date: new Date(Date.now() - 3_600_000).toUTCString() }, 'clock-skew'],
    [403, 'AuthorizationFailure', {}, 'permission'],
  ] as const)('tells the answer %i %s', async (status, code, headers, kind) => {
    await using proxy = await startFaultProxy(server.port);
    proxy.answer(...Array.from({ length: 10 }, () => ({ when: () => true, status, headers: { ...headers, 'x-ms-error-code': code } })));

    expect(await troubleOf(spec({ accountKey: { env: 'AZURE_KEY' }, url: server.url.replace(String(server.port), String(proxy.port)) }))).toMatchObject({
      kind,
    });
  });

  it('tells a signature that is over by the store’s clock alone', async () => {
    await using proxy = await startFaultProxy(server.port);
    const headers = { date: new Date(Date.now() + 2 * 3_600_000).toUTCString(), 'x-ms-error-code': 'AuthenticationFailed' };
    proxy.answer(...Array.from({ length: 10 }, () => ({ when: () => true, status: 403, headers })));

    const url = server.url.replace(String(server.port), String(proxy.port));
    expect(await troubleOf(spec({ sasToken: { env: 'SAS_RIGHT' }, url }))).toMatchObject({
      kind: 'clock-skew',
      message: expect.stringContaining('by the store’s clock, and not by this machine’s'),
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
    Object.assign(secrets, { NO_ACCOUNT: '{"private_key": "gcs-key-canary"' });
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
    [503, 'ofAGateway', 'throttled'],
    [408, 'ofAGateway', 'transient'],
    [403, 'quotaExceeded', 'no-space'],
    [400, 'invalidChecksum', 'transient'],
    [403, 'forbidden', 'permission'],
    [401, 'authError', 'authentication'],
  ] as const)('tells the answer %i %s', async (status, reason, kind) => {
    await using proxy = await startFaultProxy(server.port);
    const body = JSON.stringify({ error: { code: status, message: 'injected', errors: [{ reason }] } });
    proxy.answer(...Array.from({ length: 10 }, () => ({ when: () => true, status, body })));

    expect(await troubleOf(spec({ endpoint: proxy.url }))).toMatchObject({ kind });
  });
});
