/** The inside of an upload thread: an SFTP storage of its own, with its own connections, that is told what to publish. See `upload-threads.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { StorageError } from '../storage-error.ts';
import { createSftpStorage, type SftpStorageOptions } from './sftp-storage.ts';
import type { FromThread, ThreadFailure, ThreadUpload, ToThread } from './upload-messages.ts';

/** Signs of life go out no more often: each wakes the main thread. */
const PROGRESS_MS = 50;

const storage = createSftpStorage({ ...(workerData as SftpStorageOptions), ownThread: true });
const running = new Map<number, AbortController>();

parentPort?.on('message', (message: ToThread) => {
  if (message.what === 'stop') running.get(message.id)?.abort();
  else void upload(message);
});

async function upload({ id, key, file, replace, token }: ThreadUpload): Promise<void> {
  const stop = new AbortController();
  running.set(id, stop);
  let told = 0;
  const onProgress = (bytes: number): void => {
    const now = performance.now();
    if (now - told < PROGRESS_MS && bytes < file.bytes) return;
    told = now;
    tell({ what: 'progress', id, bytes });
  };
  try {
    tell({ what: 'done', id, published: await storage.publish(key, file, { replace, token, signal: stop.signal, onProgress }) });
  } catch (error) {
    tell({ what: 'failed', id, failure: failureOf(error) });
  } finally {
    running.delete(id);
  }
}

function tell(message: FromThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the rule means windows; a thread's port has no origin
  parentPort?.postMessage(message);
}

/** Error classes do not survive the way between threads. */
function failureOf(error: unknown): ThreadFailure {
  if (!(error instanceof StorageError)) return { bug: error };
  const { kind, message, hint, cause } = error;
  return { kind, message, hint, cause };
}
