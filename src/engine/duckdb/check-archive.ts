import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError } from '../../model/app-error.ts';

const TAIL_BYTES = 4096;

/**
 * Throws RC2003 for a file that stops before its end: a `.gz` or `.zst` archive that is cut off or damaged (it is unpacked to nowhere), and a JSON array
 * without its closing bracket. DuckDB takes both for the end of the data: half a file would mean that the other half of the people left.
 */
export async function checkArchive(path: string, format: 'csv' | 'parquet' | 'json', signal?: AbortSignal): Promise<void> {
  const unpack = /\.gz$/i.test(path) ? createGunzip() : /\.zst$/i.test(path) ? createZstdDecompress() : undefined;
  const ends = unpack === undefined ? (format === 'json' ? await readEnds(path) : undefined) : await unpackEnds(path, unpack, signal);
  if (format !== 'json' || ends === undefined || !ends.first.startsWith('[') || ends.last.endsWith(']')) return;
  throw new AppError({
    code: 'RC2003',
    message: `\`${path}\` begins a JSON array and does not end it`,
    hint: 'the file is cut off: write it again, and give it its name when it is whole',
  });
}

interface Ends {
  /** The first and the last characters, without white space around the whole. */
  readonly first: string;
  readonly last: string;
}

async function readEnds(path: string): Promise<Ends> {
  await using file = await open(path);
  const { size } = await file.stat();
  const read = async (at: number): Promise<string> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, at);
    return buffer.toString('utf8', 0, bytesRead);
  };
  return { first: trimStart(await read(0)), last: (await read(Math.max(0, size - TAIL_BYTES))).trimEnd() };
}

async function unpackEnds(path: string, unpack: NodeJS.ReadWriteStream, signal: AbortSignal | undefined): Promise<Ends> {
  let first = '';
  let last = '';
  const nowhere = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (first === '') first = trimStart(chunk.toString('utf8', 0, TAIL_BYTES));
      const text = chunk.toString('utf8', Math.max(0, chunk.length - TAIL_BYTES)).trimEnd();
      if (text !== '') last = text.slice(-1);
      done();
    },
  });
  try {
    await pipeline(createReadStream(path), unpack, nowhere, signal === undefined ? {} : { signal });
  } catch (error) {
    throw describeDamage(path, error);
  }
  return { first, last };
}

/** Without white space and a byte order mark. */
function trimStart(text: string): string {
  return text.replace(/^[\s\uFEFF]+/, '');
}

/** RC2003 for what zlib says of a damaged archive; any other error as it is. */
export function describeDamage(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('Z') !== true) return error;
  return new AppError({
    code: 'RC2003',
    message: `\`${path}\` cannot be unpacked: ${message}`,
    hint: 'the file is cut off, or not compressed as its name says: write it again, or give it its right name',
    cause: error,
  });
}
