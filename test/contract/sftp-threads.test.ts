/** Uploads in threads fail, stop and end like those on the main thread. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSftpStorage, type SftpStorageOptions } from '../../src/storage/sftp/sftp-storage.ts';
import { withUploadThreads } from '../../src/storage/sftp/upload-threads.ts';
import { StorageError } from '../../src/storage/storage-error.ts';
import type { LocalFile, Storage } from '../../src/storage/storage.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';
import { patternedBytes, spoolFile } from '../support/spool-file.ts';

describeWithServer('sftp in upload threads', SSHD, () => {
  let server: Sshd;
  let folder: string;
  let file: LocalFile;
  beforeAll(async () => {
    server = await startSshd();
    folder = await mkdtemp(join(tmpdir(), 'sftp-threads-'));
    file = await spoolFile(folder, patternedBytes(3 * 2 ** 20));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (more: Partial<SftpStorageOptions['access']> = {}): SftpStorageOptions => ({
    access: {
      host: '127.0.0.1',
      port: server.port,
      username: server.username,
      hostKey: server.hostKeys.ed25519,
      login: { kind: 'key', privateKey: server.keys.right },
      name: 'sftp://tests',
      ...more,
    },
    path: server.folder,
    mkdir: false,
    connections: 4,
  });
  const script = async (text: string): Promise<URL> => {
    const path = join(folder, `${text.length}.mjs`);
    await writeFile(path, `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', () => {\n${text}\n});\n`);
    return pathToFileURL(path);
  };

  it.each([
    ['a wrong key', () => options({ login: { kind: 'key', privateKey: server.keys.wrong } })],
    ['another host key', () => options({ hostKey: `SHA256:${'A'.repeat(43)}` })],
    ['a missing folder', () => ({ ...options(), path: '/nowhere' })],
    ['a read-only folder', () => ({ ...options(), path: server.readOnly })],
    ['a full disk', () => ({ ...options(), path: server.tinyDisk })],
  ])('tells %s as the main thread does, without a secret', async (_, given) => {
    const large = await spoolFile(folder, patternedBytes(5 * 2 ** 20));
    const failures: StorageError[] = [];
    for (const storage of [createSftpStorage(given()), inThreads(given())]) {
      await storage.publish('same.csv', large, { replace: false, token: 'same' }).catch((error: StorageError) => failures.push(error));
      await storage.abandon('same.csv', 'same').catch(() => {});
      await storage[Symbol.asyncDispose]();
    }

    const [onMain, inThread] = failures;
    expect(inThread).toBeInstanceOf(StorageError);
    expect(inThread).toMatchObject({ kind: onMain?.kind, message: onMain?.message, hint: onMain?.hint });
    const body = server.keys.wrong.split('\n')[2] ?? '';
    expect(inspect(inThread, { depth: 20, showHidden: true })).not.toContain(body);
  });

  it('hands over the reason for which it was told to stop', async () => {
    await using proxy = await startFaultProxy(server.port);
    proxy.inject({ kind: 'stall', afterBytes: 2_000_000 });
    await using storage = inThreads(options({ port: proxy.port }));
    const late = new StorageError('transient', 'too late');
    const controller = new AbortController();
    const stopped = storage.publish('stop.csv', file, { replace: false, token: 'stop', signal: controller.signal });
    stopped.catch(() => {});
    await expect.poll(() => proxy.struck, { timeout: 20_000 }).toBe(1);
    const startedAt = Date.now();
    controller.abort(late);

    await expect(stopped).rejects.toBe(late);
    // Not asked once more over a connection on which nothing moves.
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    expect(await storage.stat('stop.csv')).toBeUndefined();
  });

  it('tells of a thread that ran out of memory, and goes on in a new one', async () => {
    const hungry = inThreads(options(), await script('const all = []; for (;;) all.push(new Array(1e6).fill(all.length));'));
    const failed = await hungry.publish('memory.csv', file, { replace: false, token: 'memory' }).catch((error: unknown) => error);
    await hungry[Symbol.asyncDispose]();

    expect(failed).toMatchObject({ kind: 'transient', message: expect.stringContaining('memory'), hint: expect.stringContaining('memory') });
    await using storage = inThreads(options());
    await storage.publish('memory.csv', file, { replace: false, token: 'memory' });
    expect((await readFile(join(server.folder, 'memory.csv'))).equals(await readFile(file.path))).toBe(true);
  }, 60_000);

  it('tells of a thread that ended', async () => {
    await using storage = inThreads(options(), await script('process.exit(3);'));

    const failed = storage.publish('ended.csv', file, { replace: false, token: 'ended' });

    await expect(failed).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('`ended.csv`') });
  });

  it('passes a bug on as a bug', async () => {
    await using storage = inThreads(options(), await script("throw new TypeError('a bug in the thread');"));

    await expect(storage.publish('bug.csv', file, { replace: false, token: 'bug' })).rejects.toThrow(TypeError);
  });

  it('ends what is under way when it is closed', async () => {
    await using proxy = await startFaultProxy(server.port);
    proxy.inject({ kind: 'stall', afterBytes: 100_000 });
    const storage = inThreads(options({ port: proxy.port }));
    const left = storage.publish('closed.csv', file, { replace: false, token: 'closed' }).catch((error: unknown) => error);
    await expect.poll(() => proxy.struck, { timeout: 10_000 }).toBe(1);

    await storage[Symbol.asyncDispose]();

    expect(await left).toMatchObject({ kind: 'transient' });
  });
});

function inThreads(given: SftpStorageOptions, script?: URL): Storage {
  return withUploadThreads(createSftpStorage(given), given, { largeBytes: 0, ...(script && { script }) });
}
