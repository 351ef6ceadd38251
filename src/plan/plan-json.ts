import type { Diagnostic } from '../model/diagnostic.ts';
import type { ImpactRow, Plan, PlanJson } from '../model/plan.ts';

/** `plan --json`, exactly as contract section 4 has it. */
export function planToJson(plan: Plan, impact: readonly ImpactRow[], diagnostics: readonly Diagnostic[]): PlanJson {
  return {
    formatVersion: 1,
    digest: plan.digest,
    summary: plan.summary,
    changes: plan.changes.map(({ action, kind, name, source, patch, because, notes }) => ({
      action,
      kind,
      name,
      source,
      patch,
      because,
      ...(notes === undefined || notes.length === 0 ? {} : { notes }),
    })),
    impact,
    diagnostics,
  };
}
