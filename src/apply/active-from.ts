import type { Instant } from '../model/instant.ts';
import type { ActivationSpec } from '../model/generated/kinds.ts';
import { canonicalJson } from '../support/canonical-json.ts';

/**
 * From when on an Activation's slots may be due: the first apply, an edit of its schedule, a resume (contract section 6). Otherwise it stays where
 * it was.
 */
export function activeFrom(before: { readonly spec: unknown; readonly activeFrom?: Instant } | undefined, after: ActivationSpec, now: Instant): Instant {
  if (before?.activeFrom === undefined) return now;
  const earlier = before.spec as ActivationSpec;
  const resumed = earlier.suspend === true && after.suspend !== true;
  return resumed || schedulesOf(earlier) !== schedulesOf(after) ? now : before.activeFrom;
}

/** The instant on whose day a grid without a start is anchored (contract section 6): it stays, whatever is edited. Records without it know `activeFrom`. */
export function firstAppliedAt(before: { readonly activeFrom?: Instant; readonly firstAppliedAt?: Instant } | undefined, now: Instant): Instant {
  return before?.firstAppliedAt ?? before?.activeFrom ?? now;
}

/** The schedule and each override of it. A segment that comes or goes is no edit of the others' schedule. */
function schedulesOf(spec: ActivationSpec): string {
  const overrides = spec.segments.flatMap((entry) =>
    typeof entry === 'string' || entry.schedule === undefined ? [] : [[entry.name, entry.schedule] as const],
  );
  return canonicalJson({ schedule: spec.schedule, overrides: Object.fromEntries(overrides) });
}
