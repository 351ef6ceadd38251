import { closeSync, copyFileSync, constants, fsyncSync, linkSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { mayBeAlive, currentOwner } from '../owner.ts';
import { APPLICATION_ID } from './identity.ts';

/**
 * Makes an empty database that appears whole: it is made beside its place and linked to it. A process that is killed meanwhile leaves nothing at the
 * place, and of two that do it at once one wins and the other finds the winner's.
 */
export function createDatabase(path: string, migrations: readonly string[], open: (path: string) => DatabaseSync): void {
  removeOldDrafts(path);
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
  try {
    // SQLite gives its side files the mode of the file.
    closeSync(openSync(draft, 'wx', 0o600));
    const database = open(draft);
    try {
      database.exec('pragma journal_mode = wal; pragma synchronous = full; begin immediate');
      for (const migration of migrations) database.exec(migration);
      database.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${migrations.length}; commit`);
    } finally {
      // The last one to close puts everything into the file and takes the side files away.
      database.close();
    }
    syncPath(draft);
    appear(draft, path);
    syncPath(dirname(path));
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${draft}${suffix}`, { force: true });
  }
}

function appear(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error;
    // A file system without hard links.
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
    syncPath(path);
  }
}

/** Drafts of processes that were killed while they made one. */
function removeOldDrafts(path: string): void {
  const name = basename(path);
  for (const other of readdirSync(dirname(path))) {
    const pid = other.startsWith(`${name}.`) ? /^\.(\d+)-[0-9a-f]{8}\.new(?:-wal|-shm|-journal)?$/.exec(other.slice(name.length))?.[1] : undefined;
    if (pid !== undefined && !mayBeAlive({ ...currentOwner(), pid: Number(pid), processStart: '' })) rmSync(join(dirname(path), other), { force: true });
  }
}

/** Makes a file, or the names in a folder, last. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } catch (error) {
    // Some systems do not sync folders.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL' && (error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  } finally {
    closeSync(file);
  }
}
