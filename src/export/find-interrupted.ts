import type { Storage } from '../storage/storage.ts';
import { mayBeAlive } from '../state/owner.ts';
import { RUN_STEPS, type RunRecord, type RunStep } from '../state/run-ledger.ts';
import type { ExportDeps } from './deps.ts';
import { isOutdated } from './outdated-work.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { STOPPED } from './told-error.ts';

/** How many of a pair's latest runs are looked at. */
const RECORDS_READ = 50;

/**
 * The latest run of an earlier slot that did not come to its end after its files were written, when no later one has succeeded since: a kill or a signal has
 * interrupted it, or it failed and has left files at the destination. A later slot that went on without it would not tell who left that was in them.
 * Undefined when there is none, or when its files are for another place than what is applied now.
 */
export async function findInterrupted(
  { ledger }: Pick<ExportDeps, 'ledger'>,
  job: SegmentJob,
  storage: () => Promise<Pick<Storage, 'stat'>>,
): Promise<RunRecord | undefined> {
  const { activation, segment, slot, mode } = job;
  if (slot === null || mode !== 'incremental') return undefined;
  const runs = await ledger.find({ activation, segment, limit: RECORDS_READ });
  const decided = Math.max(-Infinity, ...runs.flatMap((run) => (run.status === 'success' && run.slot !== null ? [run.slot] : [])));
  const open = runs
    .filter((run) => run.slot !== null && run.slot > decided && run.slot < slot && hasReached(run, 'written') && run.step !== 'recorded')
    .toSorted((a, b) => (b.slot ?? 0) - (a.slot ?? 0));
  for (const run of open) {
    if (!isInterrupted(run) && !(run.status === 'failed' && (await hasLeftFiles(run, storage)))) continue;
    return (await isOutdated(ledger, job, workOf(run))) ? undefined : run;
  }
  return undefined;
}

function hasReached({ step }: RunRecord, wanted: RunStep): boolean {
  return RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf(wanted);
}

function isInterrupted({ status, owner, error }: RunRecord): boolean {
  return status === 'running' ? owner === null || !mayBeAlive(owner) : status === 'failed' && error?.code === STOPPED;
}

/** Whether others may have read a file of a run that failed. Once the other side was told, it is for a person to say whether it is told again. */
async function hasLeftFiles(run: RunRecord, storage: () => Promise<Pick<Storage, 'stat'>>): Promise<boolean> {
  const { delivery, parts = [] } = workOf(run);
  if (delivery !== undefined) return false;
  if (hasReached(run, 'verified')) return true;
  try {
    for (const { key, bytes } of parts) if ((await (await storage()).stat(key))?.bytes === bytes) return true;
    return false;
  } catch {
    // Where nobody can look nothing can be delivered either: the slot itself will tell why.
    return false;
  }
}
