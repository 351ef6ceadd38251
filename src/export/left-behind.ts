import { mayBeAlive } from '../state/owner.ts';
import { RUN_STEPS, type RunLedger, type RunRecord, type RunStep } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { workOf, type RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** How many of a pair's latest runs are looked at, unless none of them has succeeded. */
const RECORDS_READ = 50;

export type JobOfSlot = Pick<SegmentJob, 'activation' | 'segment' | 'slot' | 'mode'>;
/** Opened only when there is something to look for. */
export type AskStorage = () => Promise<Pick<Storage, 'stat'>>;

/** The same storage, empty where nobody can look. */
export function whereReadable(open: AskStorage): AskStorage {
  return async () => ({
    stat: (key) =>
      open()
        .then((opened) => opened.stat(key))
        .catch(() => undefined),
  });
}

/**
 * Runs of slots before this one that came as far as having files and did not end in success, when no later one has succeeded since; newest slot first.
 * Only an incremental file depends on what was told before it.
 */
export async function findUndecided(ledger: Pick<RunLedger, 'find'>, { activation, segment, slot, mode }: JobOfSlot): Promise<readonly RunRecord[]> {
  if (slot === null || mode !== 'incremental') return [];
  const latest = await ledger.find({ activation, segment, limit: RECORDS_READ });
  const isEnough = latest.length < RECORDS_READ || latest.some(isDecided);
  const runs = isEnough ? latest : await ledger.find({ activation, segment });
  const decided = Math.max(-Infinity, ...runs.filter(isDecided).map((run) => run.slot ?? -Infinity));
  return runs.filter((run) => run.slot !== null && run.slot < slot && isUndecided(run, decided)).toSorted((a, b) => (b.slot ?? 0) - (a.slot ?? 0));
}

/**
 * Those of them of which others may have read files, oldest slot first: whom these told of has to be told again or told to be gone. Whoever made
 * files with such a run in mind may have replaced its own since, which are of one name.
 */
export async function findLeftBehind(ledger: Pick<RunLedger, 'find'>, job: JobOfSlot, storage: AskStorage): Promise<readonly RunRecord[]> {
  const undecided = await findUndecided(ledger, job);
  const found = new Set<string>();
  for (const run of undecided) {
    if (isAlive(run) || !(await mayHaveBeenRead(run, storage))) continue;
    for (const id of [run.id, ...(workOf(run).against?.leftBehind ?? [])]) found.add(id);
  }
  return undecided.filter(({ id }) => found.has(id)).toReversed();
}

/** Whether a file of a run that did not succeed has been read. */
async function mayHaveBeenRead(run: RunRecord, storage: AskStorage): Promise<boolean> {
  return wasTold(workOf(run)) ?? hasLeftFiles(run, storage);
}

/**
 * Whether the other side has anything of what it was told; undefined where nobody has begun to tell it. What an import has refused as a whole counts as
 * not delivered.
 */
export function wasTold({ delivery }: RunWork): boolean | undefined {
  if (delivery === undefined) return undefined;
  return delivery.receipt?.status !== 'import-failed' || (delivery.receipt.rows ?? 0) > 0;
}

/**
 * Whether files of a run stand at the destination, or have stood there until somebody took them. What was cancelled has taken back what it could; on its
 * record are the others.
 */
export async function hasLeftFiles(run: RunRecord, storage: AskStorage): Promise<boolean> {
  const { parts = [] } = workOf(run);
  if (run.status === 'cancelled' ? run.files.length > 0 : visibleParts(workOf(run), run.step) > 0) return true;
  for (const { key, bytes } of parts) if ((await (await storage()).stat(key))?.bytes === bytes) return true;
  return false;
}

/** How many of its parts, from the first one on, a run is known to have made visible. */
export function visibleParts({ parts = [], visible = 0 }: RunWork, step: RunStep): number {
  return RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf('published') ? parts.length : visible;
}

/** Whether a slot's run came as far as having files and did not end in success, with no later success of its pair; `decided` is the newest of these. */
export function isUndecided(run: RunRecord, decided: number): boolean {
  return run.slot !== null && run.slot > decided && hasReached(run, 'written') && run.step !== 'recorded';
}

function isDecided({ status, slot }: RunRecord): boolean {
  return status === 'success' && slot !== null;
}

function isAlive({ status, owner }: RunRecord): boolean {
  return status === 'running' && owner !== null && mayBeAlive(owner);
}

function hasReached({ step }: RunRecord, wanted: RunStep): boolean {
  return RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf(wanted);
}
