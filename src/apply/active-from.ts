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
  return resumed || schedulesOf(earlier, after) !== schedulesOf(after, earlier) ? now : before.activeFrom;
}

/** The instant on whose day a grid without a start is anchored (contract section 6): it stays, whatever is edited. Records without it know `activeFrom`. */
export function firstAppliedAt(before: { readonly activeFrom?: Instant; readonly firstAppliedAt?: Instant } | undefined, now: Instant): Instant {
  return before?.firstAppliedAt ?? before?.activeFrom ?? now;
}

/** Since when each segment that was not there before is among an Activation's: slots that passed without it are not made up for. */
export function segmentsFrom(
  before: { readonly spec: unknown; readonly segmentsFrom?: Readonly<Record<string, Instant>> } | undefined,
  after: ActivationSpec,
  now: Instant,
): { readonly segmentsFrom?: Readonly<Record<string, Instant>> } {
  if (before === undefined) return {};
  const known = new Set(namesOf(before.spec as ActivationSpec));
  const from = namesOf(after).flatMap((name): [string, Instant][] => {
    const since = known.has(name) ? before.segmentsFrom?.[name] : now;
    return since === undefined ? [] : [[name, since]];
  });
  return from.length === 0 ? {} : { segmentsFrom: Object.fromEntries(from) };
}

function namesOf({ segments }: ActivationSpec): readonly string[] {
  return segments.map((entry) => (typeof entry === 'string' ? entry : entry.name));
}

/** The schedule and each override of it, of the segments that `other` has as well. A segment that comes or goes is no edit of the others' schedule. */
function schedulesOf(spec: ActivationSpec, other: ActivationSpec): string {
  const stays = new Set(namesOf(other));
  const overrides = spec.segments.flatMap((entry) =>
    typeof entry === 'string' || entry.schedule === undefined || !stays.has(entry.name) ? [] : [[entry.name, entry.schedule] as const],
  );
  return canonicalJson({ schedule: spec.schedule, overrides: Object.fromEntries(overrides) });
}
