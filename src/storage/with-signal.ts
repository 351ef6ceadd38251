import { abortedError, checkAborted } from './check-aborted.ts';
import type { Storage } from './storage.ts';

/** What cleans up may take so long after the signal. */
const CLEANING_MS = 5_000;

/**
 * Nobody who was told to stop waits for a server that says nothing: once the signal is there, every call fails with kind `aborted`, whatever its
 * attempts still do. They end when the storage is closed. What cleans up is still tried for a moment. `publish` has a signal of its own.
 */
export function withSignal(storage: Storage, signal: AbortSignal | undefined): Storage {
  if (signal === undefined) return storage;
  const unlessStopped = async <T>(work: () => Promise<T>, graceMs = 0): Promise<T> => {
    if (graceMs === 0) checkAborted(signal);
    let timer: NodeJS.Timeout | undefined;
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const stop = (): void => void (timer = setTimeout(() => reject(abortedError(signal)), graceMs));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([work(), stopped]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    ...storage,
    stat: (key) => unlessStopped(() => storage.stat(key)),
    remove: (key) => unlessStopped(() => storage.remove(key), CLEANING_MS),
    abandon: (key, token) => unlessStopped(() => storage.abandon(key, token), CLEANING_MS),
    async read(key, start) {
      const stream = await unlessStopped(() => storage.read(key, start));
      const stop = (): void => void stream.destroy(abortedError(signal));
      signal.addEventListener('abort', stop, { once: true });
      stream.once('close', () => signal.removeEventListener('abort', stop));
      return stream;
    },
    async *list(prefix) {
      const found = storage.list(prefix)[Symbol.asyncIterator]();
      for (;;) {
        const next = await unlessStopped(() => found.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
  };
}
