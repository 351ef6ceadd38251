import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { besideFiles, type RunWork } from './run-work.ts';

/** Leaves of a spool folder only what `runs replay` sends again: the parts and what stands beside them. */
export async function keepOnlyFiles(folder: string, work: RunWork): Promise<void> {
  const kept = new Set([...(work.parts ?? []), ...besideFiles(work)].map(({ file }) => file));
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => !kept.has(name)).map((name) => rm(join(folder, name), { recursive: true, force: true })));
  if (kept.size === 0) await rm(folder, { recursive: true, force: true });
}
