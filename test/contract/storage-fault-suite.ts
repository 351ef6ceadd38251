/**
 * What every storage over a network must survive, against its real server behind a proxy that breaks connections. Exported like `storageSuite`, for
 * adapters of other projects too.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StorageError } from '../../src/storage/storage-error.ts';
import type { LocalFile, Storage } from '../../src/storage/storage.ts';
import { withDeadlines } from '../../src/storage/with-deadlines.ts';
import { DEFAULT_RETRY, withRetry } from '../../src/storage/with-retry.ts';
import { type Fault, startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { randomFrom } from '../support/random.ts';
import { bytesOf, patternedBytes, sha256Of, spoolFile } from '../support/spool-file.ts';

export interface FaultPlace extends AsyncDisposable {
  /** The server's own port, which the proxy stands before. */
  readonly port: number;
  /** A storage, without retry, that reaches the server at `port` of this machine. */
  open(port: number): Promise<Storage>;
}

export interface FaultSuiteOptions {
  /** Rounds with connections cut at random points; 50 in the gate, 10 elsewhere, or RECONCILE_FAULT_ROUNDS. */
  readonly rounds?: number;
  /** More than one part of the store's. */
  readonly bytes?: number;
}

const ROUNDS = Number(process.env['RECONCILE_FAULT_ROUNDS'] ?? (process.env['RECONCILE_REQUIRE_SERVERS'] === '1' ? 50 : 10));
const CUTS_PER_ROUND = 3;
const IDLE_MS = 1_000;

