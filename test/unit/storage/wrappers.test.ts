import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { createStorage } from '../../../src/storage/create-storage.ts';
import { StorageError } from '../../../src/storage/storage-error.ts';
import type { LocalFile, Storage, StorageErrorKind } from '../../../src/storage/storage.ts';
import { withDeadlines } from '../../../src/storage/with-deadlines.ts';
import { withLimit } from '../../../src/storage/with-limit.ts';
import { withRetry } from '../../../src/storage/with-retry.ts';
import { bytesOf, patternedBytes, spoolFile } from '../../support/spool-file.ts';

let folder: string;
let file: LocalFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-wrappers-'));
  file = await spoolFile(folder, patternedBytes(100_000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const local = (): Storage => createLocalStorage({ root: join(folder, 'out') });
const fail = (kind: StorageErrorKind): never => {
  throw new StorageError(kind, `made to fail: ${kind}`);
};

describe('retry', () => {
  const pauses: number[] = [];
  const retry = { attempts: 4, baseMs: 100, maxMs: 250, random: () => 1, sleep: async (ms: number) => void pauses.push(ms) };

  it.each(['transient', 'throttled'] as const)('tries %s again, each time after a longer pause, and gives up in the end', async (kind) => {
    pauses.length = 0;
    let calls = 0;
    const storage = withRetry({ ...local(), stat: async () => fail((calls++, kind)) }, retry);

    await expect(storage.stat('x')).rejects.toMatchObject({ kind });

    expect(calls).toBe(4);
    expect(pauses).toEqual(kind === 'transient' ? [100, 200, 250] : [400, 800, 1000]);
  });

  it.each(['authentication', 'host-key', 'permission', 'missing-container', 'no-space', 'expired', 'clock-skew', 'configuration', 'exists'] as const)(
    'throws %s at once',
    async (kind) => {
      let calls = 0;
      const storage = withRetry({ ...local(), publish: async () => fail((calls++, kind)) }, retry);

      await expect(storage.publish('x', file, { replace: false, token: 't' })).rejects.toMatchObject({ kind });

      expect(calls).toBe(1);
    },
  );

  it('keeps on as long as each attempt comes further', async () => {
    let sent = 0;
    const storage = withRetry(
      {
        ...local(),
        async publish(key, given, { onProgress }) {
          sent += 10_000;
          onProgress?.(sent);
          if (sent < given.bytes) fail('transient');
          return { key, bytes: given.bytes };
        },
      },
      retry,
    );

    expect(await storage.publish('x', file, { replace: false, token: 't' })).toMatchObject({ bytes: 100_000 });
  });

  it('takes an object that exists for its own when the answer to an earlier attempt was lost and the bytes are the same', async () => {
    const real = local();
    let calls = 0;
    const lossy: Storage = {
      ...real,
      async publish(key, given, options) {
        calls += 1;
        if (calls > 1) return fail('exists');
        await real.publish(key, given, options);
        return fail('transient');
      },
    };

    expect(await withRetry(lossy, retry).publish('lost.bin', file, { replace: false, token: 't' })).toMatchObject({ bytes: 100_000 });

    calls = 0;
    await real.publish('lost.bin', await spoolFile(folder, patternedBytes(100_000, 2)), { replace: true, token: 'someone' });
    const other: Storage = { ...lossy, publish: async () => fail(calls++ === 0 ? 'transient' : 'exists') };
    await expect(withRetry(other, retry).publish('lost.bin', file, { replace: false, token: 't' })).rejects.toMatchObject({ kind: 'exists' });

    calls = 0;
    const knowing: Storage = { ...other, stat: async (key) => ({ key, bytes: file.bytes, sha256: '0'.repeat(64) }) };
    await expect(withRetry(knowing, retry).publish('lost.bin', file, { replace: false, token: 't' })).rejects.toMatchObject({ kind: 'exists' });
  });

  it('never takes for its own what was there before its first attempt, the same bytes or not', async () => {
    await local().publish('before.bin', file, { replace: true, token: 'someone' });
    const storage = withRetry({ ...local(), publish: async () => fail('exists') }, retry);

    await expect(storage.publish('before.bin', file, { replace: false, token: 't' })).rejects.toMatchObject({ kind: 'exists' });
  });

  it('stops pausing when told to', async () => {
    const controller = new AbortController();
    const storage = withRetry({ ...local(), publish: async () => fail('transient') }, { attempts: 5, baseMs: 60_000, maxMs: 60_000, random: () => 1 });
    const publishing = storage.publish('x', file, { replace: false, token: 't', signal: controller.signal });
    setImmediate(() => controller.abort());

    await expect(publishing).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('reads on at the byte where the stream broke', async () => {
    const data = await readFile(file.path);
    const starts: number[] = [];
    const storage = withRetry(
      {
        ...local(),
        async read(_key, start = 0) {
          starts.push(start);
          const end = Math.min(data.length, start + 30_000);
          return Readable.from(
            (async function* () {
              yield data.subarray(start, end);
              if (end < data.length) fail('transient');
            })(),
          );
        },
      },
      retry,
    );

    expect((await bytesOf(await storage.read('x'))).equals(data)).toBe(true);
    expect(starts).toEqual([0, 30_000, 60_000, 90_000]);
  });

  it('lists every object once when the listing breaks', async () => {
    let calls = 0;
    const storage = withRetry(
      {
        ...local(),
        async *list() {
          calls += 1;
          yield { key: 'a', bytes: 1 };
          if (calls === 1) fail('transient');
          yield { key: 'b', bytes: 1 };
        },
      },
      retry,
    );
    const keys: string[] = [];
    for await (const one of storage.list('')) keys.push(one.key);

    expect(keys).toEqual(['a', 'b']);
  });
});

function never(): Promise<never> {
  return new Promise(() => {});
}

async function* neverNext(): AsyncGenerator<never> {
  yield await never();
}

describe('deadlines', () => {
  const deadlines = { idleMs: 30, callMs: 30 };

  it('gives up what does not move, as something to try again', async () => {
    const storage = withDeadlines(
      {
        ...local(),
        stat: never,
        publish: (_key, _file, { signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
        read: async () => new Readable({ read() {} }),
      },
      deadlines,
    );

    await expect(storage.stat('x')).rejects.toMatchObject({ kind: 'transient' });
    await expect(storage.publish('x', file, { replace: false, token: 't' })).rejects.toMatchObject({ kind: 'transient' });
    await expect(bytesOf(await storage.read('x'))).rejects.toMatchObject({ kind: 'transient' });
  });

  it('gives up every other call that is not answered, and closes a download that it gave up', async () => {
    const source = new Readable({ read() {} });
    const mute: Storage = { ...local(), stat: never, remove: never, abandon: never, diagnose: never, read: async () => source, list: () => neverNext() };
    const storage = withDeadlines(mute, deadlines);
    const calls = [
      () => storage.remove('x'),
      () => storage.abandon('x', 't'),
      () => storage.diagnose?.(),
      async () => bytesOf(await storage.read('x')),
      async () => storage.list('')[Symbol.asyncIterator]().next(),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject({ kind: 'transient' });

    expect(source.destroyed).toBe(true);
  });

  it('does not wait for an upload that does not stop when it is told to', async () => {
    vi.useFakeTimers();
    try {
      const storage = withDeadlines({ ...local(), publish: never }, deadlines);
      const published = storage.publish('x', file, { replace: false, token: 't' }).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(10_000);

      expect(await Promise.race([published, 'still waiting'])).toMatchObject({ kind: 'transient' });
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets what moves take its time', async () => {
    const storage = withDeadlines(
      {
        ...local(),
        async publish(key, given, { onProgress }) {
          for (let step = 0; step < 8; step += 1) {
            await new Promise((go) => setTimeout(go, 10));
            onProgress?.(step);
          }
          return { key, bytes: given.bytes };
        },
      },
      { idleMs: 60, callMs: 60 },
    );

    expect(await storage.publish('x', file, { replace: false, token: 't' })).toMatchObject({ bytes: 100_000 });
  });

  it('says that the caller stopped it when the caller did', async () => {
    const controller = new AbortController();
    const storage = withDeadlines(
      {
        ...local(),
        publish: (_key, _file, { signal }) =>
          new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new StorageError('aborted', 'interrupted')))),
      },
      { idleMs: 60_000, callMs: 60_000 },
    );
    const publishing = storage.publish('x', file, { replace: false, token: 't', signal: controller.signal });
    controller.abort();

    await expect(publishing).rejects.toMatchObject({ kind: 'aborted' });
  });
});

describe('the limit', () => {
  it('lets so many files up at a time, and the next when one failed', async () => {
    let running = 0;
    let most = 0;
    const storage = withLimit(
      {
        ...local(),
        async publish(key, given) {
          running += 1;
          most = Math.max(most, running);
          await new Promise((go) => setImmediate(go));
          running -= 1;
          if (key === '1') fail('permission');
          return { key, bytes: given.bytes };
        },
      },
      2,
    );

    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => storage.publish(String(index), file, { replace: false, token: 't' })));

    expect(most).toBe(2);
    expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']);
  });
});

describe('a storage from a manifest', () => {
  it('takes a local path as relative to the project', async () => {
    await using storage = await createStorage({ type: 'local', path: 'deliveries' }, { root: folder, secret: async () => '' });
    await storage.publish('a.bin', file, { replace: false, token: 't' });

    expect(await readdir(join(folder, 'deliveries'))).toEqual(['a.bin']);
    expect(storage.address('a.bin')).toBe(join(folder, 'deliveries', 'a.bin'));
  });
});

describe('a prefix that would put files elsewhere', () => {
  it.each([
    { type: 'azure-blob', container: 'c', prefix: '../other', connectionString: { env: 'C' } },
    { type: 's3', bucket: 'b', prefix: 'in/./x' },
    { type: 'gcs', bucket: 'b', prefix: 'in\\x' },
  ] as const)('is refused before anything is asked of $type', async (spec) => {
    await expect(createStorage(spec, { root: folder, secret: async () => '' })).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('the prefix holds') as string,
    });
  });
});

it('tells a region that cannot be one, which may come from AWS_REGION, and asks nobody', async () => {
  const keys = { accessKeyId: { env: 'A' }, secretAccessKey: { env: 'S' } };
  await using storage = await createStorage({ type: 's3', bucket: 'b', region: 'eu west', ...keys }, { root: folder, secret: async () => 'x' });

  await expect(storage.stat('a.csv')).rejects.toMatchObject({ kind: 'configuration', hint: expect.stringContaining('AWS_REGION') as string });
});
