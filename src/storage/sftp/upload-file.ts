import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { checkAborted } from '../check-aborted.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile } from '../storage.ts';
import { EarlySync } from './early-sync.ts';
import type { SendingTurns } from './sending-turns.ts';
import { readWhole } from './read-file.ts';
import { SftpStatus, statusOf, type SftpSession } from './sftp-session.ts';
import { WriteWindow } from './write-window.ts';

/** A smaller file never waits for its turn. */
const LARGE_BYTES = 16 * 2 ** 20;
const WRITES_IN_FLIGHT = 64;
/** What may be on its way at most: the window that OpenSSH opens. */
const BYTES_IN_FLIGHT = 2 * 2 ** 20;
/** What several uploads at a time may have on their way together: more does not stay in the processors' caches and costs both ends time. */
const SHARED_BYTES_IN_FLIGHT = 4 * 2 ** 20;
const LEAST_BYTES_IN_FLIGHT = 2 ** 20;
/**
 * A server that has answered within so many milliseconds needs three messages on their way, not more, to be kept busy: they stay in its processor's
 * cache, and OpenSSH's buffer, which it moves whenever it grows, stays small.
 */
const NEAR_MS = 2;
const NEAR_BYTES_IN_FLIGHT = 2 ** 19;
/** Reads of what is kept, on their way at once. */
const CHECKS_IN_FLIGHT = 16;
const CHECK_BYTES = 1 << 18;
/** Read and write for the group: a reader on the server that is another user of our group must be able to remove what it took. */
const GROUP_READ_WRITE = 0o060;

export interface Upload {
  readonly file: LocalFile;
  /** The temporary name on the server. */
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Uploads at this moment, this one counted: they share what may be on its way. */
  readonly uploads: () => number;
  readonly turns: SendingTurns;
  /** The thread does nothing but uploads, so it may wait for the local disk; handing each read to another thread costs more than the read. */
  readonly ownThread: boolean;
}

/**
 * Brings the file to its temporary name, durable. A temporary name that is there already is an earlier attempt of ours (it holds our token): what is
 * in it is compared with the file and kept. Only a plain file is gone on with, never a link that somebody put there.
 */
export async function uploadFile(session: SftpSession, { file, path, signal, onProgress, uploads, turns, ownThread }: Upload): Promise<void> {
  await using local = await open(file.path, 'r');
  const { handle, offset } = await openTemporary(session, path, local, file.bytes, onProgress);
  try {
    onProgress?.(offset);
    {
      using _turn = file.bytes - offset < LARGE_BYTES ? undefined : await turns.take(signal);
      await sendRest(session, handle, local, { path, offset, bytes: file.bytes, signal, onProgress, uploads, ownThread });
    }
    const attributes = await session.fstat(handle);
    if (attributes.size !== file.bytes) throw new StorageError('transient', `the server holds ${attributes.size} of ${file.bytes} bytes of \`${path}\``);
    await allowGroup(session, handle, attributes.mode);
    if (session.offers('fsync@openssh.com')) await session.sync(handle);
  } finally {
    await session.close(handle).catch(() => {});
  }
}

async function allowGroup(session: SftpSession, handle: Buffer, mode: number): Promise<void> {
  if ((mode & GROUP_READ_WRITE) === GROUP_READ_WRITE) return;
  try {
    await session.chmodHandle(handle, (mode & 0o777) | GROUP_READ_WRITE);
  } catch (error) {
    // Some servers fix the rights themselves and refuse to be told.
    if (statusOf(error) === undefined) throw error;
  }
}

interface Opened {
  readonly handle: Buffer;
  readonly offset: number;
}

async function openTemporary(session: SftpSession, path: string, local: FileHandle, bytes: number, onProgress?: (bytes: number) => void): Promise<Opened> {
  try {
    return { handle: await session.openNew(path), offset: 0 };
  } catch (error) {
    if (statusOf(error) !== SftpStatus.failure) throw error;
    const there = await session.lstat(path).catch(() => undefined);
    if (there === undefined) throw error;
    if (!there.isFile()) {
      throw new StorageError('permission', `\`${path}\` is no plain file`, { hint: 'remove it on the server: it stands where an upload goes', cause: error });
    }
  }
  const handle = await session.openExisting(path, 'r+');
  const offset = await usableBytes(session, handle, local, bytes, onProgress);
  if (offset > 0) return { handle, offset };
  await session.close(handle);
  return { handle: await session.openExisting(path, 'w'), offset: 0 };
}

/**
 * How many bytes from the start can be kept. The last ones may have holes, since many writes were on their way at once: as many are written again. What
 * stands before them is compared whole: a server that crashed may have lost any of it, and what differs must not become visible.
 */
async function usableBytes(session: SftpSession, handle: Buffer, local: FileHandle, bytes: number, onProgress?: (bytes: number) => void): Promise<number> {
  const { size } = await session.fstat(handle);
  const usable = Math.min(size, bytes) - BYTES_IN_FLIGHT;
  if (size > bytes || usable <= 0) return 0;
  const there: Promise<Buffer>[] = [];
  const ours = Buffer.allocUnsafe(CHECK_BYTES);
  for (let [asked, at] = [0, 0]; at < usable;) {
    for (; asked < usable && there.length < CHECKS_IN_FLIGHT; asked += CHECK_BYTES) {
      const piece = readWhole(session, handle, asked, Math.min(CHECK_BYTES, usable - asked));
      // Its failure is seen when its turn comes, or not at all.
      piece.catch(() => {});
      there.push(piece);
    }
    const piece = (await there.shift()) ?? Buffer.alloc(0);
    await local.read(ours, 0, piece.length, at);
    if (!ours.subarray(0, piece.length).equals(piece)) return 0;
    at += piece.length;
    onProgress?.(at);
  }
  return usable;
}

interface Writing {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((bytes: number) => void) | undefined;
  readonly uploads: () => number;
  readonly ownThread: boolean;
}

/** Keeps many writes on their way, in the largest messages the server takes. */
async function sendRest(session: SftpSession, handle: Buffer, local: FileHandle, writing: Writing): Promise<void> {
  const { path, offset, bytes, signal, onProgress, uploads, ownThread } = writing;
  checkAborted(signal);
  // Where several files go up, one waits for the disk while another one is sent.
  await using early = uploads() > 1 ? undefined : await EarlySync.start(session, path, bytes - offset);
  let acknowledged = offset;
  const share = (): number =>
    session.fastestMs < NEAR_MS ? NEAR_BYTES_IN_FLIGHT : Math.min(BYTES_IN_FLIGHT, Math.max(LEAST_BYTES_IN_FLIGHT, SHARED_BYTES_IN_FLIGHT / uploads()));
  const window = new WriteWindow(WRITES_IN_FLIGHT, share, (written) => {
    acknowledged += written;
    early?.reached(acknowledged);
    onProgress?.(acknowledged);
  });
  const stop = (): void => window.fail(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    // One block for the whole file: what is sent from it is copied into its message at once.
    const block = Buffer.allocUnsafe(Math.min(session.maxWriteBytes, bytes - offset));
    for (let at = offset; at < bytes;) {
      await window.room();
      const length = Math.min(block.length, bytes - at);
      const bytesRead = ownThread ? readSync(local.fd, block, 0, length, at) : (await local.read(block, 0, length, at)).bytesRead;
      if (bytesRead === 0) throw new StorageError('corrupt', `the spool file ended at ${at} of ${bytes} bytes`);
      window.add(bytesRead, session.write(handle, block.subarray(0, bytesRead), at));
      at += bytesRead;
    }
    await window.drained();
    await early?.settled();
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
