import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type FSWatcher, watch as watchPaths } from 'chokidar';
import { createBell } from './bell.ts';
import { isGitBusy, mayMatter, scanManifests, type ScanPlaces } from './manifest-scan.ts';
import type { WatchEvent } from './watch-event.ts';

export interface WatchFilesDeps extends ScanPlaces {
  /** Plans, and applies where that is wanted. Called once at the start, then after each change; never twice at a time. */
  readonly reconcile: () => Promise<void>;
  readonly emit: (event: WatchEvent) => void;
  readonly signal: AbortSignal;
  /** Nothing has changed for so long: the change is whole. */
  readonly quietMs: number;
  /** A full look at all files so often, whatever events there were. */
  readonly scanEveryMs: number;
}

/** After so long of git's lock somebody should be told: a git that was killed leaves it for ever. */
const TELL_LOCK_AFTER_MS = 30_000;

/**
 * Reconciles at the start and after each change of a manifest. An event only wakes it up: it then waits until two looks at all files in a row, some
 * time apart, see the same, and until git has let go of the working tree; so a file that an editor replaces, a slow writer or half a checkout is
 * never taken for a deletion. Where the system has no events to give, the regular look alone finds changes.
 */
export async function watchFiles(deps: WatchFilesDeps): Promise<void> {
  const { directory, roots, emit, signal, scanEveryMs } = deps;
  const bell = createBell();
  const ignored = (path: string, stats?: { isFile(): boolean }): boolean => stats?.isFile() === true && !mayMatter(relative(directory, path));
  const watched = new Set<string>();
  const watchers: FSWatcher[] = [];
  let isLimited = false;
  const tellLimit = (error: unknown): void => {
    if (isLimited) return;
    isLimited = true;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOSPC' || code === 'EMFILE' ? 'the system has no more file watches to give (fs.inotify.max_user_watches)' : message;
    emit({ type: 'file-events-limited', reason: `${why}; changes are found by a look each ${Math.round(scanEveryMs / 1000)} s` });
  };
  /** One more watcher for roots that are new. No path is added to a watcher twice: chokidar takes what it finds there then for what had always been there. */
  const watchRoots = (): void => {
    const paths = roots().map((root) => join(directory, root));
    const added = paths.filter((path) => !watched.has(path));
    if (added.length === 0) return;
    for (const path of added) watched.add(path);
    const files = watchPaths(added, { ignoreInitial: true, atomic: true, ignored });
    files.on('all', () => bell.ring());
    // What has changed before this moment came with no event, for the same reason.
    files.on('ready', () => bell.ring());
    files.on('error', tellLimit);
    watchers.push(files);
  };
  watchRoots();
  signal.addEventListener('abort', () => bell.ring(), { once: true });
  try {
    for (let seen: string | undefined; !signal.aborted;) {
      try {
        const now = await settle(deps, seen);
        if (signal.aborted) break;
        if (now !== seen) {
          if (seen !== undefined) emit({ type: 'files-changed' });
          seen = now;
          await deps.reconcile();
          watchRoots();
        }
      } catch (error) {
        if (signal.aborted) break;
        emit({ type: 'look-failed', what: 'manifests', error });
      }
      await bell.wait(scanEveryMs);
    }
  } finally {
    await Promise.all(watchers.map((files) => files.close()));
  }
}

/** What the files are once they have come to rest; at once when nothing has changed. */
async function settle(deps: WatchFilesDeps, seen: string | undefined): Promise<string> {
  const { directory, quietMs, signal, emit } = deps;
  let waitedMs = 0;
  let last = await scanManifests(deps);
  while (last !== seen && !signal.aborted) {
    await wait(quietMs, undefined, { signal }).catch(() => {});
    const now = await scanManifests(deps);
    const isBusy = await isGitBusy(directory);
    if (now === last && !isBusy) return now;
    last = now;
    if (isBusy && waitedMs < TELL_LOCK_AFTER_MS && waitedMs + quietMs >= TELL_LOCK_AFTER_MS) emit({ type: 'git-locked', forMs: TELL_LOCK_AFTER_MS });
    waitedMs += quietMs;
  }
  return last;
}
