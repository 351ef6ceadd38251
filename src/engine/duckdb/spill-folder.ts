import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a folder within `parent` that only one database spills into: DuckDB names its temporary files alike in every process, and two that spill
 * into one folder write over each other. Removes what processes of this machine that were killed have left; rejects as `mkdir` does.
 */
export async function makeSpillFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const host = encodeURIComponent(hostname());
  for (const name of await readdir(parent)) {
    const [owner, pid] = name.split('~');
    // A folder that cannot be removed is in nobody's way.
    if (owner === host && pid !== undefined && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
  const folder = join(parent, `${host}~${process.pid}~${randomUUID().slice(0, 8)}`);
  await mkdir(folder);
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
