import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../state/private-folder.ts';
import { sha256 } from '../support/digest.ts';

const DIGEST_BYTES = 64;

/** The content of a file that `writeCacheFile` wrote. Its digest stands before it: what a disk or a hand has damaged is not there. */
export function readCacheFile(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const content = bytes.subarray(DIGEST_BYTES);
    return bytes.toString('latin1', 0, DIGEST_BYTES) === sha256(content) ? content : undefined;
  } catch {
    // Absent or unreadable: everything is done again.
    return undefined;
  }
}

/** Replaces a file below `.reconcile/cache` at once. Where it cannot be written, everything works without. */
export function writeCacheFile(path: string, content: Buffer): void {
  const draft = `${path}.${process.pid}`;
  try {
    makePrivateFolder(join(dirname(path), '..'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(draft, sha256(content));
    writeFileSync(draft, content, { flag: 'a' });
    renameSync(draft, path);
  } catch {
    removeDraft(draft);
  }
}

function removeDraft(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where it could not be made it may not be removable either.
  }
}
