import type { Change } from '../model/plan.ts';
import type { ProjectGuardsSpec } from '../model/generated/kinds.ts';

/** From how many recorded resources on the percentage counts (contract section 2). */
const PERCENT_FROM_RESOURCES = 10;
const DEFAULT_GUARDS: Required<ProjectGuardsSpec> = { maxDeletes: 25, maxDeletedPercent: 20 };

/** What a plan deletes against what it may. */
export interface GuardVerdict {
  /** The measured number, which alone overrides: `--allow-deletes=N`. */
  readonly deletes: number;
  readonly recorded: number;
  readonly percent: number;
  /** What is exceeded, in words; empty when nothing is. */
  readonly exceeded: readonly string[];
}

/** Measures deletions. A guard holds when the value exceeds the limit; an equal one passes. */
export function checkGuards(changes: readonly Change[], recorded: number, guards: ProjectGuardsSpec | undefined): GuardVerdict {
  const { maxDeletes, maxDeletedPercent } = { ...DEFAULT_GUARDS, ...guards };
  const deletes = changes.filter(({ action }) => action === 'delete').length;
  const percent = recorded === 0 ? 0 : (deletes / recorded) * 100;
  const exceeded: string[] = [];
  if (deletes > maxDeletes) exceeded.push(`${deletes} deletions are more than guards.maxDeletes ${maxDeletes}`);
  if (recorded >= PERCENT_FROM_RESOURCES && percent > maxDeletedPercent) {
    exceeded.push(`${deletes} of ${recorded} resources, ${formatPercent(percent)} %, are more than guards.maxDeletedPercent ${maxDeletedPercent}`);
  }
  return { deletes, recorded, percent, exceeded };
}

function formatPercent(percent: number): string {
  // Never rounded down to the limit that it exceeds.
  return String(Math.ceil(percent * 10) / 10);
}
