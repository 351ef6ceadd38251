import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { ActivationGuardsSpec } from '../model/generated/kinds.ts';

/** From so many recorded members on the percentage counts (contract section 2). */
const MIN_RECORDED = 100;
const DEFAULTS = { maxRemovedPercent: 50, minMembers: 0 } as const;

export interface GuardInput {
  readonly activation: string;
  readonly segment: string;
  readonly slot: Instant | null;
  readonly guards: ActivationGuardsSpec | undefined;
  /** Members recorded as delivered, now, and how many of the recorded ones are no members now. */
  readonly recorded: number;
  readonly members: number;
  readonly removed: number;
  /** `--allow-removed=N`: passes only when N is the measured number. */
  readonly allowRemoved: number | undefined;
}

/** A run that is held: nothing is written, sent or recorded as delivered, and the counts are zero. */
export class HeldError extends AppError {
  constructor(code: string, message: string, hint: string) {
    super({ code, message, hint, exit: ExitCode.held });
    this.name = 'HeldError';
  }
}

/** Throws `HeldError` when the numbers look wrong: RC4004 too many would leave, RC4005 too few members. */
export function checkGuards(input: GuardInput): void {
  const { activation, segment, slot, members, removed, recorded, allowRemoved } = input;
  const maxRemovedPercent = input.guards?.maxRemovedPercent ?? DEFAULTS.maxRemovedPercent;
  const minMembers = input.guards?.minMembers ?? DEFAULTS.minMembers;
  if (recorded >= MIN_RECORDED && removed * 100 > recorded * maxRemovedPercent && allowRemoved !== removed) {
    const at = slot === null ? '' : ` --slot ${formatInstant(slot)}`;
    const given = allowRemoved === undefined ? '' : `; \`--allow-removed=${allowRemoved}\` is not the measured number`;
    throw new HeldError(
      'RC4004',
      `\`${segment}\` would lose ${removed} of ${recorded} members (${percent(removed, recorded)} %), more than guards.maxRemovedPercent ${maxRemovedPercent}${given}`,
      `accept this once: reconcile run ${activation} --segment ${segment}${at} --allow-removed=${removed}`,
    );
  }
  if (members < minMembers) {
    throw new HeldError(
      'RC4005',
      `\`${segment}\` has ${members} members, fewer than guards.minMembers ${minMembers}`,
      'look at the source and the segment; if it is right, lower `guards.minMembers` and apply',
    );
  }
}

/** Throws `HeldError` RC4001 for a source without rows: that never means that everybody left. */
export function checkSource(rows: number, source: string): void {
  if (rows > 0) return;
  throw new HeldError(
    'RC4001',
    `the source of ${source} is empty`,
    'an empty source never means that everybody left: look at how it is loaded, then run again',
  );
}

function percent(part: number, whole: number): string {
  return (Math.round((part / whole) * 1000) / 10).toString();
}
