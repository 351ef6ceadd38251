import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createZstdCompress, gzip } from 'node:zlib';

const MEMBER_BYTES = 4 << 20;
const GZIP_LEVEL = 6;
const gzipAsync = promisify(gzip);

/**
 * Gzip as a sequence of members of 4 MiB of input each, compressed in parallel on Node's thread pool and put out in order: any reader of gzip reads
 * them as one file (RFC 1952, 2.2). The same input gives the same bytes, however it arrives in chunks. No input gives one empty member.
 */
export async function* gzipMembers(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const atOnce = Math.max(2, availableParallelism());
  const running: Promise<Buffer>[] = [];
  const start = (member: Buffer): void => {
    const work = gzipAsync(member, { level: GZIP_LEVEL }) as Promise<Buffer>;
    // Awaited in order below; a later one that fails first must not count as unhandled.
    work.catch(() => {});
    running.push(work);
  };
  let members = 0;
  for await (const member of inBlocks(source, MEMBER_BYTES)) {
    members += 1;
    start(member);
    while (running.length > atOnce) yield await (running.shift() as Promise<Buffer>);
  }
  if (members === 0) start(Buffer.alloc(0));
  for (const work of running) yield await work;
}

/** Zstandard at its default level, with a checksum of the content. */
export async function* zstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 }, chunkSize: 1 << 20 });
  const input = Readable.from(copies(source), { objectMode: false, highWaterMark: 1 << 20 });
  input.on('error', (error) => compressor.destroy(error));
  input.pipe(compressor);
  for await (const chunk of compressor as AsyncIterable<Buffer>) yield chunk;
}

/** A stream may hold on to its chunks, which the source uses again. */
export async function* copies(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of source) yield Buffer.from(chunk);
}

/** Cuts a stream into blocks of exactly `bytes`, the last one shorter. */
async function* inBlocks(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const chunk of source) {
    let at = 0;
    while (at < chunk.length) {
      const taken = chunk.copy(block, filled, at, Math.min(chunk.length, at + bytes - filled));
      at += taken;
      filled += taken;
      if (filled === bytes) {
        yield block;
        block = Buffer.allocUnsafe(bytes);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
