import { expect, it } from 'vitest';
import { classifySftpError } from '../../../src/storage/sftp/classify-sftp-error.ts';
import { ConnectionLost, type DiskSpace, type SftpSession } from '../../../src/storage/sftp/sftp-session.ts';

const ROOMY: DiskSpace = { freeBytes: 2 ** 40, freeFiles: 1_000_000, readOnly: false };

const told = (error: unknown, disk: DiskSpace | undefined = ROOMY, signal?: AbortSignal): ReturnType<typeof classifySftpError> => {
  const session = { diskSpace: () => (disk === undefined ? Promise.reject(new Error('no statvfs')) : Promise.resolve(disk)) } as unknown as SftpSession;
  return classifySftpError(error, session, { doing: 'cannot write `/in/x.csv`', folder: '/in', signal });
};
const answer = (code: number): Error => Object.assign(new Error('as the server words it'), { code });

it.each([
  ['no such file', 2, ROOMY, 'not-found'],
  ['permission denied', 3, ROOMY, 'permission'],
  ['a failure on a disk that is read-only', 4, { ...ROOMY, readOnly: true }, 'permission'],
  ['a failure on a disk that is full', 4, { ...ROOMY, freeBytes: 2 ** 20 }, 'no-space'],
  ['a failure on a disk that takes no more files', 4, { ...ROOMY, freeFiles: 0 }, 'no-space'],
  ['a failure on a disk with room', 4, ROOMY, 'transient'],
  ['a failure of a server that says nothing of its disk', 4, undefined, 'transient'],
  ['a message that it does not take', 5, ROOMY, 'configuration'],
  ['an operation that it does not know', 8, ROOMY, 'configuration'],
  ['no space', 14, ROOMY, 'no-space'],
  ['a quota that is used up', 15, ROOMY, 'no-space'],
] as const)('the answer %s (%i)', async (_what, code, disk, kind) => {
  expect(await told(answer(code), disk)).toMatchObject({ kind, retryable: kind === 'transient' });
});

it('a connection that broke may be tried again; whoever stopped is told as such; a bug stays one', async () => {
  expect(await told(new ConnectionLost(new Error('ECONNRESET')))).toMatchObject({ kind: 'transient' });
  expect(await told(new ConnectionLost(), ROOMY, AbortSignal.abort())).toMatchObject({ kind: 'aborted' });
  await expect(told(new TypeError('x is undefined'))).rejects.toThrow(TypeError);
});
