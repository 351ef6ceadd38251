import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LocalFile } from '../../src/storage/storage.ts';

let made = 0;

/** Writes `data` as a finished file of the spool would be: private, and described by its size and digest. */
export async function spoolFile(folder: string, data: Uint8Array): Promise<LocalFile> {
  made += 1;
  const path = join(folder, `spool-${made}`);
  await writeFile(path, data, { mode: 0o600 });
  return { path, bytes: data.byteLength, sha256: sha256Of(data) };
}

export function sha256Of(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Bytes that no two places share, the same for the same seed: a shifted, lost or doubled block changes them. */
export function patternedBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(Math.ceil(length / 4) * 4);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < bytes.length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, at);
  }
  return bytes.subarray(0, length);
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
