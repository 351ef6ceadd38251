import type { ActivationSpec } from '../model/generated/kinds.ts';
import type { Change } from '../model/plan.ts';
import { resourceKey, type Resource, type ResourceKey } from '../model/resource.ts';
import { keyOf } from '../plan/order-changes.ts';
import { referencesOf, type SegmentReferences } from '../plan/references.ts';

/** Segments of activations whose people or files a plan may change. */
export interface AffectedPairs {
  readonly activation: Resource;
  readonly segments: readonly string[];
}

/** What a resource refers to, where that is known without looking into it; may hold what those refer to as well. */
export type RefersTo = (key: ResourceKey) => readonly ResourceKey[] | undefined;

/**
 * The activations that a plan touches, with the segments in question: all of them when the activation itself or its destination changes, else those
 * whose definition, attributes or source does, over any number of steps.
 */
export function affectedPairs(
  changes: readonly Change[],
  desired: readonly Resource[],
  segmentReferences: SegmentReferences,
  refersTo: RefersTo = () => undefined,
): readonly AffectedPairs[] {
  if (changes.length === 0) return [];
  const changed = new Set(changes.filter(({ action }) => action !== 'delete').map(keyOf));
  const byKey = new Map(desired.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource]));
  const known = new Map<ResourceKey, boolean>();
  const isAffected = (key: ResourceKey): boolean => {
    const before = known.get(key);
    if (before !== undefined) return before;
    // A circle of segments is refused at validate; this keeps it from going round here.
    known.set(key, false);
    const resource = byKey.get(key);
    const affected =
      changed.has(key) || (resource !== undefined && (refersTo(key) ?? referencesOf(resource.kind, resource.spec, segmentReferences)).some(isAffected));
    known.set(key, affected);
    return affected;
  };
  const pairs: AffectedPairs[] = [];
  for (const activation of desired) {
    // Its spec is parsed when it is looked at: not those of thousands that nothing touches.
    if (activation.kind !== 'Activation' || !isAffected(resourceKey('Activation', activation.metadata.name))) continue;
    const spec = activation.spec as ActivationSpec;
    const whole = changed.has(resourceKey('Activation', activation.metadata.name)) || isAffected(resourceKey('Destination', spec.destination));
    const names = spec.segments.map((entry) => (typeof entry === 'string' ? entry : entry.name));
    const segments = whole ? names : names.filter((name) => isAffected(resourceKey('Segment', name)));
    if (segments.length > 0) pairs.push({ activation, segments });
  }
  return pairs;
}
