import { join } from 'node:path';
import { own } from '../support/own.ts';
import type { CachedFile, ParseCache } from '../manifest/read-documents.ts';
import { readCacheFile, writeCacheFile } from './cache-file.ts';
import type { StoredChecks } from './check-once.ts';
import type { Outcome } from './outcome.ts';
import { programStamp } from './program-stamp.ts';
import type { FileStamp, FileStamps } from './read-files.ts';
import { NO_WORK, parseWork, printWork, type StoredWork } from './stored-work.ts';

/** Below this many bytes of manifests nothing is kept: reading the cache would cost as much as it saves. */
const MIN_BYTES = 64 * 1024;
/** A file that changed so shortly before it was read may have changed again within one tick of the file system's clock. */
const RACY_MS = 2000;
/** Work is written when more than this part of it is new: to do a little of it again costs less than writing all of it. */
const WORTH_WRITING = 1 / 20;

/**
 * What need not be done again for manifests that have not changed: parsed files by their digest, checks by what they looked at, and what everything
 * came to. It is no state and never a reason for another result: any command may write or lose it. What is not used is forgotten when it is written.
 */
export interface ProjectCache extends ParseCache, FileStamps {
  /** Of the last time, when manifests were valid then. */
  readonly outcome: Outcome | undefined;
  /** Checks of the last time or an earlier one. */
  readonly checks: StoredChecks;
  /** Writes what this time came to, and what was used of the cache. Does nothing where it is not worth it or the folder cannot be written. */
  keep(result: KeptResult): void;
  /** Writes the stamps of files that were read again and say what they said. */
  keepStamps(): void;
}

export interface KeptResult {
  readonly outcome: Outcome | undefined;
  readonly resourceCount: number;
  /** How many resources were checked and found right. */
  readonly checkedCount: number;
  readonly checks: () => StoredChecks;
}

/** What every command needs; the rest is looked at when something has changed. */
interface Summary {
  /** When the files were read, by this machine's clock. */
  readonly readAt: number;
  readonly outcome?: Outcome | undefined;
  /** By path: the file's stamp and its digest. */
  readonly stamps: Readonly<Record<string, readonly [string, string]>>;
}

/** Opens a project's cache of manifests, two files below `.reconcile/cache`. Missing, damaged or another program's, it is empty. */
export function openProjectCache(directory: string): ProjectCache {
  const folder = join(directory, '.reconcile', 'cache');
  const [summaryPath, workPath] = [join(folder, 'outcome'), join(folder, 'manifests')];
  const version = programStamp();
  const readAt = Date.now();
  const summary = readSummary(summaryPath, version);
  const files = new Map<string, CachedFile>();
  const stamps = new Map<string, readonly [string, string]>();
  let read: StoredWork | undefined;
  const work = (): StoredWork => (read ??= readWork(workPath, version));
  let parsedCount = 0;
  let isRead = false;
  let manifestBytes = 0;
  const stamp = (file: string, bytes: number, entry: readonly [string, string]): void => {
    if (!stamps.has(file)) manifestBytes += bytes;
    stamps.set(file, entry);
  };
  const keepSummary = (outcome: Outcome | undefined): void =>
    writeCacheFile(summaryPath, version, Buffer.from(JSON.stringify({ readAt, outcome, stamps: Object.fromEntries(stamps) } satisfies Summary)));
  return {
    outcome: summary.outcome,
    get checks() {
      return work().checks;
    },
    get(digest) {
      const known = files.get(digest) ?? work().file(digest);
      if (known !== undefined) files.set(digest, known);
      return known;
    },
    set(digest, file) {
      files.set(digest, file);
      parsedCount += 'settled' in file ? file.settled.length : file.open.length;
    },
    digestOfUnchanged(file, found) {
      const known = own(summary.stamps, file);
      if (known === undefined || known[0] !== stampText(found) || found.changedAtMs > summary.readAt - RACY_MS) return undefined;
      stamp(file, found.bytes, known);
      return known[1];
    },
    remember(file, found, digest) {
      stamp(file, found.bytes, [stampText(found), digest]);
      isRead = true;
    },
    keep({ outcome, resourceCount, checkedCount, checks }) {
      if (manifestBytes < MIN_BYTES) return;
      if (isRead || outcome?.inputs !== summary.outcome?.inputs || outcome?.cards !== summary.outcome?.cards) keepSummary(outcome);
      if (Math.max(parsedCount, checkedCount) > resourceCount * WORTH_WRITING) writeCacheFile(workPath, version, printWork(files, checks()));
    },
    keepStamps() {
      if (isRead && manifestBytes >= MIN_BYTES) keepSummary(summary.outcome);
    },
  };
}

function stampText({ bytes, modifiedAtMs, changedAtMs, inode }: FileStamp): string {
  return `${bytes} ${modifiedAtMs} ${changedAtMs} ${inode}`;
}

function readSummary(path: string, version: string): Summary {
  const content = readCacheFile(path, version);
  return content === undefined ? { readAt: 0, stamps: {} } : (JSON.parse(content.toString()) as Summary);
}

function readWork(path: string, version: string): StoredWork {
  const content = readCacheFile(path, version);
  return content === undefined ? NO_WORK : parseWork(content);
}
