import { StorageError } from '../storage-error.ts';
import type { StorageErrorKind } from '../storage.ts';

interface Verdict {
  readonly kind: StorageErrorKind;
  readonly what: string;
  readonly hint: string;
}

/** Earlier parts of the run may be visible. */
const NO_SPACE_HINT = 'make room on the disk, and the next run goes on where this one was; or choose another folder';
const PERMISSION_HINT = 'give the user that runs reconcile the right to write there, or choose another folder';

const VERDICTS: Readonly<Record<string, Verdict>> = {
  ENOSPC: { kind: 'no-space', what: 'the disk is full', hint: NO_SPACE_HINT },
  EDQUOT: { kind: 'no-space', what: 'the disk quota is used up', hint: NO_SPACE_HINT },
  EFBIG: { kind: 'no-space', what: 'the file is larger than the file system allows', hint: 'lower `file.maxRows` of the activation' },
  EACCES: { kind: 'permission', what: 'permission denied', hint: PERMISSION_HINT },
  EPERM: { kind: 'permission', what: 'operation not permitted', hint: PERMISSION_HINT },
  EROFS: { kind: 'permission', what: 'the file system is read-only', hint: 'mount it writable, or choose another folder' },
  ENOENT: { kind: 'not-found', what: 'no such file or folder', hint: 'look whether something else removed it' },
  ENOTDIR: { kind: 'configuration', what: 'a part of the path is a file, not a folder', hint: 'change `storage.path`, or move that file away' },
  EEXIST: {
    kind: 'configuration',
    what: 'a file, or a link that leads nowhere, stands where a folder should be',
    hint: 'change `storage.path`, or move that away',
  },
  EISDIR: { kind: 'configuration', what: 'a folder stands where the file should go', hint: 'move that folder away, or change `file.name` of the activation' },
  ENOTEMPTY: {
    kind: 'configuration',
    what: 'a folder stands where the file should go',
    hint: 'move that folder away, or change `file.name` of the activation',
  },
  ENAMETOOLONG: { kind: 'configuration', what: 'the name is too long', hint: 'shorten `file.name` of the activation, or `storage.path`' },
  ELOOP: { kind: 'configuration', what: 'the path goes round in symbolic links', hint: 'change `storage.path`' },
};

const TRANSIENT: ReadonlySet<string> = new Set(['EIO', 'EBUSY', 'EAGAIN', 'EMFILE', 'ENFILE', 'ESTALE', 'ETIMEDOUT', 'EINTR', 'ENOMEM']);

/** Turns an error of the file system into a `StorageError`. `doing` names the action and the place: "cannot write `/out/x.csv`". */
export function classifyFsError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error;
  const code = codeOf(error);
  const verdict = VERDICTS[code];
  if (verdict) return new StorageError(verdict.kind, `${doing}: ${verdict.what}`, { hint: verdict.hint, cause: error });
  if (TRANSIENT.has(code)) {
    return new StorageError('transient', `${doing}: ${code}`, { hint: 'the disk or its driver is in trouble; look into the system log', cause: error });
  }
  // Without an errno it is a bug of ours: it keeps its stack.
  if (code === '') throw error;
  return new StorageError('configuration', `${doing}: ${code}`, { hint: 'look whether the folder is a usual one of this machine', cause: error });
}

/** The errno name of an error, `''` when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : '';
}
