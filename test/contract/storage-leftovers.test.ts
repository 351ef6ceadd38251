/** What an upload that was interrupted leaves: another process goes on with it, or removes it, and never takes it for other bytes. */
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, type MultipartUpload, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { mkdir, mkdtemp, open as openFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAzureBlobStorage } from '../../src/storage/azure-blob/azure-blob-storage.ts';
import { createGcsStorage } from '../../src/storage/gcs/gcs-storage.ts';
import { createS3Storage } from '../../src/storage/s3/s3-storage.ts';
import { createSftpStorage } from '../../src/storage/sftp/sftp-storage.ts';
import type { LocalFile, Storage } from '../../src/storage/storage.ts';
import { createUploadJournal, type UploadJournal } from '../../src/storage/upload-journal.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { startFaultProxy, type FaultProxy, type HttpFault } from '../support/fault-proxy.ts';
import { AZURITE, startAzurite } from '../support/servers/azurite.ts';
import { GCP_EMULATOR, startGcpEmulator } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { workedOff } from '../support/servers/worked-off.ts';
import { bytesOf, patternedBytes, spoolFile } from '../support/spool-file.ts';

const MIB = 2 ** 20;
const BYTES = 18 * MIB;
/** A part of a store, and what SFTP has certainly brought over by then. */
const REACHED = 8 * MIB;

interface Place extends AsyncDisposable {
  readonly port: number;
  open(port: number, journal: UploadJournal): Storage;
  /** Waits for what the server still does of requests that were cut. */
  readonly settle?: (proxy: FaultProxy) => Promise<void>;
  /** What the server itself still has of unfinished uploads; absent where it does not say. */
  readonly leftovers?: () => Promise<readonly string[]>;
  /** Ends an upload behind our back, as a lifecycle rule does. */
  readonly forget?: (proxy: FaultProxy) => Promise<void>;
  /** The answer that says so in the middle of one; the real servers do not forget. */
  readonly givesUp?: HttpFault;
  /** Changes bytes of what has arrived, as a broken disk does. */
  readonly damage?: () => Promise<void>;
}

/** What the journal holds of an upload. */
interface Note {
  readonly session?: string;
}

function leftoverSuite(createPlace: () => Promise<Place>): void {
  let place: Place;
  let proxy: FaultProxy;
  let spool: string;
  let uploads: string;
  let file: LocalFile;
  beforeAll(async () => {
    spool = await mkdtemp(join(tmpdir(), 'storage-leftovers-'));
    uploads = join(spool, 'uploads');
    await mkdir(uploads);
    place = await createPlace();
    proxy = await startFaultProxy(place.port);
    file = await spoolFile(spool, patternedBytes(BYTES, 3));
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
    await rm(spool, { recursive: true, force: true });
  });

  /** As another process opens it: nothing but the journal is shared. */
  const open = (): Storage => place.open(proxy.port, createUploadJournal(uploads));

  const interrupt = async (key: string): Promise<void> => {
    await using storage = open();
    const stop = new AbortController();
    const onProgress = (bytes: number): void => {
      if (bytes >= REACHED) stop.abort();
    };
    await expect(storage.publish(key, file, { replace: false, token: key, signal: stop.signal, onProgress })).rejects.toMatchObject({ kind: 'aborted' });
    await place.settle?.(proxy);
  };
  const noteOf = async (): Promise<Note> => {
    const [name] = await readdir(uploads);
    if (name === undefined) return {};
    // It names a right to write.
    expect((await stat(join(uploads, name))).mode & 0o077).toBe(0);
    return JSON.parse(await readFile(join(uploads, name), 'utf8')) as Note;
  };
  const expectNothingLeft = async (): Promise<void> => {
    expect(await readdir(uploads)).toEqual([]);
    expect((await place.leftovers?.()) ?? []).toEqual([]);
  };

  it('is gone on with: what has arrived is not sent again', async () => {
    await interrupt('resumed.bin');
    const before = proxy.sent;
    await using storage = open();
    await storage.publish('resumed.bin', file, { replace: false, token: 'resumed.bin' });

    expect(proxy.sent - before).toBeLessThan(BYTES - REACHED + 3 * MIB);
    expect((await bytesOf(await storage.read('resumed.bin'))).equals(await readFile(file.path))).toBe(true);
    await expectNothingLeft();
  });

  it('is kept only where it still is what was sent', async () => {
    await interrupt('damaged.bin');
    await place.damage?.();
    await using storage = open();
    await storage.publish('damaged.bin', file, { replace: false, token: 'damaged.bin' });

    expect((await bytesOf(await storage.read('damaged.bin'))).equals(await readFile(file.path))).toBe(true);
  });

  it.each([
    ['as long', BYTES, 4],
    ['shorter', BYTES - 2 * MIB - 5, 4],
    ['in one piece', 1000, 4],
    ['its own beginning', REACHED - MIB, 3],
  ])('is never taken for other bytes, %s', async (_which, bytes, seed) => {
    const key = `other-${bytes}.bin`;
    await interrupt(key);
    const data = patternedBytes(bytes, seed);
    const other = await spoolFile(spool, data);
    await using storage = open();
    const published = await storage.publish(key, other, { replace: false, token: key });

    expect((await bytesOf(await storage.read(key))).equals(data)).toBe(true);
    expect([undefined, other.sha256]).toContain(published.sha256);
    await storage.abandon(key, key);
    await expectNothingLeft();
  });

  it('is removed when nobody goes on with it', async () => {
    await interrupt('abandoned.bin');
    const { session } = await noteOf();
    await using storage = open();
    await storage.abandon('abandoned.bin', 'abandoned.bin');
    await expectNothingLeft();
    // The emulator keeps its sessions for ever; Google ends one that is told to.
    if (session !== undefined) expect(proxy.heads.some((head) => head.startsWith(`DELETE ${session.slice(proxy.url.length)}`))).toBe(true);
    expect(await storage.stat('abandoned.bin')).toBeUndefined();
  });

  it('which the store gives up before its end starts anew by itself', async () => {
    await using bare = open();
    const storage = withRetry(bare, { attempts: 2, baseMs: 1, maxMs: 2 });
    if (place.givesUp !== undefined) proxy.answer(place.givesUp);
    await storage.publish('given-up.bin', file, { replace: false, token: 'given-up' });

    expect((await bytesOf(await storage.read('given-up.bin'))).equals(await readFile(file.path))).toBe(true);
    await expectNothingLeft();
  });

  it('which the store has given up meanwhile starts anew, or is removed all the same', async () => {
    for (const end of ['publish', 'abandon'] as const) {
      const key = `forgotten-${end}.bin`;
      await interrupt(key);
      await place.forget?.(proxy);
      await using storage = open();
      if (end === 'publish') {
        await storage.publish(key, file, { replace: false, token: key });
        expect((await bytesOf(await storage.read(key))).equals(await readFile(file.path))).toBe(true);
      } else await storage.abandon(key, key);
      expect(await readdir(uploads)).toEqual([]);
    }
  });
}

