import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ActivationGuardsSpec } from '../model/generated/kinds.ts';
import { formatInstant, HOUR_MS, type Instant } from '../model/instant.ts';
import type { AcceptedGuard } from '../model/run.ts';
import { durationMs } from '../support/duration.ts';

/** From so many recorded members, or rows of a source, on a percentage counts (contract section 2). */
const MIN_RECORDED = 100;
const DEFAULTS = { maxRemovedPercent: 50, minMembers: 0 } as const;

/** What somebody lets pass once: each only when it is the measured number (contract section 3). */
export interface AllowOnce {
  /** `--allow-removed=N`, `--allow-added=N`, `--allow-members=N`, `--allow-shrunk=N`, `--allow-rejected=N`. */
  readonly removed?: number | undefined;
  readonly added?: number | undefined;
  readonly members?: number | undefined;
  readonly shrunk?: number | undefined;
  readonly rejected?: number | undefined;
  /** `--allow-stale=TIME`: the newest event's. */
  readonly stale?: Instant | undefined;
  /** Who, as `user@host`, and why. */
  readonly by?: string | undefined;
  readonly because?: string | undefined;
}

/** What was measured of a source, kept with each run so that a later one can be compared with it. */
export interface SourceFacts {
  readonly rows: number;
  /** Time of the newest event up to the run's own; absent when it was not asked for or there is none. */
  readonly newestEvent?: Instant;
}

export interface GuardInput {
  readonly segment: string;
  readonly guards: ActivationGuardsSpec | undefined;
  /** What `now` means for the run. */
  readonly time: Instant;
  /** Members recorded as delivered, and now; how many of the recorded ones are no members now, and how many would be delivered for the first time. */
  readonly recorded: number;
  readonly members: number;
  readonly removed: number;
  readonly added: number;
  readonly source: SourceFacts;
  /** What the last successful run has seen. */
  readonly before: SourceFacts | undefined;
  /** Rows that break expectations whose `otherwise` is hold, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly allow: AllowOnce | undefined;
}

export interface GuardVerdict {
  /** What holds the run; nothing when it may go on. */
  readonly held: readonly { readonly code: string; readonly message: string }[];
  /** The flags that let it pass this once, with those that were given rightly: `--allow-removed=9846`. */
  readonly overrides: readonly string[];
  /** What would have held the run and was let pass. */
  readonly accepted: readonly AcceptedGuard[];
}

/** A run that is held: nothing is written, sent or recorded as delivered, and the counts are zero. */
export class HeldError extends AppError {
  constructor(code: string, message: string, hint: string) {
    super({ code, message, hint, exit: ExitCode.held });
    this.name = 'HeldError';
  }
}

interface Exceeded {
  readonly guard: AcceptedGuard['guard'];
  readonly code: string;
  readonly flag: string;
  readonly measured: string;
  readonly allowed: string | undefined;
  readonly message: string;
}

/**
 * Which guards hold a run, all of them at once: RC4004 too many would leave, RC4005 too few members, RC4028 too many would join, RC4029 the source has
 * lost too many rows, RC4030 its newest event is too old or older than what was seen before, RC4033 rows are not what is expected of them.
 */
