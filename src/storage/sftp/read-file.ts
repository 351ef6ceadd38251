import { Readable } from 'node:stream';
import type { SessionPool } from './session-pool.ts';
import { ConnectionLost, type SftpSession } from './sftp-session.ts';

const READS_IN_FLIGHT = 16;
const READ_BYTES = 256 * 1024;

/** The file's bytes from `start` on, with many reads on their way. The session goes back to the pool when the stream ends, however it ends. */
export async function readFile(
  pool: SessionPool,
  path: string,
  start: number,
  classify: (error: unknown, session: SftpSession) => Promise<Error>,
): Promise<Readable> {
  const session = await pool.take();
  let handle: Buffer;
  let bytes: number;
  try {
    handle = await session.openExisting(path, 'r');
    ({ size: bytes } = await session.fstat(handle));
  } catch (error) {
    const failure = await classify(error, session);
    pool.give(session);
    throw failure;
  }
  return Readable.from(readAhead(), { objectMode: false, highWaterMark: 1 << 20 });

  async function* readAhead(): AsyncGenerator<Buffer> {
    const ahead: Promise<Buffer>[] = [];
    let next = start;
    try {
      while (next < bytes || ahead.length > 0) {
        while (next < bytes && ahead.length < READS_IN_FLIGHT) {
          const length = Math.min(READ_BYTES, bytes - next);
          const piece = readWhole(session, handle, next, length);
          // Its failure is seen when its turn comes, or not at all when the reader has left.
          piece.catch(() => {});
          ahead.push(piece);
          next += length;
        }
        const piece = await ahead.shift();
        if (piece) yield piece;
      }
    } catch (error) {
      throw await classify(error, session);
    } finally {
      await session.close(handle).catch(() => {});
      pool.give(session);
    }
  }
}

/** Servers may give fewer bytes than asked for; a file that ends early is a failure, never a short result. */
export async function readWhole(session: SftpSession, handle: Buffer, position: number, length: number): Promise<Buffer> {
  const first = await session.read(handle, position, length);
  if (first.length === length) return first;
  const pieces = [first];
  for (let got = first.length; got < length;) {
    const piece = await session.read(handle, position + got, length - got);
    if (piece.length === 0) throw new ConnectionLost(new Error('the file became shorter while it was read'));
    pieces.push(piece);
    got += piece.length;
  }
  return Buffer.concat(pieces);
}
