import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import { dayStanding, nextSlots, previousSlot, slotStanding } from '../schedule/slots.ts';
import { hasSucceeded } from '../state/claim-rules.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import { lastPointer } from './last-snapshot.ts';
import type { AppliedResources } from './deps.ts';
import { findApplied } from './find-applied.ts';
import type { ResolvedJob } from './resolve-job.ts';

export interface CheckSlotRequest {
  readonly resources: AppliedResources;
  readonly activation: string;
  readonly slot: Instant | null;
  readonly now: Instant;
  /** True: the slot is the time of an evaluation, which no grid knows. */
  readonly evaluation?: boolean | undefined;
  /** The segments that are asked for together with this one. */
  readonly others?: readonly string[] | undefined;
}

/**
 * Refuses what is no slot of a segment's schedule: RC4017 off the grid, in the future or outside the schedule's days (exit 64) and not on record as one, and an incremental
 * slot older than the last one that succeeded; RC4019 an export now outside [start, end) (contract section 6, "Slots and runs").
 */
export async function checkSlot(ledger: RunLedger, { job, settings }: ResolvedJob, request: CheckSlotRequest): Promise<void> {
  const { schedule } = settings;
  const { slot, now, others = [] } = request;
  // Segments may have schedules of their own, and one that is refused refuses all.
  const alone =
    others.length === 0 ? '' : others.length === 1 ? `; \`--segment ${others[0]}\` exports the other one alone` : '; --segment exports one of the others alone';
  if (slot === null) {
    const standing = dayStanding(schedule, now);
    if (standing === 'within') return;
    throw new AppError({
      code: 'RC4019',
      message: `${formatInstant(now)} is ${standing === 'before-start' ? 'before the schedule of' : 'after the schedule of'} \`${job.segment}\` in \`${job.activation}\` ${standing === 'before-start' ? 'starts' : 'has ended'}`,
      hint: `an export now is allowed from \`schedule.start\` until the day before \`schedule.end\`${alone}`,
      exit: ExitCode.badUsage,
    });
  }
  if (request.evaluation === true) return;
  // What is recorded is shown again, however old it is and whatever the schedule is by now: nothing is written.
  const [recorded] = await ledger.find({ activation: job.activation, segment: job.segment, slot, limit: 1 });
  if (recorded !== undefined && hasSucceeded(recorded)) return;
  // What failed, was held or was skipped is a slot, also when the schedule was edited since.
  if (recorded === undefined) requireOnGrid({ job, settings }, slot, request, alone);
  if (slot > now) throw noSlot(job, slot, `it lies in the future (now is ${formatInstant(now)})`, 'wait for it, or export now without --slot');
  const later = await overtakenBy(ledger, { job, settings }, slot);
  if (later !== undefined) {
    throw noSlot(
      job,
      slot,
      later.why,
      recorded === undefined
        ? 'an incremental file holds what changed since the one before it; deliver an old one again with `reconcile runs replay RUN`'
        : later.hint,
    );
  }
}

function requireOnGrid({ job, settings: { schedule } }: Pick<ResolvedJob, 'job' | 'settings'>, slot: Instant, request: CheckSlotRequest, alone: string): void {
  if (schedule === undefined) throw noSlot(job, slot, 'it has no schedule', 'export now with `reconcile run` without --slot');
  const { firstAppliedAt, activeFrom } = findApplied(request.resources, 'Activation', request.activation);
  const anchor = firstAppliedAt ?? activeFrom ?? slot;
  const standing = slotStanding(schedule, anchor, slot);
  if (standing === 'no-slots') throw noSlot(job, slot, 'it runs after each evaluation', 'use `reconcile evaluate`');
  if (standing !== 'slot') {
    const around = [previousSlot(schedule, anchor, slot), ...nextSlots(schedule, anchor, slot, 1)].filter((near) => near !== undefined).map(formatInstant);
    throw noSlot(
      job,
      slot,
      { 'off-grid': 'it is off the grid', 'before-start': 'it is before the schedule starts', 'after-end': 'the schedule has ended by then' }[standing],
      `${around.length === 0 ? 'look at `schedule` of the activation' : `slots near it: ${around.join(', ')}`}${alone}`,
    );
  }
}

/** Why a slot's changes cannot be told any more, and what that means for one that failed; undefined where they can. */
export async function overtakenBy(
  ledger: Pick<RunLedger, 'snapshot'>,
  { job, settings }: Pick<ResolvedJob, 'job' | 'settings'>,
  slot: Instant,
): Promise<{ readonly why: string; readonly hint: string } | undefined> {
  if (settings.mode !== 'incremental') return undefined;
  const last = await lastPointer(ledger, job);
  if (last === undefined || slot >= last.slot) return undefined;
  return {
    why: `a later slot, ${formatInstant(last.slot)}, has been delivered already`,
    hint: 'nothing is lost: the later one told what had changed until then, also of what this one had begun to tell',
  };
}

function noSlot(job: { readonly activation: string; readonly segment: string }, slot: Instant, why: string, hint: string): AppError {
  return new AppError({
    code: 'RC4017',
    message: `${formatInstant(slot)} cannot be run for \`${job.segment}\` of \`${job.activation}\`: ${why}`,
    hint,
    exit: ExitCode.badUsage,
  });
}
