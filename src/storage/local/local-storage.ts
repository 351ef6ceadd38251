import type { Dirent } from 'node:fs';
import { link, lstat, mkdir, open, opendir, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { checkAborted } from '../check-aborted.ts';
import { checkKey, checkPrefix } from '../check-key.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage, StorageFacts, StoredObject } from '../storage.ts';
import { isUnfinishedName, MAX_NAME_BYTES, unfinishedName } from '../unfinished-name.ts';
import { classifyFsError, codeOf } from './classify-fs-error.ts';
import { placeFile, syncFolder } from './place-file.ts';

export interface LocalStorageOptions {
  /** Absolute path of the folder; made when missing. */
  readonly root: string;
  /** What new files may not be, as `process.umask()`; the process's own by default. */
  readonly umask?: number;
}

const FACTS: StorageFacts = { kind: 'local', verifiedChecksum: false, maxKeyBytes: 4096 - MAX_NAME_BYTES };
const READ_CHUNK_BYTES = 1 << 20;

/**
 * A folder of this machine. `publish` places the bytes under a temporary name in the target's folder (a hard link on the same file system, else
 * a copy), then renames: a reader sees the whole file or none. Nothing outside the folder is touched: symbolic links that lead out are refused.
 */
export function createLocalStorage(options: LocalStorageOptions): Storage {
  const { root } = options;
  if (!isAbsolute(root)) throw new Error(`a local storage's root is absolute, got \`${root}\``);
  const fileMode = 0o666 & ~(options.umask ?? process.umask());

  const pathOf = (key: string): string => {
    checkKey(key, FACTS.maxKeyBytes);
    return join(root, key);
  };

  /** The nearest folder that exists above `path` must lie, links resolved, inside the root. */
  const refuseEscape = async (path: string): Promise<void> => {
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined) return;
    for (let at = path; at.length >= root.length; at = dirname(at)) {
      let real: string;
      try {
        real = await realpath(at);
      } catch (error) {
        if (codeOf(error) === 'ENOENT' && !(await isLink(at))) continue;
        if (codeOf(error) === 'ENOENT') throw leadsOut(at);
        throw classifyFsError(error, `cannot open \`${at}\``);
      }
      if (real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : `${realRoot}${sep}`)) throw leadsOut(at);
      return;
    }
  };

  const describe = async (key: string): Promise<StoredObject | undefined> => {
    const path = pathOf(key);
    try {
      await refuseEscape(path);
      const found = await stat(path);
      return found.isFile() ? { key, bytes: found.size, modifiedAt: found.mtimeMs } : undefined;
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw classifyFsError(error, `cannot look at \`${path}\``);
    }
  };

  return {
    facts: FACTS,

    async publish(key, file, { replace, token, signal, onProgress }) {
      const path = pathOf(key);
      const folder = dirname(path);
      const temporary = join(folder, unfinishedName(basename(path), token));
      try {
        checkAborted(signal);
        await refuseEscape(folder);
        await makeFolders(folder);
        await placeFile(file.path, temporary, fileMode, signal);
        checkAborted(signal);
        if (replace) await rename(temporary, path);
        else await linkNew(temporary, path, file.path);
        // A rename between two names of one inode does nothing at all (POSIX): the temporary name would stay.
        await rm(temporary, { force: true });
        await syncFolder(folder);
        onProgress?.(file.bytes);
        const done = await stat(path);
        return { key, bytes: done.size, modifiedAt: done.mtimeMs };
      } catch (error) {
        // What is unfinished costs nothing to make again here, so nothing is left behind.
        await rm(temporary, { force: true }).catch(() => {});
        throw classifyFsError(error, `cannot write \`${path}\``);
      }
    },

    stat: describe,

    async read(key, start = 0): Promise<Readable> {
      const path = pathOf(key);
      try {
        await refuseEscape(path);
        const handle = await open(path, 'r');
        return handle.createReadStream({ start, highWaterMark: READ_CHUNK_BYTES });
      } catch (error) {
        throw classifyFsError(error, `cannot read \`${path}\``);
      }
    },

    async *list(prefix) {
      checkPrefix(prefix);
      const folderKey = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      await refuseEscape(join(root, folderKey));
      for await (const key of walk(root, folderKey, prefix)) {
        const found = await describe(key);
        if (found !== undefined) yield found;
      }
    },

    async remove(key) {
      const path = pathOf(key);
      try {
        await refuseEscape(dirname(path));
        await rm(path, { force: true });
        await syncFolder(dirname(path));
      } catch (error) {
        if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return;
        throw classifyFsError(error, `cannot remove \`${path}\``);
      }
    },

    async abandon(key, token) {
      const path = pathOf(key);
      try {
        await refuseEscape(dirname(path));
        await rm(join(dirname(path), unfinishedName(basename(path), token)), { force: true });
      } catch (error) {
        if (codeOf(error) === 'ENOTDIR') return;
        throw classifyFsError(error, `cannot remove what is unfinished of \`${path}\``);
      }
    },

    address: (key) => pathOf(key),

    async diagnose() {
      for (let at = root; ; at = dirname(at)) {
        try {
          const { bavail, bsize } = await statfs(at);
          return { freeBytes: bavail * bsize };
        } catch (error) {
          if (codeOf(error) !== 'ENOENT' || at === dirname(at)) throw classifyFsError(error, `cannot look at \`${at}\``);
        }
      }
    },

    async [Symbol.asyncDispose]() {},
  };
}

