/**
 * What keeps a delivery from being made, through the public door: it is told apart with what to do, nothing is half visible, the run's record says where it
 * stands, and once the reason is gone the next run or retry delivers the same bytes.
 */
import { BlobSASPermissions, BlobServiceClient, generateBlobSASQueryParameters, StorageSharedKeyCredential } from '@azure/storage-blob';
import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { AZURITE, startAzurite, type AzureServer, type AzuriteOptions } from '../support/servers/azurite.ts';
import { FAKE_GCS, startFakeGcs } from '../support/servers/gcs.ts';
import { CAN_MOUNT, describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { expectTold, fillStorage, makeRoom } from '../support/storage-trouble.ts';
import { deliver } from '../support/login-delivery.ts';
import { shiftedClock } from '../support/shifted-clock.ts';
import { startTinyDisk } from '../support/tiny-disk.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from '../support/small-delivery.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const MEBIBYTE = 2 ** 20;
const HOUR_MS = 3_600_000;

describeWithServer('what keeps sftp from delivering', SSHD, () => {
  it.each([
    ['a wrong key', { privateKey: { file: 'secret' } }, 'wrong', 'right', /refused the private key/, /register its public half/],
    [
      'a locked key and a wrong passphrase',
      { privateKey: { file: 'key' }, passphrase: { file: 'secret' } },
      'no-passphrase',
      'passphrase',
      /passphrase does not open/,
      /storage\.passphrase/,
    ],
    ...(CAN_MOUNT
      ? [
          [
            'a wrong password',
            { privateKey: undefined, password: { file: 'secret' } },
            'no-password',
            'password',
            /refused the password/,
            /storage\.password/,
          ] as const,
        ]
      : []),
  ] as const)(
    'tells %s',
    async (_, more, wrong, right, says, hint) => {
      await using server = await startSshd();
      const texts: Readonly<Record<string, string>> = {
        ...server.keys,
        passphrase: server.passphrase,
        'no-passphrase': 'wrong-passphrase-canary',
        password: server.password ?? '',
        'no-password': 'wrong-password-canary',
      };
      await expectTold(
        {
          type: 'sftp',
          spec: server.spec(more as object),
          secrets: { secret: texts[wrong] ?? '', key: server.keys.locked },
          says,
          hint,
          fix: (project) => void project.write('secret', texts[right] ?? ''),
        },
        'slot',
      );
    },
    120_000,
  );

  it('tells a changed host key', async () => {
    await using server = await startSshd();
    await expectTold(
      {
        type: 'sftp',
        spec: server.spec({ hostKey: `SHA256:${'A'.repeat(43)}` }),
        says: /host key of .* is not the pinned one/,
        hint: /operator/,
        fix: () => server.spec(),
      },
      'slot',
    );
  }, 120_000);

  it('tells a read-only folder', async () => {
    await using server = await startSshd();
    await expectTold(
      {
        type: 'sftp',
        spec: server.spec({ path: server.readOnly }),
        says: /permission denied/,
        hint: /right to write/,
        fix: async () => void (await chmod(server.readOnly, 0o777)),
      },
      'retry',
    );
  }, 120_000);

  it.runIf(CAN_MOUNT)(
    'tells a full disk',
    async () => {
      await using server = await startSshd();
      const spec = server.spec({ path: server.tinyDisk });
      await fillStorage(spec, 2.5 * MEBIBYTE);
      await expectTold({ type: 'sftp', spec, says: /disk is full/, hint: /make room/, fix: (project) => makeRoom(spec, project) }, 'retry');
    },
    120_000,
  );
});

describeWithServer('what keeps s3 from delivering', VERSITYGW, () => {
  it('tells a missing bucket', async () => {
    await using server = await startVersitygw();
    const secrets = { id: server.accessKeyId, secret: server.secretAccessKey };
    const fix = async (): Promise<undefined> => void (await mkdir(join(dirname(server.folder), 'later')));
    await expectTold({ type: 'amazon-s3', spec: specOf(server, { bucket: 'later' }), secrets, says: /no such bucket/, hint: /storage\.bucket/, fix }, 'retry');
  }, 120_000);

  it('tells a wrong secret key', async () => {
    await using server = await startVersitygw();
    const secrets = { id: server.accessKeyId, secret: 'wrong-secret-canary' };
    const fix = (project: TempProject): undefined => void project.write('secret', server.secretAccessKey);
    await expectTold({ type: 'amazon-s3', spec: specOf(server), secrets, says: /secret access key is wrong/, hint: /storage\.secretAccessKey/, fix }, 'slot');
  }, 120_000);

  it.each([
    ['an expired token', 400, 'ExpiredToken', /temporary credentials have expired/, /fetch new ones/],
    ['a clock that is wrong for good', 403, 'RequestTimeTooSkewed', /clock differs/, /NTP/],
  ] as const)(
    'tells %s',
    async (_, status, code, says, hint) => {
      await using server = await startVersitygw();
      await using proxy = await startFaultProxy(server.port);
      const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
      proxy.answer(...Array.from({ length: 50 }, () => ({ when: () => true, status, headers: { 'content-type': 'application/xml' }, body })));
      const secrets = { id: server.accessKeyId, secret: server.secretAccessKey };
      await expectTold({ type: 'amazon-s3', spec: specOf(server, { endpoint: proxy.url }), secrets, says, hint, fix: () => specOf(server) }, 'slot');
    },
    120_000,
  );

  it.each(['retry', 'watch'] as const)(
    'goes on where it stands once connections are no longer all cut: by %s',
    async (again) => {
      await using server = await startVersitygw();
      await using proxy = await startFaultProxy(server.port);
      const secrets = { id: server.accessKeyId, secret: server.secretAccessKey };
      // Small requests pass; the file does not, in none of the six attempts.
      proxy.injectEach(() => ({ kind: 'cut', direction: 'up', afterBytes: 300_000 }));
      const fix = (): undefined => void proxy.heal();
      const spec = specOf(server, { endpoint: proxy.url });
      await expectTold({ type: 'amazon-s3', spec, secrets, says: /connection broke|the store failed/, hint: /look whether|tried several times/, fix }, again);
    },
    180_000,
  );

  // The server refuses the first request (RequestTimeTooSkewed); by its answer the SDK corrects the time of those that follow.
  it.each([
    ['ahead', 20 * 60_000],
    ['behind', -3 * HOUR_MS],
  ])(
    'delivers although the clock of this machine is %s, and doctor says so',
    async (_, aheadMs) => {
      await using server = await startVersitygw();
      await using proxy = await startFaultProxy(server.port);
      const direct = specOf(server, { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } });
      const secrets = { ID: server.accessKeyId, KEY: server.secretAccessKey };
      const spec: StorageSpec = { ...direct, endpoint: proxy.url } as StorageSpec;
      const env = { ...secrets, NODE_OPTIONS: `--import ${shiftedClock(aheadMs)}` };
      const ended = await deliver({ type: 'amazon-s3', spec, direct, secrets, env, doctor: true });
      expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
      expect(ended.doctor?.said).toMatch(/clock/);
      expect(ended.doctor?.said).toMatch(/NTP/);
      // It was really wrong.
      const sent =
        /^x-amz-date: (\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/im
          .exec(proxy.heads[0] ?? '')
          ?.slice(1)
          .map(Number) ?? [];
      const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = sent;
      expect(Math.abs(Date.UTC(year, month - 1, day, hour, minute) - Date.now())).toBeGreaterThan(15 * 60_000);
    },
    120_000,
  );

  it.runIf(CAN_MOUNT)(
    'tells a full disk',
    async () => {
      await using server = await startVersitygw({ diskBytes: 4 * MEBIBYTE });
      const secrets = { id: server.accessKeyId, secret: server.secretAccessKey };
      await fillStorage(specOf(server), 3.5 * MEBIBYTE, secrets);
      const fix = (project: TempProject): Promise<undefined> => makeRoom(specOf(server), project);
      await expectTold({ type: 'amazon-s3', spec: specOf(server), secrets, says: /the store is full/, hint: /make room/, fix }, 'retry');
    },
    120_000,
  );
});

describeWithServer('what keeps azure-blob from delivering', AZURITE, () => {
  it.each([
    ['an expired SAS', {}, -2, -1, /signature has expired$|signature has expired[^ ]/m, /issue a new one/],
    ['a SAS that the store’s clock says has expired', { aheadMs: 3 * HOUR_MS }, -1, 1, /expired by the store’s clock/, /NTP/],
    ['a SAS that is not valid yet', { aheadMs: -3 * HOUR_MS }, -1, 1, /not valid yet by the store’s clock/, /15 minutes earlier/],
  ] as const)(
    'tells %s',
    async (_, options: AzuriteOptions, from, to, says, hint) => {
      await using server = await startAzurite(options);
      const spec: StorageSpec = { type: 'azure-blob', container: server.container, url: server.url, sasToken: { file: 'secret' } };
      const secrets = { secret: sas(server, from * HOUR_MS, to * HOUR_MS) };
      // The mended one is a key, so that what is visible can be listed too.
      const fix = (project: TempProject): StorageSpec => {
        project.write('secret', server.key);
        return { type: 'azure-blob', container: server.container, url: server.url, accountKey: { file: 'secret' } };
      };
      await expectTold({ type: 'azure-blob', spec, secrets, says, hint, fix }, 'slot');
    },
    120_000,
  );

  it('tells a blob that somebody holds a lease on, and replaces it once that is broken', async () => {
    await using server = await startAzurite();
    const blob = new BlobServiceClient(server.url, new StorageSharedKeyCredential(server.account, server.key))
      .getContainerClient(server.container)
      .getBlobClient('everyone_all.csv');
    const spec: StorageSpec = { type: 'azure-blob', container: server.container, url: server.url, accountKey: { file: 'secret' } };
    using project = createTempProject({ ...smallDelivery('azure-blob', spec), secret: server.key });
    const call = (...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', SMALL_DELIVERY_NOW, ...args]);
    expect(await reconcile(['-C', project.directory, '--now', SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
    expect(await call('run', 'remote', '--slot', SMALL_DELIVERY_SLOT)).toMatchObject({ code: 0 });
    await blob.getBlobLeaseClient().acquireLease(-1);
    project.write('data/people.csv', `${project.read('data/people.csv')}99999,late@example.com,late\n`);

    const slot = ['remote', '--slot', SMALL_DELIVERY_SLOT.replace('-02T', '-03T')];
    const failed = await call('run', ...slot);
    expect(failed.stdout).toMatch(/somebody holds a lease on the blob.*\n.*az storage blob lease break/);
    await blob.getBlobLeaseClient().breakLease(0);
    expect(await call('run', ...slot)).toMatchObject({ code: 0 });
    expect((await blob.downloadToBuffer()).toString()).toContain('late@example.com');
  }, 120_000);

  it.runIf(CAN_MOUNT)(
    // On a full disk azurite answers 500 with an empty body, or breaks the connection off.
    'delivers once a full disk has room, and tells to look at the disk, although azurite gives no reason',
    async () => {
      await using server = await startAzurite({ diskBytes: 4 * MEBIBYTE });
      const spec: StorageSpec = { type: 'azure-blob', container: server.container, url: server.url, accountKey: { file: 'secret' } };
      await fillStorage(spec, 3 * MEBIBYTE, { secret: server.key });
      const fix = async (): Promise<StorageSpec> => {
        // Azurite keeps the bytes of removed blobs for minutes: room is elsewhere.
        const roomy = await startAzurite();
        onEnd.push(roomy);
        return { type: 'azure-blob', container: roomy.container, url: roomy.url.replace(server.account, roomy.account), accountKey: { file: 'secret' } };
      };
      await using onEnd = new Ends();
      await expectTold(
        {
          type: 'azure-blob',
          spec,
          secrets: { secret: server.key },
          says: /the store failed: it answered 500 and gave no reason|connection broke/,
          hint: /its disk may be full/,
          fix,
        },
        'slot',
      );
    },
    180_000,
  );
});

describeWithServer('what keeps gcs from delivering', FAKE_GCS, () => {
  it('tells a missing bucket', async () => {
    await using server = await startFakeGcs();
    const spec: StorageSpec = { type: 'gcs', bucket: 'later', endpoint: server.endpoint };
    const fix = (): StorageSpec => ({ ...spec, bucket: server.bucket });
    await expectTold({ type: 'google-cloud-storage', spec, says: /there is no bucket `later`/, hint: /storage\.bucket/, fix }, 'slot');
  }, 120_000);

  it.runIf(CAN_MOUNT)(
    'tells a full disk',
    async () => {
      await using server = await startFakeGcs(undefined, 4 * MEBIBYTE);
      const spec: StorageSpec = { type: 'gcs', bucket: server.bucket, endpoint: server.endpoint };
      await fillStorage(spec, 3.5 * MEBIBYTE);
      await expectTold(
        { type: 'google-cloud-storage', spec, says: /the store is full/, hint: /make room/, fix: (project) => makeRoom(spec, project) },
        'retry',
      );
    },
    180_000,
  );
});

describe('what keeps a folder from being written', () => {
  it('tells one that is read-only', async () => {
    const spec: StorageSpec = { type: 'local', path: '/sys/kernel/audiences' };
    await expectTold(
      { type: 'local-directory', spec, says: /permission|read-only|not permitted/i, hint: /folder/, fix: () => ({ type: 'local', path: 'elsewhere' }) },
      'slot',
    );
  }, 120_000);

  it.runIf(CAN_MOUNT)(
    'tells a full disk',
    async () => {
      await using disk = await startTinyDisk(4 * MEBIBYTE);
      const spec: StorageSpec = { type: 'local', path: disk.folder };
      await fillStorage(spec, 3.5 * MEBIBYTE);
      await expectTold({ type: 'local-directory', spec, says: /the disk is full/, hint: /make room/, fix: (project) => makeRoom(spec, project) }, 'retry');
    },
    120_000,
  );

  it.runIf(CAN_MOUNT)(
    'tells a disk that is full after the first parts, and does not say that nothing was published',
    async () => {
      await using disk = await startTinyDisk(4 * MEBIBYTE);
      const spec: StorageSpec = { type: 'local', path: disk.folder };
      await fillStorage(spec, 3.5 * MEBIBYTE);
      const files = smallDelivery('local-directory', spec);
      using project = createTempProject({ ...files, 'manifests/all.yaml': (files['manifests/all.yaml'] ?? '').replaceAll('_all"', '_all", maxRows: 2000') });
      const command = (now: string, ...args: readonly string[]) => reconcile(['-C', project.directory, '--now', now, ...args]);
      expect(await command(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });

      const failed = await command(SMALL_DELIVERY_NOW, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT);
      expect(existsSync(join(disk.folder, 'everyone_all.csv'))).toBe(true);
      const said = failed.stdout + failed.stderr;
      expect(failed, said).toMatchObject({ code: 1 });
      expect(said).toMatch(/the disk is full[^]*make room on the disk, and the next run goes on/);
      expect(said).not.toMatch(/nothing was published/);

      await makeRoom(spec, project);
      expect(await command(SMALL_DELIVERY_NOW, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT)).toMatchObject({ code: 0 });
      expect(existsSync(join(disk.folder, 'everyone_all_10.csv'))).toBe(true);
    },
    120_000,
  );
});

class Ends implements AsyncDisposable {
  readonly #all: AsyncDisposable[] = [];
  push(one: AsyncDisposable): void {
    this.#all.push(one);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#all) await one[Symbol.asyncDispose]();
  }
}

function specOf(server: { bucket: string; region: string; endpoint: string }, more: object = {}): StorageSpec {
  return {
    type: 's3',
    bucket: server.bucket,
    region: server.region,
    endpoint: server.endpoint,
    forcePathStyle: true,
    accessKeyId: { file: 'id' },
    secretAccessKey: { file: 'secret' },
    ...more,
  };
}

function sas(server: AzureServer, startsMs: number, endsMs: number): string {
  return generateBlobSASQueryParameters(
    {
      containerName: server.container,
      permissions: BlobSASPermissions.parse('rcwd'),
      startsOn: new Date(Date.now() + startsMs),
      expiresOn: new Date(Date.now() + endsMs),
    },
    new StorageSharedKeyCredential(server.account, server.key),
  ).toString();
}
