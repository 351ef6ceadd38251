import type { Diagnostic } from '../model/diagnostic.ts';
import type { ImpactRow, Plan, PlanJson, SegmentUses } from '../model/plan.ts';

/** `plan --json` as contract section 4 has it, and what each changed segment uses. */
export function planToJson(
  plan: Plan,
  impact: readonly ImpactRow[],
  diagnostics: readonly Diagnostic[],
  usesOf: (segment: string) => SegmentUses | undefined = () => undefined,
): PlanJson {
  return {
    formatVersion: 1,
    digest: plan.digest,
    summary: plan.summary,
    changes: plan.changes.map(({ action, kind, name, source, patch, because, notes }) => {
      const uses = kind === 'Segment' && action !== 'delete' ? usesOf(name) : undefined;
      return {
        action,
        kind,
        name,
        source,
        patch,
        because,
        ...(notes === undefined || notes.length === 0 ? {} : { notes }),
        ...(uses === undefined ? {} : { uses }),
      };
    }),
    impact,
    diagnostics,
  };
}
