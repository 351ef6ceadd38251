import { HOUR_MS, type Instant } from '../model/instant.ts';
import type { ScheduleSpec } from '../model/generated/kinds.ts';
import { nextSlot, previousSlot } from './slots.ts';

export interface DueQuestion {
  readonly schedule: ScheduleSpec;
  /** The first apply (see `slots.ts`). */
  readonly anchor: Instant;
  readonly missed: 'latest' | 'skip' | 'all';
  /** Slots before it are never due: the first apply, the last edit of the schedule, the last resume. */
  readonly activeFrom: Instant;
  /** The last slot that ran or was given up; undefined when none was. */
  readonly lastHandled: Instant | undefined;
  readonly now: Instant;
}

export interface DueSlots {
  /** To be run, in order. */
  readonly due: readonly Instant[];
  /** Passed and not made up for, in order; at most `MAX_LISTED` of the latest. */
  readonly skipped: readonly Instant[];
  /** How many more were skipped before those. */
  readonly skippedBefore: number;
}

/** How many skipped slots are told one by one, and how many of `missed: all` are handed out at a time. */
export const MAX_LISTED = 100;
const MAX_WALKED = 100_000;
/** How late a slot may start and still count as on time: no two slots are closer than three hours. */
const GRACE_MS = HOUR_MS;

/**
 * Which slots are due at `now`. `latest` makes up for the last one that passed, `all` for each, `skip` for none: there a slot runs only within its
 * grace. A clock that is set back makes nothing due twice: only slots after the last handled one count.
 */
export function dueSlots(question: DueQuestion): DueSlots {
  const { schedule, anchor, missed, activeFrom, lastHandled = -Infinity, now } = question;
  const isOpen = (slot: Instant | undefined): slot is Instant => slot !== undefined && slot >= activeFrom && slot > lastHandled;
  if (missed === 'all') {
    const due: Instant[] = [];
    for (let slot = nextSlot(schedule, anchor, Math.max(activeFrom - 1, lastHandled)); slot !== undefined && slot <= now && due.length < MAX_LISTED;) {
      due.push(slot);
      slot = nextSlot(schedule, anchor, slot);
    }
    return { due, skipped: [], skippedBefore: 0 };
  }
  const last = previousSlot(schedule, anchor, now);
  if (!isOpen(last)) return { due: [], skipped: [], skippedBefore: 0 };
  const due = missed === 'latest' || now - last <= GRACE_MS ? [last] : [];
  const skipped: Instant[] = due.length === 0 ? [last] : [];
  let skippedBefore = 0;
  for (let slot = previousSlot(schedule, anchor, last - 1); isOpen(slot) && skippedBefore < MAX_WALKED; slot = previousSlot(schedule, anchor, slot - 1)) {
    if (skipped.length < MAX_LISTED) skipped.unshift(slot);
    else skippedBefore += 1;
  }
  return { due, skipped, skippedBefore };
}
