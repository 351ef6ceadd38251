import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCHEMA_DIGEST } from '../manifest/generated/pattern-texts.ts';
import type { CachedFile, ParseCache } from '../manifest/read-documents.ts';
import type { FileStamp, FileStamps } from './read-files.ts';

/** Rises when parsing or a check changes what it finds in the same text. */
const REVISION = 2;
/** Below this many bytes of manifests nothing is kept: reading the cache would cost as much as it saves. */
const MIN_BYTES = 64 * 1024;

/**
 * What need not be done again for a text that has not changed: parsed files by their digest, and checks that found nothing by the digest of all
 * that they looked at. It is no state: any command may write or lose it. What is not used in a run is forgotten at its end.
 */
export interface CheckCache extends ParseCache, FileStamps {
  /** True when a check of this key has found nothing wrong. */
  passed(key: string): boolean;
  /** Remembers that a check has found nothing wrong. */
  pass(key: string): void;
  /** Writes what was used. Does nothing when nothing is new, when it is not worth it, or when the folder cannot be written. */
  save(): void;
}

/** A file that changed so shortly before the cache was written may have changed again within one tick of the file system's clock. */
const RACY_MS = 2000;

interface Stored {
  readonly version: string;
  /** By path: the file's stamp and its digest. */
  readonly stamps: Readonly<Record<string, readonly [string, string]>>;
  readonly files: Readonly<Record<string, CachedFile>>;
  readonly passed: readonly string[];
}

/** Opens `.reconcile/cache/manifests.json` of a project. A missing, broken or older one is an empty one. */
export function openCheckCache(directory: string): CheckCache {
  const folder = join(directory, '.reconcile');
  const path = join(folder, 'cache', 'manifests.json');
  const version = `${REVISION} ${SCHEMA_DIGEST} ${programStamp()}`;
  const { stored, writtenAt } = readStored(path, version);
  const before = new Set(stored.passed);
  const files = new Map<string, CachedFile>();
  const passed = new Set<string>();
  const stamps = new Map<string, readonly [string, string]>();
  let fresh = false;
  let manifestBytes = 0;
  return {
    get(sha256) {
      const found = Object.hasOwn(stored.files, sha256) ? stored.files[sha256] : undefined;
      if (found !== undefined) files.set(sha256, found);
      return found;
    },
    set(sha256, file) {
      files.set(sha256, file);
      fresh = true;
    },
    digestOfUnchanged(file, stamp) {
      const known = Object.hasOwn(stored.stamps, file) ? stored.stamps[file] : undefined;
      if (known === undefined || known[0] !== stampText(stamp) || stamp.changedAtMs > writtenAt - RACY_MS) return undefined;
      stamps.set(file, known);
      manifestBytes += stamp.bytes;
      return known[1];
    },
    remember(file, stamp, sha256) {
      stamps.set(file, [stampText(stamp), sha256]);
      manifestBytes += stamp.bytes;
      fresh = true;
    },
    passed(key) {
      if (!before.has(key)) return false;
      passed.add(key);
      return true;
    },
    pass(key) {
      passed.add(key);
      fresh = true;
    },
    save() {
      if (!fresh || manifestBytes < MIN_BYTES) return;
      try {
        makePrivateFolder(folder);
        mkdirSync(join(folder, 'cache'), { recursive: true });
        const draft = `${path}.${process.pid}`;
        writeFileSync(
          draft,
          JSON.stringify({ version, stamps: Object.fromEntries(stamps), files: Object.fromEntries(files), passed: [...passed] } satisfies Stored),
        );
        renameSync(draft, path);
      } catch {
        // A read-only checkout works without.
      }
    },
  };
}

function makePrivateFolder(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  writeFileSync(join(folder, '.gitignore'), '*\n');
}

function stampText({ bytes, modifiedAtMs, changedAtMs, inode }: FileStamp): string {
  return `${bytes} ${modifiedAtMs} ${changedAtMs} ${inode}`;
}

/** Another build of the program may find something else in the same text. */
function programStamp(): string {
  const { size, mtimeMs } = statSync(fileURLToPath(import.meta.url));
  return `${size} ${mtimeMs}`;
}

function readStored(path: string, version: string): { readonly stored: Stored; readonly writtenAt: number } {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Stored;
    if (stored.version === version && [stored.files, stored.stamps, stored.passed].every((part) => typeof part === 'object')) {
      return { stored, writtenAt: statSync(path).mtimeMs };
    }
  } catch {
    // Absent or broken: everything is done again.
  }
  return { stored: { version, stamps: {}, files: {}, passed: [] }, writtenAt: 0 };
}
