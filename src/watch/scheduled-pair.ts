import { effectiveActivation } from '../activation/effective.ts';
import type { AppliedResources } from '../export/deps.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, DestinationSpec, ScheduleSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { resourceKey } from '../model/resource.ts';

/** A segment of an activation as it is applied, and when it is to run. */
export interface ScheduledPair {
  readonly activation: string;
  readonly segment: string;
  /** Undefined: on command only. */
  readonly schedule: ScheduleSpec | undefined;
  readonly missed: 'latest' | 'skip' | 'all';
  readonly mode: 'full' | 'incremental';
  /** The first apply: a grid without a start is anchored to its day. */
  readonly anchor: Instant;
  /** Slots before it are never due. */
  readonly activeFrom: Instant;
  readonly suspended: boolean;
}

/** Every segment of every applied activation, in order of their names. Manifests that are not applied play no part (contract section 6). */
export function listPairs(resources: AppliedResources, cardOf: (type: string) => DestinationCard | undefined): readonly ScheduledPair[] {
  const pairs: ScheduledPair[] = [];
  for (const [key, { metadata, spec, activeFrom = Infinity, firstAppliedAt = activeFrom, segmentsFrom = {} }] of resources) {
    if (!key.startsWith('Activation/')) continue;
    const activation = spec as ActivationSpec;
    const destination = resources.get(resourceKey('Destination', activation.destination))?.spec as DestinationSpec | undefined;
    const effective = effectiveActivation(metadata.name, activation, destination === undefined ? undefined : cardOf(destination.type));
    for (const { name, schedule, mode } of effective.segments) {
      const { missed, suspend } = effective;
      // A state without the instant (made by hand) is taken as active from now on: nothing is made up for.
      const from = Math.max(activeFrom, segmentsFrom[name] ?? -Infinity);
      pairs.push({ activation: metadata.name, segment: name, schedule, missed, mode, anchor: firstAppliedAt, activeFrom: from, suspended: suspend });
    }
  }
  return pairs.toSorted((a, b) => compare(a.activation, b.activation) || compare(a.segment, b.segment));
}

export function pairKey({ activation, segment }: { readonly activation: string; readonly segment: string }): string {
  return `${activation}/${segment}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
