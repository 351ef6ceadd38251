import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { checkAborted } from './check-aborted.ts';
import { StorageError } from './storage-error.ts';
import type { LocalFile, Storage, StoredObject } from './storage.ts';

/** A call that failed and is made again after the pause. */
export interface StorageRetry {
  readonly doing: string;
  /** How many calls in a row have failed without coming further. */
  readonly attempt: number;
  readonly pauseMs: number;
  readonly error: StorageError;
}

export interface RetryOptions {
  /** Calls in a row that may fail without having come further. */
  readonly attempts: number;
  /** The first pause is drawn from 0 to this; it doubles with each failure in a row. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** 0 to 1, for the jitter. */
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onRetry?: (retry: StorageRetry) => void;
}

export const DEFAULT_RETRY: RetryOptions = { attempts: 6, baseMs: 500, maxMs: 20_000 };
/** A server that says "slow down" gets this many times the pause. */
const THROTTLED_FACTOR = 4;

interface Attempts {
  /** Called after a failure: pauses before the next attempt, or throws when there shall be none. `advanced` starts the count anew. */
  failed(error: unknown, advanced: boolean): Promise<void>;
  readonly failures: number;
}

/**
 * Calls again what failed with `transient` or `throttled`, after a pause that grows and is drawn at random, so that many clients do not come back
 * at the same instant. Everything else is thrown at once. Uploads go on where they were (same token); reads reopen at the byte they had reached.
 */
export function withRetry(storage: Storage, options: RetryOptions = DEFAULT_RETRY): Storage {
  const random = options.random ?? Math.random;
  const sleep = options.sleep ?? (async (ms, signal) => wait(ms, undefined, signal ? { signal } : {}));

  const closed = new AbortController();

  const startAttempts = (doing: string, given?: AbortSignal): Attempts => {
    const signal = given ? AbortSignal.any([given, closed.signal]) : closed.signal;
    let failures = 0;
    let inARow = 0;
    return {
      get failures() {
        return failures;
      },
      async failed(error, advanced) {
        if (!(error instanceof StorageError) || !error.retryable) throw error;
        failures += 1;
        inARow = advanced ? 1 : inARow + 1;
        if (inARow >= options.attempts) throw error;
        const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** (inARow - 1)) * (error.kind === 'throttled' ? THROTTLED_FACTOR : 1);
        const pauseMs = Math.round(random() * ceiling);
        options.onRetry?.({ doing, attempt: inARow, pauseMs, error });
        try {
          await sleep(pauseMs, signal);
        } catch {
          // Woken by the signal, which is looked at next.
        }
        checkAborted(signal);
      },
    };
  };

  const call = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    const attempts = startAttempts(doing);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await attempts.failed(error, false);
      }
    }
  };

  return {
    ...storage,

    async publish(key, file, publishing) {
      const attempts = startAttempts(`publish ${key}`, publishing.signal);
      let furthest = 0;
      for (;;) {
        let reached = 0;
        try {
          return await storage.publish(key, file, {
            ...publishing,
            onProgress(bytes) {
              reached = Math.max(reached, bytes);
              publishing.onProgress?.(bytes);
            },
          });
        } catch (error) {
          if (attempts.failures > 0 && error instanceof StorageError && error.kind === 'exists') {
            // The answer to an earlier attempt may have been lost on the way: what is there may be ours.
            const ours = await call(`look at ${key}`, () => holdsFile(storage, key, file));
            if (ours) return ours;
          }
          await attempts.failed(error, reached > furthest);
          furthest = Math.max(furthest, reached);
        }
      }
    },

    stat: (key) => call(`stat ${key}`, () => storage.stat(key)),
    remove: (key) => call(`remove ${key}`, () => storage.remove(key)),
    abandon: (key, token) => call(`abandon ${key}`, () => storage.abandon(key, token)),

    async read(key, start = 0) {
      // The first open fails here, not in the stream: the caller learns at once that there is no such object.
      const first = await call(`read ${key}`, () => storage.read(key, start));
      return Readable.from(readOn(first, start), { objectMode: false, highWaterMark: 1 << 20 });

      async function* readOn(opened: Readable, from: number): AsyncGenerator<Buffer> {
        const attempts = startAttempts(`read ${key}`);
        let stream: Readable | undefined = opened;
        let at = from;
        for (;;) {
          const before = at;
          try {
            stream ??= await storage.read(key, at);
            for await (const chunk of stream as AsyncIterable<Buffer>) {
              at += chunk.length;
              yield chunk;
            }
            return;
          } catch (error) {
            stream = undefined;
            await attempts.failed(error, at > before);
          }
        }
      }
    },

    async *list(prefix) {
      const attempts = startAttempts(`list ${prefix}`);
      const given = new Set<string>();
      for (;;) {
        const before = given.size;
        try {
          for await (const one of storage.list(prefix)) {
            if (given.has(one.key)) continue;
            given.add(one.key);
            yield one;
          }
          return;
        } catch (error) {
          await attempts.failed(error, given.size > before);
        }
      }
    },

    // What still waits for its next attempt, for somebody who has gone, shall not hold up the end of the process.
    async [Symbol.asyncDispose]() {
      closed.abort();
      await storage[Symbol.asyncDispose]();
    },

    ...(storage.diagnose && { diagnose: () => call('diagnose', async () => (await storage.diagnose?.()) ?? {}) }),
  };
}

/** The object at `key` when it holds exactly the bytes of `file`; by the store's own digest, else by reading it. */
async function holdsFile(storage: Storage, key: string, file: LocalFile): Promise<StoredObject | undefined> {
  const found = await storage.stat(key);
  if (found === undefined || found.bytes !== file.bytes) return undefined;
  if (found.sha256 !== undefined) return found.sha256 === file.sha256 ? found : undefined;
  const hash = createHash('sha256');
  for await (const chunk of await storage.read(key)) hash.update(chunk as Buffer);
  return hash.digest('hex') === file.sha256 ? found : undefined;
}
