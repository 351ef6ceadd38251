import { mayBeAlive } from '../state/owner.ts';
import { RUN_STEPS, type RunRecord } from '../state/run-ledger.ts';
import type { ExportDeps } from './deps.ts';
import { isOutdated } from './outdated-work.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { STOPPED } from './told-error.ts';

/** How many of a pair's latest runs are looked at. */
const RECORDS_READ = 50;

/**
 * The run of an earlier slot that a kill or a signal has interrupted after its files were written, when no later one has succeeded since: some of its files
 * may be visible. A later slot that went on without it would not tell who left that was in them. Undefined when there is none, or when its files are for
 * another place than what is applied now.
 */
export async function findInterrupted({ ledger }: Pick<ExportDeps, 'ledger'>, job: SegmentJob): Promise<RunRecord | undefined> {
  const { activation, segment, slot, mode } = job;
  if (slot === null || mode !== 'incremental') return undefined;
  const runs = await ledger.find({ activation, segment, limit: RECORDS_READ });
  const decided = Math.max(-Infinity, ...runs.flatMap((run) => (run.status === 'success' && run.slot !== null ? [run.slot] : [])));
  const [last] = runs
    .filter((run) => run.slot !== null && run.slot > decided && run.slot < slot && hasFiles(run) && isInterrupted(run))
    .toSorted((a, b) => (b.slot ?? 0) - (a.slot ?? 0));
  return last === undefined || (await isOutdated(ledger, job, workOf(last))) ? undefined : last;
}

function hasFiles({ step }: RunRecord): boolean {
  return RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf('written') && step !== 'recorded';
}

function isInterrupted({ status, owner, error }: RunRecord): boolean {
  return status === 'running' ? owner === null || !mayBeAlive(owner) : status === 'failed' && error?.code === STOPPED;
}
