import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { AppError } from '../../model/app-error.ts';
import type { DatabaseSync } from 'node:sqlite';
import { brokenState, newerState } from '../state-errors.ts';

/** `rcnl` as a number, in the header of the file: tells our databases from others. */
export const APPLICATION_ID = 0x72636e6c;

/** False when nothing is there. What is there and cannot be a database is an error, never an empty state. */
export function databaseExists(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    if (logSize(path) > 0) throw brokenState(path, 'the file is gone, and its log `-wal` still stands beside it');
    return false;
  }
  if (!found.isFile()) {
    throw new AppError({
      code: 'RC3003',
      message: `the state \`${path}\` is ${found.isDirectory() ? 'a folder' : 'not a file'}; it must be a file`,
      hint: 'name another file in spec.state of reconcile.yaml, or move what is there away',
    });
  }
  if (found.size === 0) throw brokenState(path, 'the file is empty; a database of reconcile never is');
  refuseCutOff(path);
  return true;
}

/**
 * SQLite fills the end of a file that was cut off within a page with zeros. What the file's header says of its length holds whenever there is no log
 * beside it; with one, it may be in the middle of being brought up to date (sqlite.org/fileformat2.html#database_header).
 */
function refuseCutOff(path: string): void {
  const shorter = (): string | undefined => {
    const header = Buffer.alloc(100);
    const file = openSync(path, 'r');
    try {
      if (readSync(file, header, 0, 100, 0) < 100) return 'it is cut off within its header';
    } finally {
      closeSync(file);
    }
    if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') return undefined;
    const declaredSize = header.readUInt16BE(16);
    const pageSize = declaredSize === 1 ? 65_536 : declaredSize;
    const wanted = header.readUInt32BE(28) * pageSize;
    const { size } = statSync(path);
    return size < wanted ? `it is cut off: it has ${size} of ${wanted} bytes` : undefined;
  };
  if (shorter() === undefined || logSize(path) > 0) return;
  // The last writer may have ended between the two looks.
  const why = shorter();
  if (why !== undefined && logSize(path) === 0) throw brokenState(path, why);
}

function logSize(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** Returns the format; refuses what is not ours (RC3001) or too new (RC3002). */
export function checkIdentity(database: DatabaseSync, path: string, known: number): number {
  const { application_id: id } = database.prepare('pragma application_id').get() as { application_id: number };
  if (id !== APPLICATION_ID) throw brokenState(path, 'it is a database of something else');
  const version = formatOf(database);
  if (version > known) throw newerState(path, version, known);
  if (version < 1) throw brokenState(path, 'it has no format');
  return version;
}

export function formatOf(database: DatabaseSync): number {
  return (database.prepare('pragma user_version').get() as { user_version: number }).user_version;
}
