import { createReadStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError } from '../../model/app-error.ts';

/**
 * Unpacks a `.gz` or `.zst` file to nowhere and throws RC2003 when it is cut off or damaged; does nothing for other files.
 * DuckDB takes a cut archive for the end of the data: half a file would mean that the other half of the people left.
 */
export async function checkArchive(path: string, signal?: AbortSignal): Promise<void> {
  const unpack = /\.gz$/i.test(path) ? createGunzip() : /\.zst$/i.test(path) ? createZstdDecompress() : undefined;
  if (unpack === undefined) return;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(path), unpack, nowhere, signal === undefined ? {} : { signal });
  } catch (error) {
    throw describeDamage(path, error);
  }
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
