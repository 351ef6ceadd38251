import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Run } from '../model/run.ts';
import { hasSucceeded } from '../state/claim-rules.ts';
import { isNear, mayBeAlive } from '../state/owner.ts';
import type { CancelRequest, RunRecord } from '../state/run-ledger.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { endCancelled } from './end-cancelled.ts';
import { findRun } from './find-run.ts';
import { openOnce } from './open-once.ts';
import { workOf } from './run-work.ts';
import { toRun } from './to-run.ts';
import { whereItWent } from './where-it-went.ts';

export interface CancelRunRequest {
  readonly resources: AppliedResources;
  readonly runId: string;
  readonly by: string;
  readonly because?: string | undefined;
  /** How long the process that holds the run is waited for. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

const STALE_AFTER_MS = 5 * 60_000;
const LOOK_MS = 250;

/**
 * Ends a run that is not over. One that another process is at is asked to end, which it does at its next heartbeat; one that failed, is held or whose
 * process is gone is ended here, so that nothing takes it up again by itself. Returns the run as it stands then: still `running` when its holder has
 * not ended it in time. Throws RC4032 (64) for a run that is over.
 */
export async function cancelRun(deps: ExportDeps, request: CancelRunRequest): Promise<Run> {
  const cancel: CancelRequest = { by: request.by, at: deps.clock(), ...(request.because === undefined ? {} : { because: request.because }) };
  const until = deps.clock() + request.waitMs;
  let record = await findRun(deps, request.runId);
  // Of a repetition nothing is taken back: its files are those of a run that counts.
  const isRepeated = record.status === 'running' && hasSucceeded(record);
  if (hasSucceeded(record) || record.status === 'cancelled' || record.status === 'skipped') {
    throw new AppError({
      code: 'RC4032',
      message: isRepeated ? `run ${record.id} ended in success, and only its files are being delivered again` : `run ${record.id} is over: ${record.status}`,
      hint: isRepeated ? `when that was killed: reconcile runs retry ${record.id}` : `reconcile runs show ${record.id}`,
      exit: ExitCode.badUsage,
    });
  }
  if (isAtWork(record, deps.clock())) {
    await deps.ledger.requestCancel(record.id, cancel);
    while (isAtWork(record, deps.clock()) && deps.clock() < until) {
      await deps.sleep(LOOK_MS, request.signal);
      record = await findRun(deps, record.id);
    }
    if (record.status !== 'running' || isAtWork(record, deps.clock())) return toRun(record);
  }
  return endHere(deps, request, record, cancel);
}

async function endHere(deps: ExportDeps, { resources, signal }: CancelRunRequest, record: RunRecord, cancel: CancelRequest): Promise<Run> {
  const { activation, segment, slot, mode, id } = record;
  await using open = openOnce(deps, signal);
  const one = whereItWent(deps, resources, record);
  const claimed = await deps.ledger.claim({
    activation,
    segment,
    slot,
    mode,
    owner: deps.owner,
    now: deps.clock(),
    newId: id,
    runId: id,
    staleAfterMs: STALE_AFTER_MS,
  });
  if (claimed.outcome !== 'claimed') return toRun(claimed.run);
  const { claim, run } = claimed;
  const work = workOf(run);
  return toRun(
    await endCancelled({
      deps,
      claim,
      run,
      step: run.step,
      work,
      counts: work.counts ?? run.counts,
      cancel,
      storage: async () => (one === undefined ? undefined : open.storage(one)),
    }),
  );
}

function isAtWork({ status, owner, heartbeatAt }: RunRecord, now: number): boolean {
  return status === 'running' && owner !== null && mayBeAlive(owner) && (isNear(owner) || now - heartbeatAt < STALE_AFTER_MS);
}
