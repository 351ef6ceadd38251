import type { Instant } from '../model/instant.ts';
import type { ImpactRow, Plan } from '../model/plan.ts';
import type { ResourceKey } from '../model/resource.ts';
import type { GuardVerdict } from './guards.ts';

/** A secret whose value could not be compared with what was applied. */
export interface NotCompared {
  readonly key: ResourceKey;
  readonly path: string;
  readonly reason: string;
}

/** Everything that the renderers of a plan show. */
export interface PlanView {
  readonly plan: Plan;
  readonly impact: readonly ImpactRow[];
  /** Why people that the plan touches were not counted: who reads the plan alone must not take it that there are none. */
  readonly uncounted?: readonly string[];
  /** Measured deletions; shown when they exceed a guard. */
  readonly guard: GuardVerdict;
  readonly notCompared: readonly NotCompared[];
  /** The slots that are next of each activation that changes. */
  readonly nextSlots: readonly { readonly activation: string; readonly slots: readonly Instant[] }[];
  /** When the sources were looked at; undefined: they were not, or one could not be read. */
  readonly sourcesReadAt: Instant | undefined;
  readonly now: Instant;
  /** Where the plan was saved. */
  readonly savedAs: string | undefined;
  /** How the user calls us, with the global flags that matter: `reconcile -C shop --env prod`. */
  readonly command: string;
}

/** What applies this plan. */
export function applyCommand({ plan, command, savedAs }: PlanView): string {
  if (savedAs !== undefined) return `${command} apply ${quote(savedAs)}`;
  const serial = plan.changes.flatMap(({ because }) => because).find((one) => one.rule === 'rollback')?.serial;
  return `${command} ${plan.purpose}${serial === undefined ? '' : ` --to ${serial}`}`;
}

function quote(text: string): string {
  return /^[\w./=:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `3 to create, 1 to update, 0 to delete, 41 unchanged` */
export function summarizePlan({ summary }: Plan): string {
  return `${formatCount(summary.create)} to create, ${formatCount(summary.update)} to update, ${formatCount(summary.delete)} to delete, ${formatCount(summary.unchanged)} unchanged`;
}

/** Digits in groups of three: `41,207`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `+12`, `-9,846`, `0`. */
export function formatDelta(count: number, sign: '+' | '-'): string {
  return count === 0 ? '0' : `${sign}${formatCount(count)}`;
}

/** `310 no firstName, 2 duplicate`. */
export function formatExcluded(excluded: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(excluded ?? {})
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${formatCount(count)} ${reason}`)
    .join(', ');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** Slots of one activation in UTC, the day only where it changes: `12:00, 18:00, 24 Nov 00:00, 06:00 UTC`. */
export function formatSlots(slots: readonly Instant[], now: Instant): string {
  let day = dayOf(now);
  const texts = slots.map((slot) => {
    const time = new Date(slot).toISOString().slice(11, 16);
    if (dayOf(slot) === day) return time;
    const year = dayOf(slot).slice(0, 4) === day.slice(0, 4) ? '' : ` ${dayOf(slot).slice(0, 4)}`;
    day = dayOf(slot);
    return `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1] ?? ''}${year} ${time}`;
  });
  return texts.length === 0 ? 'none' : `${texts.join(', ')} UTC`;
}

function dayOf(instant: Instant): string {
  return new Date(instant).toISOString().slice(0, 10);
}

/** `2026-11-23 09:14 UTC`. */
export function formatMinute(instant: Instant): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