export function storageFaultSuite(name: string, createPlace: (proxyUrl: string) => Promise<FaultPlace>, options: FaultSuiteOptions = {}): void {
  const bytes = options.bytes ?? 18 * 2 ** 20;
  describe(`storage under faults: ${name}`, () => {
    let place: FaultPlace;
    let proxy: FaultProxy;
    let bare: Storage;
    let storage: Storage;
    let direct: Storage;
    let spool: string;
    const random = randomFrom(20261128);
    const retry = { attempts: 12, baseMs: 1, maxMs: 5 };

    beforeAll(async () => {
      spool = await mkdtemp(join(tmpdir(), 'storage-faults-'));
      let port = 0;
      proxy = await startFaultProxy(() => port);
      place = await createPlace(proxy.url);
      port = place.port;
      bare = await place.open(proxy.port);
      storage = withRetry(withDeadlines(bare, { idleMs: IDLE_MS, callMs: IDLE_MS }), retry);
      // Once in a while azurite's answer is not HTTP; whoever polls looks again, as users do.
      direct = withRetry(await place.open(place.port), retry);
    });
    afterAll(async () => {
      await bare?.[Symbol.asyncDispose]();
      await direct?.[Symbol.asyncDispose]();
      await proxy?.[Symbol.asyncDispose]();
      await place?.[Symbol.asyncDispose]();
      await rm(spool, { recursive: true, force: true });
    });

    const expectWhole = async (key: string, file: LocalFile): Promise<void> => {
      expect(sha256Of(await bytesOf(await direct.read(key)))).toBe(file.sha256);
    };

    it(`delivers ${options.rounds ?? ROUNDS} files over connections that are cut at random points, and never shows a part`, async () => {
      const rounds = options.rounds ?? ROUNDS;
      const before = proxy.struck;
      for (let round = 0; round < rounds; round += 1) {
        // Small ones, whose answer may be lost, and large ones, which are resumed.
        const size = round % 4 === 0 ? bytes + round : 1 + Math.floor(random() * 300_000);
        const file = await spoolFile(spool, patternedBytes(size, round + 1));
        const key = `cut/${round}.bin`;
        proxy.drop();
        proxy.inject(...Array.from({ length: CUTS_PER_ROUND }, () => cutAtRandom(size)));
        const watching = new AbortController();
        const wrong = watch(direct, key, file, watching.signal);

        await storage.publish(key, file, { replace: round % 3 === 0, token: `round-${round}` });

        watching.abort();
        expect(await wrong).toEqual([]);
        await expectWhole(key, file);
        await direct.remove(key);
        await rm(file.path);
      }
      expect(proxy.struck - before).toBeGreaterThan(rounds / 2);
    }, 600_000);

    it('goes on after a reset in the middle', async () => {
      const file = await spoolFile(spool, patternedBytes(bytes, 3));
      proxy.inject({ kind: 'reset', afterBytes: bytes / 3 }, { kind: 'reset', afterBytes: 20_000 });

      await storage.publish('reset.bin', file, { replace: false, token: 'reset' });

      await expectWhole('reset.bin', file);
    });

    it('gives up a stalled connection and goes on over another', async () => {
      const file = await spoolFile(spool, patternedBytes(bytes, 5));
      await restart();
      proxy.inject(...Array.from({ length: 4 }, () => ({ kind: 'stall' as const, afterBytes: bytes / 8 })));

      await storage.publish('stalled.bin', file, { replace: false, token: 'stalled' });

      await expectWhole('stalled.bin', file);
    }, 120_000);

    it('lets a slow connection take its time', async () => {
      const file = await spoolFile(spool, patternedBytes(2_000_000, 7));
      await restart();
      proxy.inject({ kind: 'slow', afterBytes: 100_000, bytesPerSecond: 1_500_000 });

      await storage.publish('slow.bin', file, { replace: false, token: 'slow' });

      await expectWhole('slow.bin', file);
    });

    it('reads a file back over connections that break', async () => {
      const file = await spoolFile(spool, patternedBytes(bytes, 9));
      await direct.publish('read.bin', file, { replace: true, token: 'read' });
      await restart();
      proxy.inject({ kind: 'cut', direction: 'down', afterBytes: bytes / 4 }, { kind: 'reset', direction: 'down', afterBytes: bytes / 3 });

      const read = await bytesOf(await storage.read('read.bin'));

      expect(sha256Of(read)).toBe(file.sha256);
    });

    it('ends with an error that may pass when every attempt is cut, and shows nothing; the next upload delivers', async () => {
      // In one piece: of a larger one a store may keep what came, and an attempt that came further does not count.
      const file = await spoolFile(spool, patternedBytes(300_000, 11));
      await restart();
      const pauses: string[] = [];
      const sixTimes = withRetry(withDeadlines(bare, { idleMs: IDLE_MS, callMs: IDLE_MS }), {
        ...DEFAULT_RETRY,
        sleep: async () => {},
        onRetry: ({ error }) => void pauses.push(error.kind),
      });
      proxy.injectEach(() => ({ kind: 'cut', afterBytes: 3_000 }));

      const ended = await sixTimes.publish('never.bin', file, { replace: false, token: 'never' }).catch((error: unknown) => error);

      proxy.heal();
      expect(ended).toBeInstanceOf(StorageError);
      expect(ended).toMatchObject({ kind: 'transient', retryable: true, hint: expect.stringMatching(/./) as string });
      expect(pauses).toEqual(Array.from({ length: DEFAULT_RETRY.attempts - 1 }, () => 'transient'));
      expect(await direct.stat('never.bin')).toBeUndefined();
      await storage.publish('never.bin', file, { replace: false, token: 'never' });
      await expectWhole('never.bin', file);
    }, 120_000);

    it('does not try again what cannot succeed', async () => {
      await direct.publish('taken.bin', await spoolFile(spool, Buffer.from('theirs')), { replace: true, token: 'theirs' });
      await restart();
      const before = proxy.connections;

      await expect(storage.publish('taken.bin', await spoolFile(spool, Buffer.from('ours')), { replace: false, token: 'ours' })).rejects.toMatchObject({
        kind: 'exists',
      });

      expect(proxy.connections - before).toBeLessThanOrEqual(2);
      expect((await bytesOf(await direct.read('taken.bin'))).toString()).toBe('theirs');
    });

    /** On the way up somewhere in the file, or on the way back, so that an answer is lost: what it told may be done. */
    function cutAtRandom(size: number): Fault {
      if (random() < 0.35) return { kind: 'cut', direction: 'down', afterBytes: Math.floor(random() * (random() < 0.5 ? 400 : 6_000)) };
      return { kind: 'cut', afterBytes: Math.floor(random() * size) };
    }

    /** New connections: the ones kept from before have no fault, those that a library keeps alive for all its clients among them. */
    async function restart(): Promise<void> {
      await bare[Symbol.asyncDispose]();
      proxy.drop();
      bare = await place.open(proxy.port);
      storage = withRetry(withDeadlines(bare, { idleMs: IDLE_MS, callMs: IDLE_MS }), retry);
    }
  });
}

/** Looks at `key` all the time; returns the digests it saw that are not the file's. */
async function watch(storage: Storage, key: string, file: LocalFile, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  while (!signal.aborted) {
    try {
      const found = await storage.stat(key);
      if (found) {
        const digest = sha256Of(await bytesOf(await storage.read(key)));
        if (digest !== file.sha256 || found.bytes !== file.bytes) wrong.push(`${found.bytes} bytes, ${digest}`);
        // It is whole now and stays so.
        await wait(50);
      }
    } catch (error) {
      wrong.push(String(error));
    }
    await wait(5);
  }
  return wrong;
}
