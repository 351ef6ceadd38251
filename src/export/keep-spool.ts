import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { besideFiles, type RunWork } from './run-work.ts';
import { sealedName } from './sealed-file.ts';

/** Leaves of a spool folder only what `runs replay` sends again: the parts and what stands beside them. */
export async function keepOnlyFiles(folder: string, work: RunWork): Promise<void> {
  const kept = new Set([...(work.parts ?? []), ...besideFiles(work)].map(({ file }) => file));
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => !kept.has(name)).map((name) => rm(join(folder, name), { recursive: true, force: true })));
  if (kept.size === 0) await rm(folder, { recursive: true, force: true });
}

/** What stays of the spool of a run that did not succeed when the rest has to go: its members, without whom nobody knows who is in the files it left. */
export const MEMBERS_LEFT = 'left.parquet';

/** Empties a spool folder but for those. */
export async function keepOnlyMembersLeft(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => sealedName(name) !== MEMBERS_LEFT).map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
