import type { FileHandle } from 'node:fs/promises';
import { StorageError } from './storage-error.ts';

/** Exactly `bytes` bytes from `start`; a spool file that ends before is no longer the file that was to be published. */
export async function readPart(file: FileHandle, start: number, bytes: number): Promise<Buffer> {
  const into = Buffer.allocUnsafe(bytes);
  for (let got = 0; got < bytes;) {
    const { bytesRead } = await file.read(into, got, bytes - got, start + got);
    if (bytesRead === 0) {
      throw new StorageError('corrupt', `the spool file ends at ${start + got}, before the ${start + bytes} bytes that were written to it`, {
        hint: 'something removed or changed files in .reconcile; run again',
      });
    }
    got += bytesRead;
  }
  return into;
}
