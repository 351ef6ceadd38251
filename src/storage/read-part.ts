import type { FileHandle } from 'node:fs/promises';
import { StorageError } from './storage-error.ts';

/** Fills `into` with the bytes from `start`; a spool file that ends before is no longer the file that was to be published. */
export async function readPart(file: FileHandle, start: number, into: Buffer): Promise<void> {
  for (let got = 0; got < into.length;) {
    const { bytesRead } = await file.read(into, got, into.length - got, start + got);
    if (bytesRead === 0) {
      throw new StorageError('corrupt', `the spool file ends at ${start + got}, before the ${start + into.length} bytes that were written to it`, {
        hint: 'something removed or changed files in .reconcile; run again',
      });
    }
    got += bytesRead;
  }
}