describeWithServer('what an upload leaves on OpenSSH', SSHD, () => {
  leftoverSuite(async () => {
    const server = await startSshd();
    return {
      port: server.port,
      open: (port) => {
        const login = { kind: 'key', privateKey: server.keys.right } as const;
        const access = { host: '127.0.0.1', port, username: server.username, hostKey: server.hostKeys.ed25519, login, name: 'sftp://tests' };
        return createSftpStorage({ access, path: server.folder, mkdir: false, connections: 2 });
      },
      leftovers: async () => (await readdir(server.folder)).filter((name) => name.endsWith('.part')),
      async damage() {
        const name = (await readdir(server.folder)).find((one) => one.endsWith('.part')) ?? '';
        await using part = await openFile(join(server.folder, name), 'r+');
        await part.write(Buffer.alloc(10), 0, 10, MIB);
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describeWithServer('what an upload leaves on versitygw', VERSITYGW, () => {
  leftoverSuite(async () => {
    const server = await startVersitygw();
    const { bucket } = server;
    const client = new S3Client({
      endpoint: server.endpoint,
      forcePathStyle: true,
      region: server.region,
      credentials: server,
      requestHandler: { httpAgent: { keepAlive: false } },
    });
    const unfinished = async (): Promise<readonly MultipartUpload[]> => (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
    return {
      port: server.port,
      open: (port, journal) =>
        createS3Storage({
          access: { endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true, region: server.region, credentials: server },
          bucket,
          journal,
        }),
      givesUp: {
        when: ({ method, path }) => method === 'POST' && path.includes('uploadId='),
        status: 404,
        headers: { 'content-type': 'application/xml' },
        body: '<Error><Code>NoSuchUpload</Code><Message>it was aborted</Message></Error>',
      },
      // A part that is still being written makes the folder of an upload anew that was aborted beside it.
      async settle(proxy) {
        proxy.drop();
        await workedOff(server.port);
      },
      leftovers: async () => (await unfinished()).map(({ Key = '' }) => Key),
      async forget() {
        for (const { Key, UploadId } of await unfinished()) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
      },
      async damage() {
        for (const { Key, UploadId } of await unfinished()) {
          for (const PartNumber of [1, 2]) {
            await client.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body: patternedBytes(8 * MIB, 9) }));
          }
        }
      },
      async [Symbol.asyncDispose]() {
        client.destroy();
        await server[Symbol.asyncDispose]();
      },
    };
  });
});

describeWithServer('what an upload leaves on azurite', AZURITE, () => {
  leftoverSuite(async () => {
    const server = await startAzurite();
    return {
      port: server.port,
      open: (port) =>
        createAzureBlobStorage({
          access: { kind: 'connection-string', connectionString: server.connectionString.replace(`:${server.port}/`, `:${port}/`) },
          container: server.container,
        }),
      givesUp: {
        when: ({ path }) => path.includes('comp=blocklist') && !path.includes('blocklisttype'),
        status: 400,
        headers: { 'content-type': 'application/xml', 'x-ms-error-code': 'InvalidBlockList' },
        body: '<Error><Code>InvalidBlockList</Code><Message>it is not known</Message></Error>',
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describeWithServer('what an upload leaves on gcp-storage-emulator', GCP_EMULATOR, () => {
  leftoverSuite(async () => {
    const server = await startGcpEmulator();
    return {
      port: server.port,
      open: (port, journal) => createGcsStorage({ access: { endpoint: `http://127.0.0.1:${port}` }, bucket: server.bucket, journal }),
      async settle(proxy) {
        proxy.drop();
        await workedOff(server.port);
      },
      givesUp: { when: ({ method, path }) => method === 'PUT' && path.includes('upload_id='), status: 410 },
      // The emulator keeps its sessions for ever: the proxy says so in its place, once.
      forget: async (proxy) => proxy.answer({ when: ({ path }) => path.includes('upload_id='), status: 410 }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
