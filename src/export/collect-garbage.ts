import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DAY_MS, type Instant } from '../model/instant.ts';
import type { ActivationSpec } from '../model/generated/kinds.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';

export interface GarbageRequest {
  readonly resources: AppliedResources;
  /** The wall clock. */
  readonly now: Instant;
  /** How long records of ended runs are kept; the newest success of each pair stays. */
  readonly runsMs: number;
  /** How long the files of recorded runs are kept for `runs replay`. */
  readonly spoolMs: number;
  /** How long what is in the cache and was not used is kept. */
  readonly cacheMs: number;
  /** True: only says what would go. */
  readonly dryRun: boolean;
}

export interface GarbageCollected {
  readonly spools: number;
  readonly snapshots: number;
  readonly runs: boolean;
  readonly cacheFiles: number;
  readonly bytes: number;
}

export const DEFAULT_RETENTION: { readonly runsMs: number; readonly spoolMs: number; readonly cacheMs: number } = {
  runsMs: 90 * DAY_MS,
  spoolMs: 7 * DAY_MS,
  cacheMs: 30 * DAY_MS,
};

/** Removes what nothing needs any more: spools of ended runs, snapshots that no pointer names, old records, cached measurements. */
export async function collectGarbage(deps: Pick<ExportDeps, 'ledger' | 'paths'>, request: GarbageRequest): Promise<GarbageCollected> {
  const { ledger, paths } = deps;
  const { now, dryRun, resources } = request;
  let bytes = 0;
  const drop = async (path: string): Promise<void> => {
    bytes += await sizeOf(path);
    if (!dryRun) await rm(path, { recursive: true, force: true });
  };

  const runs = new Map((await ledger.find({})).map((run) => [run.id, run]));
  let spools = 0;
  for (const name of await names(paths.spool)) {
    const known = runs.get(name);
    // Unknown ones may be of another state that shares the folder; after a day they are nobody's.
    const age = known === undefined ? now - ((await stat(join(paths.spool, name)).catch(() => undefined))?.mtimeMs ?? now) : Infinity;
    if (age < DAY_MS || !isSpent(known, now, request.spoolMs)) continue;
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
        if (pointed.has(`snapshots/${activation}/${segment}/${file}`) || busy.has(file)) continue;
        await drop(join(paths.snapshots, activation, segment, file));
        snapshots += 1;
      }
    }
  }

  let cacheFiles = 0;
  for (const name of await names(paths.cache)) {
    const path = join(paths.cache, name);
    const stale = name.startsWith('measure-') ? DAY_MS : request.cacheMs;
    for (const file of name === 'sources' ? (await names(path)).map((one) => join(path, one)) : name.startsWith('measure-') ? [path] : []) {
      const found = await stat(file).catch(() => undefined);
      if (found === undefined || now - found.mtimeMs < stale) continue;
      await drop(file);
      cacheFiles += 1;
    }
  }
  if (!dryRun) await ledger.prune({ before: now - request.runsMs });
  return { spools, snapshots, runs: !dryRun, cacheFiles, bytes };
}

/** A spool is needed by a run that has not ended, by a slot that failed and may go on from it, and for a while by the latest success. */
function isSpent(run: RunRecord | undefined, now: Instant, keepMs: number): boolean {
  if (run === undefined) return true;
  if (run.status === 'running') return false;
  if (run.slot === null) return true;
  if (run.status !== 'success') return false;
  return run.endedAt !== null && now - run.endedAt >= keepMs;
}

async function pointedSnapshots(ledger: ExportDeps['ledger'], resources: AppliedResources, runs: ReadonlyMap<string, RunRecord>): Promise<ReadonlySet<string>> {
  const pairs = new Set<string>([...runs.values()].map(({ activation, segment }) => `${activation}\0${segment}`));
  for (const [key, { metadata, spec }] of resources) {
    if (!key.startsWith('Activation/')) continue;
    for (const entry of (spec as ActivationSpec).segments) pairs.add(`${metadata.name}\0${typeof entry === 'string' ? entry : entry.name}`);
  }
  const pointers = await Promise.all([...pairs].map((pair) => ledger.snapshot(...(pair.split('\0') as [string, string]))));
  return new Set(pointers.flatMap((pointer) => (pointer === undefined ? [] : [pointer.path])));
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  const inside = await Promise.all((await names(path)).map((name) => sizeOf(join(path, name))));
  return inside.reduce((sum, size) => sum + size, 0);
}