export function judgeGuards(input: GuardInput): GuardVerdict {
  const exceeded = [checkRemoved(input), checkMembers(input), checkAdded(input), checkShrunk(input), checkStale(input), checkRejected(input)].filter(
    (one) => one !== undefined,
  );
  const { by, because } = input.allow ?? {};
  return {
    held: exceeded
      .filter(({ measured, allowed }) => measured !== allowed)
      .map(({ code, flag, allowed, message }) => ({
        code,
        message: `${message}${allowed === undefined ? '' : `; \`${flag}=${allowed}\` is not the measured number`}`,
      })),
    overrides: exceeded.map(({ flag, measured }) => `${flag}=${measured}`),
    accepted: exceeded
      .filter(({ measured, allowed }) => measured === allowed)
      .map(({ guard, measured }) => ({ guard, measured, ...(by === undefined ? {} : { by }), ...(because === undefined ? {} : { because }) })),
  };
}

function checkRemoved({ guards, recorded, removed, segment, allow }: GuardInput): Exceeded | undefined {
  const most = guards?.maxRemovedPercent ?? DEFAULTS.maxRemovedPercent;
  if (recorded < MIN_RECORDED || removed * 100 <= recorded * most) return undefined;
  const message = `\`${segment}\` would lose ${removed} of ${recorded} members (${percent(removed, recorded)} %), more than guards.maxRemovedPercent ${most}`;
  return { guard: 'maxRemovedPercent', code: 'RC4004', flag: '--allow-removed', ...numbers(removed, allow?.removed), message };
}

function checkMembers({ guards, members, segment, allow }: GuardInput): Exceeded | undefined {
  const fewest = guards?.minMembers ?? DEFAULTS.minMembers;
  if (members >= fewest) return undefined;
  const message = `\`${segment}\` has ${members} members, fewer than guards.minMembers ${fewest}`;
  return { guard: 'minMembers', code: 'RC4005', flag: '--allow-members', ...numbers(members, allow?.members), message };
}

function checkAdded({ guards, recorded, added, segment, allow }: GuardInput): Exceeded | undefined {
  const most = guards?.maxAddedPercent;
  if (most === undefined || recorded < MIN_RECORDED || added * 100 <= recorded * most) return undefined;
  const message = `\`${segment}\` would gain ${added} members over the ${recorded} recorded (${percent(added, recorded)} %), more than guards.maxAddedPercent ${most}`;
  return { guard: 'maxAddedPercent', code: 'RC4028', flag: '--allow-added', ...numbers(added, allow?.added), message };
}

function checkShrunk({ guards, source, before, allow }: GuardInput): Exceeded | undefined {
  const most = guards?.maxSourceShrinkPercent;
  if (most === undefined || before === undefined || before.rows < MIN_RECORDED) return undefined;
  const lost = before.rows - source.rows;
  if (lost * 100 <= before.rows * most) return undefined;
  const message = `the source has ${source.rows} rows, ${lost} fewer than the ${before.rows} of the last successful run (${percent(lost, before.rows)} %), more than guards.maxSourceShrinkPercent ${most}`;
  return { guard: 'maxSourceShrinkPercent', code: 'RC4029', flag: '--allow-shrunk', ...numbers(lost, allow?.shrunk), message };
}

function checkStale({ guards, source: { newestEvent }, before, time, allow }: GuardInput): Exceeded | undefined {
  const age = guards?.maxSourceAge;
  const mostMs = durationMs(age);
  if (age === undefined || mostMs === undefined) return undefined;
  const common = { guard: 'maxSourceAge', code: 'RC4030', flag: '--allow-stale' } as const;
  const allowed = allow?.stale === undefined ? undefined : formatInstant(allow.stale);
  if (newestEvent === undefined) {
    // There is no time to name: the beginning of all of them stands for it.
    return {
      ...common,
      measured: formatInstant(0),
      allowed,
      message: `the source has no event up to ${formatInstant(time)}, and guards.maxSourceAge is ${age}`,
    };
  }
  const measured = formatInstant(newestEvent);
  if (time - newestEvent > mostMs) {
    const hours = Math.floor((time - newestEvent) / HOUR_MS);
    return { ...common, measured, allowed, message: `the source’s newest event, of ${measured}, is ${hours} hours old, more than guards.maxSourceAge ${age}` };
  }
  if (before?.newestEvent === undefined || before.newestEvent <= newestEvent) return undefined;
  const seen = formatInstant(before.newestEvent);
  return {
    ...common,
    measured,
    allowed,
    message: `the source’s newest event, of ${measured}, is older than the one of ${seen} that the last successful run has seen: an earlier state was loaded`,
  };
}

function checkRejected({ rejected, segment, allow }: GuardInput): Exceeded | undefined {
  const total = Object.values(rejected).reduce((sum, some) => sum + some, 0);
  if (total === 0) return undefined;
  const why = Object.entries(rejected).map(([reason, some]) => `${reason} ${some}`);
  const message = `${total} ${total === 1 ? 'row' : 'rows'} of \`${segment}\` ${total === 1 ? 'is' : 'are'} not what the mapping expects (${why.join(', ')}), and \`expect.otherwise\` is hold`;
  return { guard: 'expect', code: 'RC4033', flag: '--allow-rejected', ...numbers(total, allow?.rejected), message };
}

/** Throws `HeldError` with all that holds the run and the one command that lets it pass; `command` is that command without the flags. */
export function holdRun({ held, overrides }: GuardVerdict, command: string): void {
  const [first] = held;
  if (first === undefined) return;
  throw new HeldError(first.code, held.map(({ message }) => message).join('; '), `accept this once: ${command} ${overrides.join(' ')}`);
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

function numbers(measured: number, allowed: number | undefined): { readonly measured: string; readonly allowed: string | undefined } {
  return { measured: String(measured), allowed: allowed === undefined ? undefined : String(allowed) };
}

function percent(part: number, whole: number): string {
  return (Math.round((part / whole) * 1000) / 10).toString();
}
