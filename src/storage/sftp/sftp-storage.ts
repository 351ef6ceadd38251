import { posix } from 'node:path';
import { checkAborted } from '../check-aborted.ts';
import { checkKey, checkPrefix } from '../check-key.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage, StorageFacts, StoredObject } from '../storage.ts';
import { isUnfinishedName, MAX_NAME_BYTES, unfinishedName } from '../unfinished-name.ts';
import { classifySftpError } from './classify-sftp-error.ts';
import { connectSftp } from './connect.ts';
import { makeFolders } from './make-folders.ts';
import { readFile } from './read-file.ts';
import { SessionPool } from './session-pool.ts';
import type { SftpAccess } from './sftp-access.ts';
import { SendingTurns } from './sending-turns.ts';
import { SftpStatus, statusOf, type SftpSession } from './sftp-session.ts';
import { uploadFile } from './upload-file.ts';

export interface SftpStorageOptions {
  readonly access: SftpAccess;
  /** The folder on the server, absolute, or relative to the user's own. */
  readonly path: string;
  /** Make missing folders. */
  readonly mkdir: boolean;
  /** Connections kept open between uses. */
  readonly connections: number;
  /** True in a thread that does nothing but uploads. */
  readonly ownThread?: boolean;
}

const FACTS: StorageFacts = { kind: 'sftp', verifiedChecksum: false, maxKeyBytes: 4096 - MAX_NAME_BYTES };

/**
 * A folder of an SFTP server. `publish` uploads to an exclusive temporary name in the target's folder and renames: over an existing file with
 * `posix-rename`, else with the plain rename, which fails when the name exists. SFTP has no digests: what landed is read back by the caller.
 */