/**
 * Gives `temporary` its final name only when nothing has that name: a link fails on an existing one, atomically. When the existing one is the very
 * file of our spool, an earlier call had come that far.
 */
async function linkNew(temporary: string, path: string, spool: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      if (await isSameFile(spool, path)) return;
      throw new StorageError('exists', `cannot write \`${path}\`: a file of that name exists that this run did not write`, {
        hint: 'move it away, or change `file.name` of the activation',
        cause: error,
      });
    }
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error;
    // No hard links on this file system: looking first is the best there is.
    if (await lstat(path).catch(() => undefined)) {
      throw new StorageError('exists', `cannot write \`${path}\`: a file of that name exists that this run did not write`, { cause: error });
    }
    await rename(temporary, path);
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one, { bigint: true }), lstat(other, { bigint: true })]);
  return a.ino === b.ino && a.dev === b.dev;
}

async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() === true;
}

function leadsOut(path: string): StorageError {
  return new StorageError('permission', `\`${path}\` is a symbolic link that leads out of the storage's folder`, {
    hint: 'name the real folder in `storage.path`, or remove the link',
  });
}

/** Keys of the files under `folderKey` that begin with `prefix`. Symbolic links are left out: what they name is listed where it is, or lies outside. */
async function* walk(root: string, folderKey: string, prefix: string): AsyncGenerator<string> {
  const folder = join(root, folderKey);
  let entries: AsyncIterable<Dirent>;
  try {
    entries = await opendir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return;
    throw classifyFsError(error, `cannot list \`${folder}\``);
  }
  for await (const entry of entries) {
    const key = `${folderKey}${entry.name}`;
    const wanted = key.startsWith(prefix);
    if (entry.isDirectory()) {
      if (wanted) yield* walk(root, `${key}/`, prefix);
    } else if (entry.isFile() && wanted && !isUnfinishedName(entry.name)) yield key;
  }
}

/** With its parents, each of which has its name in the one above it before anything is said to be there. Node tells most reasons against it as something that is not there; the first one that is missing, made alone, has the true one. */
async function makeFolders(folder: string): Promise<void> {
  try {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    let missing = folder;
    while (missing !== dirname(missing) && (await lstat(dirname(missing)).catch(() => undefined)) === undefined) missing = dirname(missing);
    await mkdir(missing);
    throw error;
  }
}
