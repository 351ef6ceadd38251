import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { whoFiles } from './note-refused.ts';
import { isInSpool } from './publish-parts.ts';
import { besideFiles, type RunWork } from './run-work.ts';

export interface Spool {
  /** The run's folder in the spool, and the state's; both absolute. */
  readonly folder: string;
  readonly state: string;
  readonly work: RunWork;
  /** Everything was read back at the destination: its bytes are not needed any more. */
  readonly landed: boolean;
  /** The other side was told, and who was refused is noted. */
  readonly told: boolean;
}

/** Whether the spool holds all that the rest of the run needs; else its files are made anew. */
export async function isSpoolWhole(spool: Spool): Promise<boolean> {
  const { folder, work, landed } = spool;
  const files = landed ? [] : [...(work.parts ?? []), ...besideFiles(work)];
  const whole = await Promise.all(files.map((file) => isInSpool(folder, file, true)));
  return whole.every(Boolean) && isSnapshotThere(spool) && isWhoThere(spool);
}

function isSnapshotThere({ folder, state, work: { snapshot } }: Spool): boolean {
  return snapshot === undefined || [join(folder, snapshot.file), join(state, snapshot.pointer.path)].some((path) => existsSync(path));
}

/** Until it is noted who was refused, the spool has to say who stands in which row. */
function isWhoThere({ folder, work, told }: Spool): boolean {
  return told || whoFiles(work).every((file) => existsSync(join(folder, file)));
}
