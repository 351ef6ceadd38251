import { chmod, copyFile, link, open, rm } from 'node:fs/promises';
import { checkAborted } from '../check-aborted.ts';
import { codeOf } from './classify-fs-error.ts';

/** What a file system answers when it has no hard links, or none from there to here. */
const NO_LINK: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EACCES']);

/**
 * Puts the bytes of `from` under the temporary name `to`, durable and readable as the process's umask says.
 *
 * A hard link where possible: publishing costs nothing then, whatever the size. Both names share the inode, hence its mode: the spool's copy
 * becomes as readable as the published one. That opens nothing, since the spool's folder itself is closed to others (mode 0700), and a published
 * file that its reader cannot open would be useless.
 */
export async function placeFile(from: string, to: string, mode: number, signal: AbortSignal | undefined): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINK.has(codeOf(error))) throw error;
    checkAborted(signal);
    await copyFile(from, to);
  }
  await chmod(to, mode);
  await syncPath(to);
}

/** fsync of a folder: names in it survive a power cut. One that may be written and not read, a drop box, cannot be opened for it; its names are there. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await syncPath(folder);
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error;
  }
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; the rename itself was done.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF'].includes(codeOf(error))) throw error;
  }
}
