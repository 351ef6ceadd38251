import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK_BYTES = 1 << 20;
const SYNC_BYTES = 64 << 20;
const POLL_MS = 5;
const MAX_POLL_MS = 50;

/**
 * The bytes of a file that another thread is still writing, from its start to its end: hashing, compressing and reading back overlap with the
 * writing. `written` settles when the writer has finished; what stands in the file then is read to the end. On the way the file is made durable bit
 * by bit, so that the sync before it is published has little left to do. A chunk is only valid until the next one is asked for.
 */
export async function* followFile(path: string, written: Promise<unknown>): AsyncGenerator<Buffer> {
  let finished = false;
  const done = written.then(
    () => void (finished = true),
    () => void (finished = true),
  );
  let handle = await openWhenThere(path, () => finished);
  if (handle === undefined) {
    await written;
    handle = await open(path, 'r');
  }
  await using file = handle;
  let wait = POLL_MS;
  let unsynced = 0;
  let syncing = false;
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (;;) {
    // Asked before reading: bytes written between a short read and the question are not lost.
    const last = finished;
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead > 0) {
      wait = POLL_MS;
      unsynced += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
    if (unsynced >= SYNC_BYTES && !syncing) {
      unsynced = 0;
      syncing = true;
      // Only an early start: the storage syncs what it publishes and reports what goes wrong there.
      void file.datasync().then(
        () => (syncing = false),
        () => {},
      );
    }
    if (bytesRead < CHUNK_BYTES && !last) {
      await Promise.race([sleep(wait), done]);
      wait = Math.min(wait * 2, MAX_POLL_MS);
    } else if (bytesRead === 0) break;
  }
  await written;
}

async function openWhenThere(path: string, finished: () => boolean): Promise<Awaited<ReturnType<typeof open>> | undefined> {
  for (;;) {
    const last = finished();
    try {
      return await open(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (last) return undefined;
    await sleep(POLL_MS);
  }
}
