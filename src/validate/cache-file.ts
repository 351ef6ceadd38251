import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../state/private-folder.ts';
import { sha256 } from '../support/digest.ts';

const DIGEST_BYTES = 64;

/**
 * The content of a file that `writeCacheFile` wrote for the same version. A digest of both stands before it: what a disk or a hand has damaged, or
 * another program has written, is not there.
 */
export function readCacheFile(path: string, version: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const content = bytes.subarray(DIGEST_BYTES);
    return bytes.toString('latin1', 0, DIGEST_BYTES) === sealOf(content, version) ? content : undefined;
  } catch {
    // Absent or unreadable: everything is done again.
    return undefined;
  }
}

/** Replaces a file below `.reconcile/cache` at once. Where it cannot be written, everything works without. */
export function writeCacheFile(path: string, version: string, content: Buffer): void {
  const draft = `${path}.${process.pid}`;
  try {
    makePrivateFolder(join(dirname(path), '..'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(draft, sealOf(content, version));
    writeFileSync(draft, content, { flag: 'a' });
    renameSync(draft, path);
  } catch {
    removeDraft(draft);
  }
}

function sealOf(content: Buffer, version: string): string {
  return sha256(`${version} ${sha256(content)}`);
}

function removeDraft(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where it could not be made it may not be removable either.
  }
}
