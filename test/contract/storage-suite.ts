/**
 * What every storage must do, as tests against a real place. Adapters of this project pass it, and so must others':
 *
 *     storageSuite('my store', async () => ({ open: async () => createMyStorage(…), [Symbol.asyncDispose]: async () => {} }));
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalFile, Storage, StorageErrorKind, StoredObject } from '../../src/storage/storage.ts';
import { bytesOf, patternedBytes, spoolFile } from '../support/spool-file.ts';

/** An empty place on a real server (or disk), which goes away with it. */
export interface StoragePlace extends AsyncDisposable {
  /** A storage on that place, which makes missing folders; several see the same objects. The suite disposes of it. */
  open(): Promise<Storage>;
}

export interface StorageSuiteOptions {
  /** Bytes of the file that goes up in several parts; 20 MiB unless told. */
  readonly largeBytes?: number;
  /** Unusual names the store takes, beside the suite's own. */
  readonly keys?: readonly string[];
}

const UNUSUAL_KEYS = ['with space.csv', 'ünïcödé-日本.csv', 'a+b&c=d#e?f.csv', 'percent%20sign.csv', "quote'd (1).csv", '.hidden.csv', 'sub/folder/deep.csv'];

export function storageSuite(name: string, createPlace: () => Promise<StoragePlace>, options: StorageSuiteOptions = {}): void {
  describe(`storage contract: ${name}`, () => {
    let place: StoragePlace;
    let storage: Storage;
    let spool: string;
    const small = (text: string): Promise<LocalFile> => spoolFile(spool, Buffer.from(text));
    const put = (key: string, file: LocalFile, replace = true): Promise<StoredObject> => storage.publish(key, file, { replace, token: `t-${key.length}` });

    beforeAll(async () => {
      spool = await mkdtemp(join(tmpdir(), 'storage-suite-'));
      place = await createPlace();
      storage = await place.open();
    });
    afterAll(async () => {
      await storage?.[Symbol.asyncDispose]();
      await place?.[Symbol.asyncDispose]();
      await rm(spool, { recursive: true, force: true });
    });

    it.each([0, 1, 70_000])('publishes %i bytes and gives the same back', async (bytes) => {
      const data = patternedBytes(bytes, bytes + 1);
      const file = await spoolFile(spool, data);
      const key = `sizes/${bytes}.bin`;

      const published = await put(key, file);

      expect(published).toMatchObject({ key, bytes });
      expect(await storage.stat(key)).toMatchObject({ key, bytes });
      expect((await bytesOf(await storage.read(key))).equals(data)).toBe(true);
    });

    it('publishes a file of several parts, telling how far it is', async () => {
      const data = patternedBytes(options.largeBytes ?? 20 * 2 ** 20, 7);
      const file = await spoolFile(spool, data);
      const progress: number[] = [];

      await storage.publish('large.bin', file, { replace: true, token: 'large', onProgress: (bytes) => progress.push(bytes) });

      expect((await bytesOf(await storage.read('large.bin'))).equals(data)).toBe(true);
      expect(progress.at(-1)).toBe(data.length);
      await storage.remove('large.bin');
    });

    it('claims a digest only where the store verified it, and then the right one', async () => {
      const file = await spoolFile(spool, patternedBytes(100_000, 11));
      await put('digest.bin', file);

      const found = await storage.stat('digest.bin');

      expect(found?.sha256).toBe(storage.facts.verifiedChecksum ? file.sha256 : undefined);
    });

    it.each([13, options.largeBytes ?? 20 * 2 ** 20])('claims no digest for an object that something else replaced, of %i bytes', async (bytes) => {
      const mine = await spoolFile(spool, patternedBytes(bytes, 31));
      const theirs = await spoolFile(spool, patternedBytes(bytes, 32));
      await put('swapped.bin', mine);
      const other = await place.open();
      await other.publish('swapped.bin', theirs, { replace: true, token: 'other' });
      await other[Symbol.asyncDispose]();

      const found = await storage.stat('swapped.bin');

      expect([undefined, theirs.sha256]).toContain(found?.sha256);
      await storage.remove('swapped.bin');
    });

    it('reads from an offset, to the end and past it', async () => {
      await put('offset.txt', await small('0123456789'));

      expect((await bytesOf(await storage.read('offset.txt', 4))).toString()).toBe('456789');
      expect((await bytesOf(await storage.read('offset.txt', 10))).toString()).toBe('');
    });

    it('replaces only when told to, and leaves the other one’s bytes alone', async () => {
      await put('same.txt', await small('old'));
      await expect(put('same.txt', await small('new, longer'), false)).rejects.toMatchObject({ kind: 'exists' });
      expect((await bytesOf(await storage.read('same.txt'))).toString()).toBe('old');

      await put('same.txt', await small('new, longer'));

      expect((await bytesOf(await storage.read('same.txt'))).toString()).toBe('new, longer');
      expect(await storage.stat('same.txt')).toMatchObject({ bytes: 11 });
    });

    it('refuses a name that exists with the same bytes by someone else', async () => {
      const one = await small('equal bytes');
      await storage.publish('foreign.txt', one, { replace: false, token: 'someone' });

      await expect(storage.publish('foreign.txt', await small('equal bytes'), { replace: false, token: 'me' })).rejects.toMatchObject({ kind: 'exists' });
    });

    it('refuses a name that the same upload gave to other bytes of that length', async () => {
      await storage.publish('anew.txt', await small('these bytes'), { replace: false, token: 'run' });

      await expect(storage.publish('anew.txt', await small('those bytes'), { replace: false, token: 'run' })).rejects.toMatchObject({ kind: 'exists' });
      expect((await bytesOf(await storage.read('anew.txt'))).toString()).toBe('these bytes');
    });

    it.each([
      ['small', 1000],
      ['of several parts', options.largeBytes ?? 20 * 2 ** 20],
    ] as const)('lets one of several take a new name at once, when they are %s, and tells the others', async (size, bytes) => {
      const files = await Promise.all([21, 22, 23].map((seed) => spoolFile(spool, patternedBytes(bytes, seed))));
      const key = `race/${size}.bin`;

      const ended = await Promise.allSettled(files.map((file, index) => storage.publish(key, file, { replace: false, token: `racer-${index}` })));

      const won = ended.findIndex(({ status }) => status === 'fulfilled');
      const refused = ended.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { readonly kind?: string }).kind] : []));
      expect(refused).toEqual(['exists', 'exists']);
      expect((await spoolFile(spool, await bytesOf(await storage.read(key)))).sha256).toBe(files[won]?.sha256);
      await storage.remove(key);
    });

    it('publishes the same file twice with the same result', async () => {
      const file = await small('twice');
      const first = await put('twice.txt', file);
      const second = await put('twice.txt', file);

      expect(second).toMatchObject({ key: first.key, bytes: first.bytes });
      expect((await bytesOf(await storage.read('twice.txt'))).toString()).toBe('twice');
      expect(await keys(storage, 'twice')).toEqual(['twice.txt']);
    });

    it.each([...UNUSUAL_KEYS, ...(options.keys ?? [])])('takes the name %s', async (key) => {
      await put(`names/${key}`, await small(key));

      expect((await bytesOf(await storage.read(`names/${key}`))).toString()).toBe(key);
      expect(await keys(storage, `names/${key}`)).toEqual([`names/${key}`]);
    });

    it.each(['../escape.txt', 'a/../../escape.txt', '/etc/escape.txt', 'a//b.txt', './a.txt', '', 'line\nbreak.txt', 'back\\slash.txt', 'nul\0.txt'])(
      'refuses the key %j',
      async (key) => {
        await expect(put(key, await small('x'))).rejects.toMatchObject({ kind: 'configuration' });
        await expect(storage.stat(key)).rejects.toMatchObject({ kind: 'configuration' });
        await expect(storage.remove(key)).rejects.toMatchObject({ kind: 'configuration' });
      },
    );

    it('answers for what is not there', async () => {
      expect(await storage.stat('missing.txt')).toBeUndefined();
      await expect(storage.read('missing.txt').then(bytesOf)).rejects.toMatchObject({ kind: 'not-found' });
      await storage.remove('missing.txt');
      await storage.remove('missing/folder/file.txt');
      await storage.abandon('missing.txt', 'no-such-token');
      expect(await keys(storage, 'missing')).toEqual([]);
      expect(await keys(storage, 'missing/folder/')).toEqual([]);
    });

    it('lists what begins with a prefix, in folders and in the middle of a name', async () => {
      for (const key of ['list/a-1.csv', 'list/a-2.csv', 'list/b.csv', 'list/sub/a-3.csv', 'listless.csv']) await put(key, await small(key));

      expect(await keys(storage, 'list/')).toEqual(['list/a-1.csv', 'list/a-2.csv', 'list/b.csv', 'list/sub/a-3.csv']);
      expect(await keys(storage, 'list/a-')).toEqual(['list/a-1.csv', 'list/a-2.csv']);
      expect(await keys(storage, 'list')).toContain('listless.csv');
      for await (const one of storage.list('list/b')) expect(one).toMatchObject({ key: 'list/b.csv', bytes: 10 });
    });

    it('removes, and removing again does nothing', async () => {
      await put('gone.txt', await small('x'));
      await storage.remove('gone.txt');
      await storage.remove('gone.txt');

      expect(await storage.stat('gone.txt')).toBeUndefined();
    });

    it('publishes several files at once, each with its own bytes', async () => {
      const files = await Promise.all(Array.from({ length: 8 }, (_, index) => spoolFile(spool, patternedBytes(300_000 + index, index + 50))));

      await Promise.all(files.map((file, index) => storage.publish(`many/${index}.bin`, file, { replace: false, token: `m${index}` })));

      for (const [index, file] of files.entries()) {
        expect((await bytesOf(await storage.read(`many/${index}.bin`))).equals(await readFile(file.path))).toBe(true);
      }
    });

    it('stops when told to, shows nothing, and goes on with the same token', async () => {
      const data = patternedBytes(options.largeBytes ?? 20 * 2 ** 20, 23);
      const file = await spoolFile(spool, data);
      const controller = new AbortController();
      const reason = new Error('enough');

      const stopped = storage.publish('stopped.bin', file, { replace: false, token: 'stop', signal: AbortSignal.abort(reason) });
      await expect(stopped).rejects.toMatchObject({ kind: 'aborted' });
      let early = false;
      const midway = storage.publish('stopped.bin', file, {
        replace: false,
        token: 'stop',
        signal: controller.signal,
        onProgress(bytes) {
          early ||= bytes < data.length;
          controller.abort(reason);
        },
      });
      // A storage that is done in one step has nothing to stop.
      const outcome = await midway.then(() => 'done', kindOf);
      expect(early ? ['aborted'] : ['aborted', 'done']).toContain(outcome);
      if (outcome === 'aborted') expect(await keys(storage, '')).not.toContain('stopped.bin');

      await storage.publish('stopped.bin', file, { replace: outcome === 'done', token: 'stop' });

      expect((await bytesOf(await storage.read('stopped.bin'))).equals(data)).toBe(true);
      expect((await keys(storage, '')).filter((key) => key.includes('stop'))).toEqual(['stopped.bin']);
    });

    it('removes what an upload left behind', async () => {
      const file = await spoolFile(spool, patternedBytes(options.largeBytes ?? 20 * 2 ** 20, 29));
      const controller = new AbortController();
      const left = storage.publish('left.bin', file, { replace: true, token: 'left', signal: controller.signal, onProgress: () => controller.abort() });
      const outcome = await left.then(() => 'done', kindOf);

      await storage.abandon('left.bin', 'left');
      await storage.abandon('left.bin', 'left');

      expect((await storage.stat('left.bin')) === undefined).toBe(outcome === 'aborted');
      await storage.remove('left.bin');
    });

    it('never shows a part: a reader that polls sees the old bytes or the new ones', async () => {
      const versions = await Promise.all([31, 37, 41].map((seed) => spoolFile(spool, patternedBytes(2_000_000 + seed, seed))));
      const digests = new Set(versions.map((file) => file.sha256));
      const reader = await place.open();
      const [first] = versions;
      if (first) await put('polled.bin', first);
      const writing = new AbortController();
      const seen: string[] = [];
      const poll = async (): Promise<void> => {
        while (!writing.signal.aborted) {
          const hash = createHash('sha256');
          for await (const chunk of await reader.read('polled.bin')) hash.update(chunk as Buffer);
          seen.push(hash.digest('hex'));
          // A storage in memory would never let the writer's turn come.
          await nextTurn();
        }
      };
      const polling = poll();
      try {
        for (let round = 0; round < 3; round++) for (const file of versions) await put('polled.bin', file);
      } finally {
        writing.abort();
      }
      await polling;
      await reader[Symbol.asyncDispose]();

      expect(seen.length).toBeGreaterThan(0);
      expect(seen.filter((digest) => !digests.has(digest))).toEqual([]);
    });

    it('names the place as its server does', () => {
      expect(storage.address('in/x.csv')).toMatch(/in\/x\.csv$/);
    });
  });
}

async function keys(storage: Storage, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const one of storage.list(prefix)) found.push(one.key);
  return found.sort();
}

function kindOf(error: unknown): StorageErrorKind | 'bug' {
  return error instanceof Error && 'kind' in error ? (error.kind as StorageErrorKind) : 'bug';
}
