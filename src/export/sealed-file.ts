import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { digest } from './write-file.ts';

const ENDING = '.sha256';

/** Where a file's digest stands: beside it, as `sha256sum -c` reads it. */
export function sealOf(path: string): string {
  return `${path}${ENDING}`;
}

/** The file that a name in a folder is about: itself, or the one that it is the seal of. */
export function sealedName(name: string): string {
  return name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name;
}

/** Whether a file is what was sealed, read to its end. True without a seal, as before there were any: there is nothing to hold it against. */
export async function isAsSealed(path: string): Promise<boolean> {
  const seal = await readFile(sealOf(path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (seal === undefined) return true;
  const { sha256 } = await digest(createReadStream(path));
  return seal.startsWith(`${sha256} `);
}

/**
 * Puts a whole file in place of another, durably, and its digest beside it. Whatever moment a crash chooses, no seal speaks of another file: there is
 * none while the files change.
 */
export async function replaceSealed(temporary: string, path: string): Promise<void> {
  const { sha256 } = await digest(createReadStream(temporary));
  await sync(temporary);
  await rm(sealOf(path), { force: true });
  await sync(dirname(path));
  await rename(temporary, path);
  // A rename between two names of one inode does nothing at all (POSIX): the temporary name would stay.
  await rm(temporary, { force: true });
  await sync(dirname(path));
  const seal = `${sealOf(path)}.new`;
  {
    await using handle = await open(seal, 'w', 0o600);
    await handle.writeFile(`${sha256}  ${basename(path)}\n`);
    await handle.sync();
  }
  await rename(seal, sealOf(path));
  await sync(dirname(path));
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
