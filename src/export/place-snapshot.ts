import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExportPaths } from './deps.ts';
import type { RunWork } from './run-work.ts';
import { replaceSealed, sealedName } from './sealed-file.ts';

/**
 * Puts the new snapshot where its pointer says, durably, before the pointer moves to it. What an earlier attempt of the run has put there may be of files
 * that were made anew since, and is replaced; it counts as done only where the spool has nothing to put there any more.
 */
export async function placeSnapshot(paths: ExportPaths, folder: string, snapshot: NonNullable<RunWork['snapshot']>): Promise<void> {
  const from = join(folder, snapshot.file);
  const to = join(paths.state, snapshot.pointer.path);
  if (!existsSync(from) && existsSync(to)) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const temporary = `${to}.new`;
  await rm(temporary, { force: true });
  await link(from, temporary).catch(async (error: NodeJS.ErrnoException) => {
    // No hard links here, or another file system.
    if (error.code === 'ENOENT') throw error;
    await copyFile(from, temporary);
  });
  await replaceSealed(temporary, to);
}

/** Removes every snapshot of a pair but the one its pointer names, those included that a killed process left. */
export async function removeOtherSnapshots(paths: ExportPaths, kept: string): Promise<void> {
  const folder = dirname(join(paths.state, kept));
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => sealedName(name) !== basename(kept)).map((name) => rm(join(folder, name), { force: true })));
}