export function createSftpStorage({ access, path, mkdir, connections, ownThread = false }: SftpStorageOptions): Storage {
  const pool = new SessionPool((signal) => connectSftp(access, signal), connections);
  const known = new Set<string>();
  const turns = new SendingTurns();
  let uploads = 0;

  const pathOf = (key: string): string => {
    checkKey(key, FACTS.maxKeyBytes);
    return posix.join(path, key);
  };
  const fail =
    (doing: string, remote: string, signal?: AbortSignal) =>
    (error: unknown, session: SftpSession): Promise<StorageError> =>
      classifySftpError(error, session, { doing: `cannot ${doing} \`${remote}\` on \`${access.name}\``, folder: posix.dirname(remote), signal });
  const use = async <T>(failed: ReturnType<typeof fail>, work: (session: SftpSession) => Promise<T>): Promise<T> =>
    pool.use(async (session) => {
      try {
        return await work(session);
      } catch (error) {
        throw await failed(error, session);
      }
    });

  const describe = async (session: SftpSession, key: string): Promise<StoredObject | undefined> => {
    try {
      const found = await session.stat(pathOf(key));
      return found.isFile() ? { key, bytes: found.size, modifiedAt: found.mtime * 1000 } : undefined;
    } catch (error) {
      if (statusOf(error) === SftpStatus.noSuchFile) return undefined;
      throw error;
    }
  };

  const prepareFolder = async (session: SftpSession, folder: string): Promise<void> => {
    if (known.has(folder)) return;
    if (mkdir) await makeFolders(session, folder);
    else await requireFolder(session, folder, access.name);
    known.add(folder);
  };

  async function* walk(folderKey: string, prefix: string): AsyncGenerator<StoredObject> {
    const folder = posix.join(path, folderKey);
    const entries = await use(fail('list', folder), async (session) => {
      try {
        return await session.readdir(folder);
      } catch (error) {
        if (statusOf(error) === SftpStatus.noSuchFile) return [];
        throw error;
      }
    });
    for (const { filename, attrs } of entries) {
      const key = `${folderKey}${filename}`;
      if (!key.startsWith(prefix) || filename === '.' || filename === '..') continue;
      if (attrs.isDirectory()) yield* walk(`${key}/`, prefix);
      else if (attrs.isFile() && !isUnfinishedName(filename)) yield { key, bytes: attrs.size, modifiedAt: attrs.mtime * 1000 };
    }
  }

  return {
    facts: FACTS,

    async publish(key, file, { replace, token, signal, onProgress }) {
      const target = pathOf(key);
      const folder = posix.dirname(target);
      const temporary = posix.join(folder, unfinishedName(posix.basename(target), token));
      return use(fail('write', target, signal), async (session) => {
        checkAborted(signal);
        // Stopped in the middle, perhaps because nothing moves: the connection is given up rather than asked once more.
        const giveUp = (): void => session.end();
        signal?.addEventListener('abort', giveUp, { once: true });
        uploads += 1;
        try {
          await prepareFolder(session, folder);
          // Looking first saves the upload; the rename below is what decides.
          if (!replace && (await session.lstat(target).catch(ignoreMissing))) throw alreadyThere(target, access.name);
          await uploadFile(session, { file, path: temporary, signal, onProgress, uploads: () => uploads, turns, ownThread });
          checkAborted(signal);
          await rename(session, temporary, target, replace, access.name);
        } catch (error) {
          known.delete(folder);
          throw error;
        } finally {
          uploads -= 1;
          signal?.removeEventListener('abort', giveUp);
        }
        const published = await describe(session, key);
        if (published?.bytes !== file.bytes) {
          throw new StorageError('corrupt', `\`${target}\` on \`${access.name}\` has ${published?.bytes ?? 'no'} bytes after the upload of ${file.bytes}`, {
            hint: 'something else on the server takes or changes files as they arrive; let it look at other names',
          });
        }
        return published;
      });
    },

    async stat(key) {
      return use(fail('look at', pathOf(key)), (session) => describe(session, key));
    },

    async read(key, start = 0) {
      const remote = pathOf(key);
      return readFile(pool, remote, start, fail('read', remote));
    },

    list(prefix) {
      checkPrefix(prefix);
      return walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix);
    },

    async remove(key) {
      const remote = pathOf(key);
      await use(fail('remove', remote), (session) => session.unlink(remote).catch(ignoreMissing));
    },

    async abandon(key, token) {
      const target = pathOf(key);
      const temporary = posix.join(posix.dirname(target), unfinishedName(posix.basename(target), token));
      await use(fail('remove', temporary), (session) => session.unlink(temporary).catch(ignoreMissing));
    },

    address: pathOf,

    diagnose: () =>
      use(fail('look at', path), async (session) => {
        const disk = await session.diskSpace(path).catch(() => undefined);
        return { server: session.software, ...(disk && { freeBytes: disk.freeBytes }) };
      }),

    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

async function rename(session: SftpSession, from: string, to: string, replace: boolean, server: string): Promise<void> {
  if (replace && session.offers('posix-rename@openssh.com')) return session.renameOver(from, to);
  try {
    await session.rename(from, to);
  } catch (error) {
    const there = statusOf(error) === SftpStatus.failure ? await session.lstat(to).catch(ignoreMissing) : undefined;
    if (there === undefined) throw error;
    if (!replace) {
      await session.unlink(from).catch(ignoreMissing);
      throw alreadyThere(to, server);
    }
    // A server without posix-rename: for a moment there is no file of that name, and never a part of one.
    await session.unlink(to);
    await session.rename(from, to);
  }
}

async function requireFolder(session: SftpSession, folder: string, server: string): Promise<void> {
  const found = await session.stat(folder).catch(ignoreMissing);
  if (found?.isDirectory() === true) return;
  throw new StorageError('missing-folder', `there is no folder \`${folder}\` on \`${server}\``, {
    hint: 'make it on the server, or set `storage.mkdir: true`',
  });
}

function alreadyThere(path: string, server: string): StorageError {
  return new StorageError('exists', `a file \`${path}\` exists on \`${server}\` that this run did not write`, {
    hint: 'move it away, or change `file.name` of the activation',
  });
}

function ignoreMissing(error: unknown): undefined {
  if (statusOf(error) !== SftpStatus.noSuchFile) throw error;
}
