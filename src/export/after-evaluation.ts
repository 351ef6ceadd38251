import { effectiveActivation } from '../activation/effective.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, DestinationSpec } from '../model/generated/kinds.ts';
import type { AppliedResources } from './deps.ts';
import { findApplied } from './find-applied.ts';

/** The segments of an activation whose schedule is `after: evaluation`; none while it is suspended. */
export function segmentsAfterEvaluation(
  name: string,
  spec: ActivationSpec,
  cardOf: (type: string) => DestinationCard | undefined,
  resources: AppliedResources,
): readonly string[] {
  const destination = findApplied<DestinationSpec>(resources, 'Destination', spec.destination).spec;
  const effective = effectiveActivation(name, spec, cardOf(destination.type));
  if (effective.suspend) return [];
  return effective.segments.filter(({ schedule }) => schedule !== undefined && 'after' in schedule).map((segment) => segment.name);
}
