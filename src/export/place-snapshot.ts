import { copyFile, link, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExportPaths } from './deps.ts';
import type { RunWork } from './run-work.ts';

/** Puts the new snapshot where its pointer says, durably, before the pointer moves to it. Done already: does nothing. */
export async function placeSnapshot(paths: ExportPaths, folder: string, snapshot: NonNullable<RunWork['snapshot']>): Promise<void> {
  const from = join(folder, snapshot.file);
  const to = join(paths.state, snapshot.pointer.path);
  if (
    await stat(to).then(
      () => true,
      () => false,
    )
  )
    return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const temporary = `${to}.new`;
  await rm(temporary, { force: true });
  await link(from, temporary).catch(async (error: NodeJS.ErrnoException) => {
    // No hard links here, or another file system.
    if (error.code === 'ENOENT') throw error;
    await copyFile(from, temporary);
  });
  await sync(temporary);
  await rename(temporary, to);
  await sync(dirname(to));
}

/** Removes a snapshot that no pointer names any more, and its folder when it was the last one. */
export async function removeSnapshot(paths: ExportPaths, path: string): Promise<void> {
  await rm(join(paths.state, path), { force: true });
  await rmdir(dirname(join(paths.state, path))).catch(() => {});
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
