import { mayBeAlive } from '../state/owner.ts';
import type { SecretRef } from '../model/resource.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { ExportDeps } from './deps.ts';
import { findUndecided, hasLeftFiles, whereReadable, type AskStorage } from './left-behind.ts';
import { whyOutdated } from './outdated-work.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { STOPPED } from './told-error.ts';

/**
 * The latest run of an earlier slot that did not come to its end after its files were written, when no later one has succeeded since: a kill or a signal has
 * interrupted it, or it failed and has left files at the destination. It is completed from its spool; those before it were
 * in mind when its files were made. Undefined when there is none, or when its files do not fit what is applied and delivered now.
 */
export async function findInterrupted(
  { ledger, secret }: Pick<ExportDeps, 'ledger' | 'secret'>,
  job: SegmentJob,
  open: AskStorage,
): Promise<RunRecord | undefined> {
  // Where nobody can look nothing can be delivered either: the slot itself will tell why.
  const storage = whereReadable(open);
  const deps = { ledger, secret: (reference: SecretRef): Promise<string> => secret(reference).catch(() => '') };
  for (const run of await findUndecided(ledger, job)) {
    if (!isInterrupted(run) && !(run.status === 'failed' && (await canBeCompleted(run, storage)))) continue;
    return (await whyOutdated(deps, { ...job, slot: run.slot }, workOf(run), storage)) === undefined ? run : undefined;
  }
  return undefined;
}

function isInterrupted({ status, owner, error }: RunRecord): boolean {
  return status === 'running' ? owner === null || !mayBeAlive(owner) : status === 'failed' && error?.code === STOPPED;
}

/** Whether it has left files, which the rest belongs to. Once the other side was told, it is for a person to say whether it is told again. */
async function canBeCompleted(run: RunRecord, storage: AskStorage): Promise<boolean> {
  return workOf(run).delivery === undefined && (await hasLeftFiles(run, storage));
}
