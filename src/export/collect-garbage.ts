import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DAY_MS, type Instant } from '../model/instant.ts';
import type { ActivationSpec } from '../model/generated/kinds.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import { mayBeAlive } from '../state/owner.ts';
import type { StateStore } from '../state/state-store.ts';
import { abandonRun } from './abandon-run.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { isUndecided } from './left-behind.ts';
import type { KeptDays } from './kept-days.ts';
import { sizeOf } from './measure-folders.ts';
import { sealedName } from './sealed-file.ts';

export interface GarbageDeps extends Pick<ExportDeps, 'ledger' | 'paths' | 'card' | 'storage' | 'log'> {
  readonly store: Pick<StateStore, 'pruneJournal'>;
}

export interface GarbageRequest {
  readonly resources: AppliedResources;
  /** The wall clock. */
  readonly now: Instant;
  readonly keptDays: KeptDays;
  /** True: only says what would go. */
  readonly dryRun: boolean;
}

export interface GarbageCollected {
  readonly spools: number;
  readonly snapshots: number;
  readonly rejects: number;
  /** Records of runs, and entries of the journal. */
  readonly runs: number;
  readonly journalEntries: number;
  readonly cacheFiles: number;
  readonly bytes: number;
}

/**
 * Removes what nothing needs any more: spools of ended runs with what their uploads left unfinished, snapshots that no pointer names, lists of rejects, old
 * records and journal entries, cached measurements.
 */
export async function collectGarbage(deps: GarbageDeps, request: GarbageRequest): Promise<GarbageCollected> {
  const { ledger, paths } = deps;
  const { now, dryRun, resources, keptDays } = request;
  let bytes = 0;
  const drop = async (path: string): Promise<void> => {
    bytes += await sizeOf(path);
    if (!dryRun) await rm(path, { recursive: true, force: true });
  };

  const runs = new Map((await ledger.find({})).map((run) => [run.id, run]));
  const decided = newestSuccess([...runs.values()]);
  let spools = 0;
  for (const name of await names(paths.spool)) {
    const known = runs.get(name);
    // Unknown ones may be of another state that shares the folder; after a day they are nobody's.
    const age = known === undefined ? now - (await modifiedAt(join(paths.spool, name), now)) : Infinity;
    if (age < DAY_MS || !isSpent(known, decided, now, keptDays.spool * DAY_MS)) continue;
    // Nobody goes on with it: what its uploads left unfinished at the destination goes as well.
    if (known !== undefined && known.status !== 'success' && !dryRun) await abandonRun(deps, resources, known);
    await drop(join(paths.spool, name));
    spools += 1;
  }

  const pointed = await pointedSnapshots(ledger, resources, runs);
  const busy = new Set([...runs.values()].filter(({ status }) => status !== 'success').map(({ id }) => `${id}.parquet`));
  let snapshots = 0;
  for (const activation of await names(paths.snapshots)) {
    for (const segment of await names(join(paths.snapshots, activation))) {
      for (const file of await names(join(paths.snapshots, activation, segment))) {
        // A run that was killed between placing its snapshot and recording it will want it again.
        const snapshot = sealedName(file);
        if (pointed.has(`snapshots/${activation}/${segment}/${snapshot}`) || busy.has(snapshot)) continue;
        const path = join(paths.snapshots, activation, segment, file);
        // Of a run that began after the runs were read, or of another state.
        if (!runs.has(basename(snapshot, '.parquet')) && now - (await modifiedAt(path, now)) < DAY_MS) continue;
        await drop(path);
        if (snapshot === file) snapshots += 1;
      }
    }
  }

  let cacheFiles = 0;
  for (const name of await names(paths.cache)) {
    const path = join(paths.cache, name);
    const stale = name.startsWith('measure-') ? DAY_MS : keptDays.cache * DAY_MS;
    for (const file of name === 'sources' ? (await names(path)).map((one) => join(path, one)) : name.startsWith('measure-') ? [path] : []) {
      if (now - (await modifiedAt(file, now)) < stale) continue;
      await drop(file);
      cacheFiles += 1;
    }
  }
  let rejects = 0;
  for (const path of await rejectFiles(paths.state)) {
    if (now - (await modifiedAt(path, now)) < keptDays.rejects * DAY_MS) continue;
    await drop(path);
    rejects += 1;
  }
  // Of files that a slot has left without an end nobody else knows whom they told of, and whose they are.
  const applied = appliedPairs(resources);
  const undecided = [...runs.values()].filter((run) => applied.has(pairOf(run)) && isUndecided(run, decided.get(pairOf(run)) ?? -Infinity));
  const pruned = await ledger.prune({ before: now - keptDays.runs * DAY_MS, keep: new Set(undecided.map(({ id }) => id)), dryRun });
  const journalEntries = await deps.store.pruneJournal({ before: now - keptDays.journal * DAY_MS, dryRun });
  return { spools, snapshots, rejects, runs: pruned.runs, journalEntries, cacheFiles, bytes };
}

/**
 * A spool is needed by a run that is at work, by a slot that failed and may go on from it, and for a while by the latest success and by a slot that a
 * later one has overtaken.
 */
function isSpent(run: RunRecord | undefined, decided: ReadonlyMap<string, Instant>, now: Instant, keepMs: number): boolean {
  if (run === undefined) return true;
  const { status, slot, owner, endedAt, heartbeatAt } = run;
  if (status === 'running' && (owner === null || mayBeAlive(owner))) return false;
  if (slot === null) return true;
  const isOver = status === 'success' || slot < (decided.get(pairOf(run)) ?? -Infinity);
  return isOver && now - (endedAt ?? heartbeatAt) >= keepMs;
}

/** Whatever cannot be looked at counts as new. */
async function modifiedAt(path: string, now: Instant): Promise<Instant> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
}

/** The newest slot of each pair that succeeded. */
function newestSuccess(runs: readonly RunRecord[]): ReadonlyMap<string, Instant> {
  const newest = new Map<string, Instant>();
  for (const run of runs) {
    if (run.status !== 'success' || run.slot === null) continue;
    newest.set(pairOf(run), Math.max(run.slot, newest.get(pairOf(run)) ?? -Infinity));
  }
  return newest;
}

function pairOf({ activation, segment }: Pick<RunRecord, 'activation' | 'segment'>): string {
  return `${activation}\0${segment}`;
}

/** `rejects/<activation>/<segment>/<run>.csv`, as absolute paths. */
async function rejectFiles(state: string): Promise<readonly string[]> {
  const root = join(state, 'rejects');
  const found = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function appliedPairs(resources: AppliedResources): ReadonlySet<string> {
  const activations = [...resources].flatMap(([key, { metadata, spec }]) => (key.startsWith('Activation/') ? { metadata, spec: spec as ActivationSpec } : []));
  return new Set(
    activations.flatMap(({ metadata, spec }) =>
      spec.segments.map((entry) => pairOf({ activation: metadata.name, segment: typeof entry === 'string' ? entry : entry.name })),
    ),
  );
}

async function pointedSnapshots(ledger: ExportDeps['ledger'], resources: AppliedResources, runs: ReadonlyMap<string, RunRecord>): Promise<ReadonlySet<string>> {
  const pairs = new Set<string>([...[...runs.values()].map(pairOf), ...appliedPairs(resources)]);
  const pointers = await Promise.all([...pairs].map((pair) => ledger.snapshot(...(pair.split('\0') as [string, string]))));
  return new Set(pointers.flatMap((pointer) => (pointer === undefined ? [] : [pointer.path])));
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
