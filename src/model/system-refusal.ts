import { AppError } from './app-error.ts';

/** What the operating system refused (a full disk, a file where a folder should be, missing rights) is the user's to fix, wherever it came up. */
export function asUserError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return thrown;
  // What failed first is what is told, not what failed while cleaning up after it.
  if (thrown instanceof SuppressedError) return asUserError(thrown.suppressed) ?? asUserError(thrown.error);
  if (!(thrown instanceof Error)) return undefined;
  const { code, syscall, path } = thrown as NodeJS.ErrnoException;
  // For a folder with its parents Node hides most reasons behind this one.
  const isHidden = code === 'ENOENT' && syscall === 'mkdir';
  const known = isHidden ? NO_FOLDER : code === undefined || syscall === undefined ? undefined : REFUSALS[code];
  if (known === undefined) return undefined;
  return new AppError({
    code: 'RC9020',
    message: `${path === undefined ? 'the operating system refused' : `\`${path}\` cannot be used`}: ${known.why}`,
    hint: known.hint,
    cause: thrown,
  });
}

/** Why a file that the user named cannot be read or written, in words. */
export function whyRefused(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'there is no such file or folder' : (REFUSALS[code]?.why ?? message);
}

const RIGHTS = 'give the user that runs reconcile the right to it, or choose another place';
const IN_THE_WAY = 'move what is in the way, or choose another place';
const SPACE = 'free some space, then try again; what was recorded before is whole';
const NO_FOLDER = { why: 'the folder cannot be made: its disk is read-only or full, or a link there leads nowhere', hint: RIGHTS };
const REFUSALS: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  ENOSPC: { why: 'the disk is full', hint: SPACE },
  EDQUOT: { why: 'the disk quota is used up', hint: SPACE },
  EACCES: { why: 'permission denied', hint: RIGHTS },
  EPERM: { why: 'the operating system does not permit it', hint: RIGHTS },
  EROFS: { why: 'it is on a read-only file system', hint: RIGHTS },
  ENOTDIR: { why: 'a part of the path is a file, not a folder', hint: IN_THE_WAY },
  EEXIST: { why: 'something else is there already', hint: IN_THE_WAY },
  EISDIR: { why: 'it is a folder, not a file', hint: IN_THE_WAY },
  ELOOP: { why: 'its links lead in a circle', hint: IN_THE_WAY },
  ENAMETOOLONG: { why: 'the name is too long', hint: 'choose a shorter one' },
  EMFILE: { why: 'too many files are open', hint: 'raise the limit of open files (ulimit -n), then try again' },
};
