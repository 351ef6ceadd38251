import { STOPPED } from '../export/told-error.ts';
import type { Instant } from '../model/instant.ts';
import { dueSlots } from '../schedule/due-slots.ts';
import { nextSlot } from '../schedule/slots.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { ScheduledPair } from './scheduled-pair.ts';

/** What the ledger says of a slot, as far as it decides what comes next. */
export type SlotRecord = Pick<RunRecord, 'slot' | 'status' | 'attempt' | 'endedAt' | 'error'>;

export interface JudgeInput {
  readonly pair: ScheduledPair;
  /** The pair's latest runs, in any order. */
  readonly records: readonly SlotRecord[];
  /** What `now` means for slots. */
  readonly now: Instant;
  /** The wall clock, by which runs are recorded. */
  readonly wall: Instant;
  /** True with `--once`: what failed is tried again without waiting. */
  readonly impatient: boolean;
  /** From 0 to 1, for the jitter of retries. */
  readonly chance: number;
  /** Slots that are not tried again by this process (`--once` tries each one time). */
  readonly givenUp?: ReadonlySet<Instant>;
  /** Members were delivered by this slot, which lies ahead of `now` (`readAhead`). */
  readonly ahead?: Instant | undefined;
}

export interface Judgement {
  /** The slot to run now; more may follow once it has ended. */
  readonly run: Instant | undefined;
  /** True when `run` goes on with an attempt that failed or was interrupted. */
  readonly again: boolean;
  /** Slots to be recorded as skipped, in order, and how many more were skipped before them. */
  readonly skipped: readonly Instant[];
  readonly skippedBefore: number;
  /** Wall-clock instant before which a failed slot is not tried again. */
  readonly retryAt: Instant | undefined;
  /** The next slot that may run after `now`. */
  readonly next: Instant | undefined;
  /** The slot ahead of the clock, where others come before it that may not run any more. */
  readonly ahead: Instant | undefined;
}

/** With `missed: all` a slot that keeps failing gives way to the next after so many attempts, also while it could be tried on. */
const MOST_ATTEMPTS_BEHIND = 3;

/**
 * What a pair is to do next, from what is on record alone: asked again after a crash it says the same. A slot is decided when it succeeded, is held
 * (somebody has to look), was cancelled or was skipped; one that failed is tried again, waiting longer each time, until the next slot is due; one that was
 * interrupted is always brought to its end before a later one begins, so that its files stay what they were.
 */
export function judgePair({ pair, records, now, wall, impatient, chance, givenUp, ahead = -Infinity }: JudgeInput): Judgement {
  const { schedule, missed, anchor, activeFrom, suspended } = pair;
  const idle = { run: undefined, again: false, skipped: [], skippedBefore: 0, retryAt: undefined, ahead: undefined };
  // What an evaluation fires is not the watch's to try again: its slots are on no grid.
  if (schedule === undefined || 'after' in schedule || suspended || !Number.isFinite(activeFrom)) return { ...idle, next: undefined };
  const next = nextSlot(schedule, anchor, Math.max(now, activeFrom - 1, ahead));
  // With the clock set back slots of the future may be on record: they stay, and bind nobody unless members were delivered by them.
  const slots = records.flatMap(({ slot, ...rest }) => (slot === null || slot > Math.max(now, ahead) ? [] : [{ slot, ...rest }]));
  const decided = Math.max(-Infinity, ...slots.filter(({ status }) => isDecided(status)).map(({ slot }) => slot), ...(givenUp ?? []));
  const open = slots
    .filter(({ slot, status }) => !isDecided(status) && slot > decided && slot >= activeFrom && slot <= now)
    .toSorted((a, b) => b.slot - a.slot)[0];
  const lastHandled = Math.max(decided, open?.slot ?? -Infinity, ahead);
  const { due, skipped, skippedBefore } = dueSlots({
    schedule,
    anchor,
    missed,
    activeFrom,
    lastHandled: Number.isFinite(lastHandled) ? lastHandled : undefined,
    now,
  });

  if (open !== undefined) {
    const interrupted = open.status === 'running' || open.error?.code === STOPPED;
    if (interrupted) return { ...idle, run: open.slot, again: true, next };
    const overtaken = due.length > 0 || skipped.length > 0;
    const holdsOn = !overtaken || (missed === 'all' && open.attempt < MOST_ATTEMPTS_BEHIND);
    if (holdsOn) {
      const retryAt = impatient ? wall : (open.endedAt ?? wall) + retryDelayMs(open.attempt, chance);
      // An end in the future was written before the clock was set back: no reason to wait for it.
      const waits = retryAt > wall && (open.endedAt ?? wall) <= wall;
      return waits ? { ...idle, retryAt, next } : { ...idle, run: open.slot, again: true, next };
    }
  }
  const passedOver = nextSlot(schedule, anchor, Math.max(now, activeFrom - 1)) ?? Infinity;
  return { ...idle, run: due[0], skipped, skippedBefore, next, ...(passedOver < ahead ? { ahead } : {}) };
}

function isDecided(status: RunRecord['status']): boolean {
  return status === 'success' || status === 'held' || status === 'skipped' || status === 'cancelled';
}
