import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { abortedError } from '../check-aborted.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile, PublishOptions, Storage, StorageErrorKind, StoredObject } from '../storage.ts';
import type { SftpStorageOptions } from './sftp-storage.ts';
import type { FromThread, ThreadFailure, ToThread } from './upload-messages.ts';

/** A smaller file is up before a thread would have started. */
const LARGE_BYTES = 32 * 2 ** 20;
/**
 * A small young generation is collected often and cheaply, and each time the buffers that were sent go with it; else only the collection of everything
 * frees them (1 GiB: 290 short collections instead of 39 whole ones, a tenth less processor time, 120 MiB of memory instead of 165).
 */
const LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 };
/** The same folder in the source tree and in `dist`, where everything is bundled flat. */
const WORKER = new URL(`./upload-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** How a server turns away who is logged in already as often as it allows: with no channel, or no login. */
const MAY_BE_ONE_TOO_MANY: ReadonlySet<StorageErrorKind> = new Set(['configuration', 'authentication']);

interface ThreadOptions {
  /** Files of so many bytes and more go up in threads. */
  readonly largeBytes?: number;
  readonly script?: URL;
}

interface Upload {
  readonly key: string;
  readonly options: PublishOptions;
  readonly done: (published: StoredObject) => void;
  readonly failed: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly uploads: Map<number, Upload>;
}

/**
 * Large files go up in threads of their own: SSH encrypts in JavaScript, which makes many short-lived buffers, and collecting those costs far less in a
 * small heap than in the program's. A thread holds a whole SFTP storage with connections of its own; it starts with the first large file and ends with
 * the storage. Everything else stays on the main thread.
 */
export function withUploadThreads(storage: Storage, options: SftpStorageOptions, { largeBytes = LARGE_BYTES, script = WORKER }: ThreadOptions = {}): Storage {
  // A thread keeps more than one processor busy, the server's share and the kernel's counted where that is this machine: on two, a second one costs time.
  const most = Math.max(1, Math.min(Math.floor(availableParallelism() / 2), options.connections));
  const threads = new Set<Thread>();
  let lastId = 0;

  const start = (): Thread => {
    const worker = new Worker(script, { workerData: options, execArgv: [], resourceLimits: LIMITS, name: 'sftp-upload' });
    const thread: Thread = { worker, uploads: new Map() };
    const end = (why: unknown): void => {
      threads.delete(thread);
      for (const { key, failed } of thread.uploads.values()) failed(threadEnded(key, why));
      thread.uploads.clear();
    };
    worker.on('message', (message: FromThread) => receive(thread, message));
    worker.on('error', end);
    worker.on('exit', (code) => end(new Error(`exit code ${code}`)));
    worker.unref();
    threads.add(thread);
    return thread;
  };

  /** An idle thread, else a new one, else the one with the least to do. */
  const pick = (): Thread => {
    const [least] = [...threads].sort((a, b) => a.uploads.size - b.uploads.size);
    return least && (least.uploads.size === 0 || threads.size >= most) ? least : start();
  };

  const publish = (key: string, file: LocalFile, publishing: PublishOptions): Promise<StoredObject> => {
    const { signal, replace, token } = publishing;
    if (signal?.aborted === true) return Promise.reject(abortedError(signal));
    const thread = pick();
    const id = (lastId += 1);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule means windows; a thread's port has no origin
    const send = (message: ToThread): void => thread.worker.postMessage(message);
    const stop = (): void => send({ what: 'stop', id });
    return new Promise<StoredObject>((done, failed) => {
      thread.uploads.set(id, { key, options: publishing, done, failed });
      // The process lives as long as an upload does, not as long as an idle thread.
      thread.worker.ref();
      signal?.addEventListener('abort', stop, { once: true });
      send({ what: 'upload', id, key, file, replace, token });
    }).finally(() => {
      signal?.removeEventListener('abort', stop);
      if (thread.uploads.size === 0) thread.worker.unref();
    });
  };

  /** Some servers let a user in only so many times at once, and this thread's connections are the first ones there. */
  let refused = false;
  const publishLarge = async (key: string, file: LocalFile, publishing: PublishOptions): Promise<StoredObject> => {
    let moved = false;
    const onProgress = (bytes: number): void => {
      moved ||= bytes > 0;
      publishing.onProgress?.(bytes);
    };
    try {
      return await publish(key, file, { ...publishing, onProgress });
    } catch (error) {
      if (moved || publishing.signal?.aborted === true || !(error instanceof StorageError) || !MAY_BE_ONE_TOO_MANY.has(error.kind)) throw error;
      const published = await storage.publish(key, file, publishing);
      refused = true;
      return published;
    }
  };

  return {
    ...storage,
    publish: (key, file, publishing) => (file.bytes < largeBytes || refused ? storage : { publish: publishLarge }).publish(key, file, publishing),
    async [Symbol.asyncDispose]() {
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
      await storage[Symbol.asyncDispose]();
    },
  };
}

function receive(thread: Thread, message: FromThread): void {
  const upload = thread.uploads.get(message.id);
  if (!upload) return;
  if (message.what === 'progress') {
    upload.options.onProgress?.(message.bytes);
    return;
  }
  thread.uploads.delete(message.id);
  if (message.what === 'done') upload.done(message.published);
  else upload.failed(errorOf(message.failure, upload.options.signal));
}

function errorOf(failure: ThreadFailure, signal: AbortSignal | undefined): unknown {
  if ('bug' in failure) return failure.bug;
  // The reason stayed on this side.
  if (failure.kind === 'aborted' && signal?.aborted === true) return abortedError(signal);
  const { kind, message, hint, cause } = failure;
  return new StorageError(kind, message, { ...(hint !== undefined && { hint }), ...(cause !== undefined && { cause }) });
}

function threadEnded(key: string, why: unknown): unknown {
  const code = why instanceof Error && 'code' in why ? why.code : undefined;
  // Thrown by our code in the thread: a bug, which keeps its stack.
  if (why instanceof Error && code !== 'ERR_WORKER_OUT_OF_MEMORY' && !why.message.startsWith('exit code')) return why;
  return new StorageError('transient', `the upload of \`${key}\` stopped: its thread ended${code === undefined ? '' : ' for want of memory'}`, {
    hint: 'what has arrived is gone on with; if it happens again, give the process more memory or let fewer files go up at a time',
    cause: why,
  });
}
