import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { brokenState } from '../state-errors.ts';

/** The primary result code of an error of SQLite (sqlite.org/rescode.html), 0 for any other error. */
export function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
}

export const SQLITE = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

const UNREACHABLE: ReadonlySet<number> = new Set([SQLITE.readOnly, SQLITE.io, SQLITE.cannotOpen, 3, 23]);
const UNREACHABLE_FILE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EIO', 'EEXIST', 'EMFILE']);

/** Turns what SQLite or the file system says into what a user can do; anything else comes back as it is. */
export function translateSqliteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  const code = sqliteCode(error);
  const system = (error as NodeJS.ErrnoException).code ?? '';
  if (code === SQLITE.notADatabase) return brokenState(path, 'it is not a database of SQLite', error);
  if (code === SQLITE.corrupt) return brokenState(path, 'the database is damaged', error);
  if (code === SQLITE.busy || code === SQLITE.locked) {
    return new AppError({
      code: 'RC3005',
      exit: ExitCode.locked,
      message: `the state \`${path}\` is locked: another process has been writing to it for longer than this one waits`,
      hint: 'wait for it to end, then try again; `reconcile state unlock` tells who works on it',
      cause: error,
    });
  }
  if (code === SQLITE.full || system === 'ENOSPC' || system === 'EDQUOT') {
    return new AppError({
      code: 'RC3003',
      message: `the state \`${path}\` cannot be written: its disk is full`,
      hint: 'free some space, then try again; what was recorded before is whole',
      cause: error,
    });
  }
  if (UNREACHABLE.has(code) || UNREACHABLE_FILE.has(system)) {
    return new AppError({
      code: 'RC3003',
      message: `the state \`${path}\` cannot be opened or written: ${error.message}`,
      hint: 'check the permissions of its folder and the space on its disk; what was recorded before is whole',
      cause: error,
    });
  }
  return error;
}
