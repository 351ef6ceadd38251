import { mkdir } from 'node:fs/promises';
import type { Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import { checkSlot } from './check-slot.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { encryptionOf } from './encryption.ts';
import { findInterrupted } from './find-interrupted.ts';
import type { AllowOnce } from './guards.ts';
import type { AskStorage } from './left-behind.ts';
import { shareReading } from './open-job.ts';
import { openOnce } from './open-once.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { runSegment } from './run-segment.ts';
import type { SegmentJob } from './segment-job.ts';
import { readSuppressions } from './suppression.ts';
import { sweepSpool } from './sweep-spool.ts';
import { ALREADY_RUNNING, toRun } from './to-run.ts';

export interface RunActivationRequest {
  /** What is applied: the activation and all it refers to. */
  readonly resources: AppliedResources;
  readonly activation: string;
  readonly segments?: readonly string[] | undefined;
  /** Null: a new full export now, which moves neither snapshot nor ledger. */
  readonly slot: Instant | null;
  readonly now: Instant;
  /** The slot is the time of an evaluation that fires `schedule: {after: evaluation}`. */
  readonly evaluation?: boolean | undefined;
  /** Guards that this run may pass. */
  readonly allow?: AllowOnce | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Exports the segments of an activation, one after another, each in a run of its own; a segment that fails does not stop the others.
 * An earlier slot that was interrupted on its way out, or failed there and left files, is brought to its end first, as a run of its own.
 * Returns one run per segment: new ones, the recorded one of a slot that ended in success, or a `skipped` one with error RC4018 where another process
 * is at it. Throws `AppError`: RC4015 unknown or not applied, RC4017 a slot that is none, RC4019 outside the schedule's days (all exit 64).
 */
export async function runActivation(deps: ExportDeps, request: RunActivationRequest): Promise<readonly Run[]> {
  const resolved = resolveJobs(request, deps.card);
  for (const one of resolved) {
    const others = resolved.flatMap(({ job }) => (job.segment === one.job.segment ? [] : job.segment));
    await checkSlot(deps.ledger, one, { ...request, others });
  }
  await mkdir(deps.paths.spool, { recursive: true, mode: 0o700 });
  await sweepSpool(deps, request.resources);
  await using open = openOnce(deps, request.signal);
  shareReading(resolved, await readSuppressions(deps.paths), open.engine);
  const runs: Run[] = [];
  const earlier = await Promise.all(resolved.map((one) => interruptedJobs(deps, request, one.job, () => open.storage(one))));
  for (const one of resolved.flatMap((each, index) => [...(earlier[index] ?? []), each])) {
    request.signal?.throwIfAborted();
    const { job } = one;
    const { outcome, run } = await runSegment({
      deps,
      job,
      open: async () => ({ storage: await open.storage(one), connector: await open.connector(one) }),
      retries: () => open.retries(one),
      encryption: () => encryptionOf(job.destination, deps),
      engine: () => open.engine(one),
      signal: request.signal,
    });
    runs.push(outcome === 'busy' ? { ...toRun(run), status: 'skipped', error: alreadyRunning(run) } : toRun(run));
  }
  return runs;
}

/** The slot before, when it did not come to its end: it is brought there first. */
async function interruptedJobs(deps: ExportDeps, request: RunActivationRequest, job: SegmentJob, storage: AskStorage): Promise<readonly ResolvedJob[]> {
  const run = await findInterrupted(deps, job, storage);
  return run === undefined ? [] : resolveJobs({ ...request, segments: [job.segment], slot: run.slot, allow: undefined }, deps.card);
}

function alreadyRunning({ id, activation, segment }: RunRecord): NonNullable<Run['error']> {
  return {
    code: ALREADY_RUNNING,
    message: `\`${segment}\` of \`${activation}\` is being exported already, in run ${id}`,
    hint: `wait for it: reconcile runs show ${id}`,
  };
}
