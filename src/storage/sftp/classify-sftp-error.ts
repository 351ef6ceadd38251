import { abortedError } from '../check-aborted.ts';
import { StorageError } from '../storage-error.ts';
import { ConnectionLost, SftpStatus, statusOf, type SftpSession } from './sftp-session.ts';

const PERMISSION_HINT = 'ask the server’s operator for the right to write there, or change `storage.path`';
/** What it wrote is read back. */
const READ_HINT = 'ask the server’s operator for the right to read there too: what was delivered is read back and compared';
const NO_SPACE_HINT =
  'make room on the server (delivered files that were imported, for instance) or have the quota raised; the next run goes on where this one was';
/** Less room than this, and a write that failed without a reason failed for want of it. */
const FULL_BYTES = 4 * 2 ** 20;

export interface SftpFailure {
  /** Names the action and the place: "cannot write `/in/x.csv` on `sftp://…`". */
  readonly doing: string;
  /** The folder whose disk is asked when the server gives no reason. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** Turns what a server answered into a `StorageError`; asks for the disk's state when the answer is the plain "failure" that OpenSSH gives for most. */
export async function classifySftpError(error: unknown, session: SftpSession, { doing, folder, signal }: SftpFailure): Promise<StorageError> {
  if (signal?.aborted === true) return abortedError(signal);
  if (error instanceof StorageError) return error;
  if (error instanceof ConnectionLost) {
    return new StorageError('transient', `${doing}: the connection broke`, { hint: 'look whether the server and the network in between work', cause: error });
  }
  switch (statusOf(error)) {
    case undefined:
      // Not the server's answer: a bug of ours keeps its stack.
      throw error;
    case SftpStatus.noSuchFile:
      return new StorageError('not-found', `${doing}: no such file or folder`, { hint: 'look whether something else removed it', cause: error });
    case SftpStatus.permissionDenied:
      return new StorageError('permission', `${doing}: permission denied`, {
        hint: doing.startsWith('cannot read') ? READ_HINT : PERMISSION_HINT,
        cause: error,
      });
    case SftpStatus.noSpace:
    case SftpStatus.quota:
      return new StorageError('no-space', `${doing}: the server’s disk or quota is full`, { hint: NO_SPACE_HINT, cause: error });
    case SftpStatus.badMessage:
      return new StorageError('configuration', `${doing}: the server does not take that name`, { hint: 'shorten `file.name` of the activation', cause: error });
    case SftpStatus.failure:
      return classifyFailure(error, session, doing, folder);
    default:
      return new StorageError('configuration', `${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function classifyFailure(cause: unknown, session: SftpSession, doing: string, folder: string): Promise<StorageError> {
  const disk = await session.diskSpace(folder).catch(() => undefined);
  if (disk?.readOnly === true) {
    return new StorageError('permission', `${doing}: the server’s file system is read-only`, { hint: PERMISSION_HINT, cause });
  }
  if (disk !== undefined && (disk.freeBytes < FULL_BYTES || disk.freeFiles === 0)) {
    return new StorageError('no-space', `${doing}: the server’s disk is full (${disk.freeBytes} bytes free)`, { hint: NO_SPACE_HINT, cause });
  }
  return new StorageError('transient', `${doing}: the server said “failure” without a reason`, {
    hint: 'often a used-up quota, a folder that is read-only, or a file that another program holds; the server’s log knows',
    cause,
  });
}
