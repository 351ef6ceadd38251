import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportPaths } from './deps.ts';

/** Bytes on disk by what they are for; all of them lie below `.reconcile`. */
export interface KeptSizes {
  /** The database, when it lies there, with its side files and backups. */
  readonly state: number;
  readonly snapshots: number;
  readonly spool: number;
  readonly rejects: number;
  readonly cache: number;
}

/** What is kept on this machine, and how large it is. */
export async function measureFolders(paths: Pick<ExportPaths, 'state' | 'spool' | 'snapshots' | 'cache'>): Promise<KeptSizes> {
  const [whole, snapshots, spool, rejects, cache] = await Promise.all(
    [paths.state, paths.snapshots, paths.spool, join(paths.state, 'rejects'), paths.cache].map(sizeOf),
  );
  const parts = { snapshots: snapshots ?? 0, spool: spool ?? 0, rejects: rejects ?? 0, cache: cache ?? 0 };
  return { state: Math.max(0, (whole ?? 0) - Object.values(parts).reduce((sum, size) => sum + size, 0)), ...parts };
}

/** Bytes of a file, or of all that is in a folder; 0 for what is not there. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  const inside = await Promise.all((await readdir(path).catch(() => [])).map((name) => sizeOf(join(path, name))));
  return inside.reduce((sum, size) => sum + size, 0);
}
