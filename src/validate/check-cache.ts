import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEMA_DIGEST } from '../manifest/generated/pattern-texts.ts';
import type { CachedFile, ParseCache } from '../manifest/read-documents.ts';

/** Rises when parsing or a check changes what it finds in the same text. */
const REVISION = 1;
/** Below this many bytes of manifests nothing is kept: reading the cache would cost as much as it saves. */
const MIN_BYTES = 64 * 1024;

/**
 * What need not be done again for a text that has not changed: parsed files by their digest, and checks that found nothing by the digest of all
 * that they looked at. It is no state: any command may write or lose it. What is not used in a run is forgotten at its end.
 */
export interface CheckCache extends ParseCache {
  /** True when a check of this key has found nothing wrong. */
  passed(key: string): boolean;
  /** Remembers that a check has found nothing wrong. */
  pass(key: string): void;
  /** Writes what was used. Does nothing when nothing is new, when it is not worth it, or when the folder cannot be written. */
  save(manifestBytes: number): void;
}

interface Stored {
  readonly version: string;
  readonly files: Readonly<Record<string, CachedFile>>;
  readonly passed: readonly string[];
}

/** Opens `.reconcile/cache/manifests.json` of a project. A missing, broken or older one is an empty one. */
export function openCheckCache(directory: string): CheckCache {
  const folder = join(directory, '.reconcile');
  const path = join(folder, 'cache', 'manifests.json');
  const version = `${REVISION} ${SCHEMA_DIGEST}`;
  const stored = readStored(path, version);
  const before = new Set(stored.passed);
  const files = new Map<string, CachedFile>();
  const passed = new Set<string>();
  let fresh = false;
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
    passed(key) {
      if (!before.has(key)) return false;
      passed.add(key);
      return true;
    },
    pass(key) {
      passed.add(key);
      fresh = true;
    },
    save(manifestBytes) {
      if (!fresh || manifestBytes < MIN_BYTES) return;
      try {
        makePrivateFolder(folder);
        mkdirSync(join(folder, 'cache'), { recursive: true });
        const draft = `${path}.${process.pid}`;
        writeFileSync(draft, JSON.stringify({ version, files: Object.fromEntries(files), passed: [...passed] } satisfies Stored));
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

function readStored(path: string, version: string): Stored {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Stored;
    if (stored.version === version && typeof stored.files === 'object' && Array.isArray(stored.passed)) return stored;
  } catch {
    // Absent or broken: everything is done again.
  }
  return { version, files: {}, passed: [] };
}
