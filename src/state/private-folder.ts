import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The name of the folder that is ours alone. */
const OURS = '.reconcile';

/**
 * Makes the folder of the state, nobody else's to read and never seen by git. A `.reconcile` that something else made first is put right as well;
 * any other folder that exists belongs to the user and stays as it is. May be called any number of times.
 */
export function makePrivateFolder(folder: string): void {
  const existed = existsSync(folder);
  if (existed && basename(folder) !== OURS) return;
  const ignore = join(folder, '.gitignore');
  if (existed && existsSync(ignore)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    // `mkdir` subtracts the umask and leaves a folder that exists alone.
    chmodSync(folder, 0o700);
    writeFileSync(ignore, '*\n', { flag: 'wx' });
  } catch (error) {
    // Another process was faster, or the folder is another user's: then it is theirs to put right.
    if (!existed && (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
