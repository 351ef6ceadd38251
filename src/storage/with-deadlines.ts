import { Readable } from 'node:stream';
import { abortedError } from './check-aborted.ts';
import { StorageError } from './storage-error.ts';
import type { Storage } from './storage.ts';

export interface DeadlineOptions {
  /** An upload or download that moves no byte for so long is given up. */
  readonly idleMs: number;
  /** Any other call is given up after so long. */
  readonly callMs: number;
}

export interface Deadlines extends DeadlineOptions {
  /** A login whose library knows no end is given up after so long; less than a call, whose error says less. */
  readonly loginMs: number;
}

export const DEFAULT_DEADLINES: Deadlines = { idleMs: 60_000, callMs: 60_000, loginMs: 45_000 };
/** How long an adapter may take to stop once it was told to. */
const GRACE_MS = 5_000;

/**
 * Nothing waits for ever: what takes too long fails with kind `transient`. Uploads and downloads have no limit as a whole, since a large file over a
 * slow line is fine, but one between two signs of life.
 */
export function withDeadlines(storage: Storage, options: DeadlineOptions = DEFAULT_DEADLINES): Storage {
  const within = <T>(doing: string, work: Promise<T>, limitMs = options.callMs): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(doing, limitMs)), limitMs);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  };

  return {
    ...storage,

    async publish(key, file, publishing) {
      const stop = new AbortController();
      const signal = publishing.signal ? AbortSignal.any([publishing.signal, stop.signal]) : stop.signal;
      const idle = setTimeout(() => stop.abort(tooLate(`the upload of \`${key}\``, options.idleMs)), options.idleMs);
      let grace: NodeJS.Timeout | undefined;
      const stopped = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          clearTimeout(idle);
          grace = setTimeout(() => reject(abortedError(signal)), GRACE_MS);
        });
      });
      const work = storage.publish(key, file, {
        ...publishing,
        signal,
        onProgress(bytes) {
          idle.refresh();
          publishing.onProgress?.(bytes);
        },
      });
      try {
        return await Promise.race([work, stopped]);
      } finally {
        clearTimeout(idle);
        clearTimeout(grace);
      }
    },

    stat: (key) => within(`looking at \`${key}\``, storage.stat(key)),
    remove: (key) => within(`removing \`${key}\``, storage.remove(key)),
    abandon: (key, token) => within(`removing what is unfinished of \`${key}\``, storage.abandon(key, token)),

    async read(key, start) {
      const stream = await within(`opening \`${key}\``, storage.read(key, start));
      return Readable.from(watch(stream), { objectMode: false, highWaterMark: 1 << 20 });

      async function* watch(source: Readable): AsyncGenerator<Buffer> {
        const chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
        try {
          for (;;) {
            const next = await within(`the download of \`${key}\``, chunks.next(), options.idleMs);
            if (next.done === true) return;
            yield next.value;
          }
        } finally {
          source.destroy();
        }
      }
    },

    async *list(prefix) {
      const found = storage.list(prefix)[Symbol.asyncIterator]();
      for (;;) {
        const next = await within(`listing \`${prefix}\``, found.next());
        if (next.done === true) return;
        yield next.value;
      }
    },

    ...(storage.diagnose && { diagnose: () => within('asking the storage about itself', storage.diagnose?.() ?? Promise.resolve({})) }),
  };
}

function tooLate(doing: string, limitMs: number): StorageError {
  return new StorageError('transient', `${doing} did not move for ${Math.round(limitMs / 1000)} s`, {
    hint: 'look whether the server and the network in between work; `reconcile doctor` tries the connection',
  });
}
