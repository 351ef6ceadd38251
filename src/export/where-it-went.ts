import { AppError } from '../model/app-error.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { workOf } from './run-work.ts';

/** A run's job as it is applied now; undefined when that leads elsewhere, or nowhere. */
export function whereItWent(deps: Pick<ExportDeps, 'card'>, resources: AppliedResources, record: RunRecord): ResolvedJob | undefined {
  const one = asApplied(deps, resources, record);
  return one?.job.target === workOf(record).target ? one : undefined;
}

/** A run's job as it is applied now, wherever that leads; undefined when it is not applied any more. */
export function asApplied(deps: Pick<ExportDeps, 'card'>, resources: AppliedResources, record: RunRecord): ResolvedJob | undefined {
  const { activation, segment, slot, startedAt } = record;
  try {
    const now = workOf(record).time ?? slot ?? startedAt;
    return resolveJobs({ resources, activation, segments: [segment], slot, now }, deps.card)[0];
  } catch (error) {
    // There is no destination that could be asked.
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
