import { AppError } from '../model/app-error.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { workOf } from './run-work.ts';

/** A run's job as it is applied now; undefined when that leads elsewhere, or nowhere. */
export function whereItWent(deps: Pick<ExportDeps, 'card'>, resources: AppliedResources, record: RunRecord): ResolvedJob | undefined {
  const { activation, segment, slot, startedAt } = record;
  const work = workOf(record);
  try {
    const [one] = resolveJobs({ resources, activation, segments: [segment], slot, now: work.time ?? slot ?? startedAt }, deps.card);
    return one?.job.target === work.target ? one : undefined;
  } catch (error) {
    // What is not applied any more has no destination that could be asked.
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
