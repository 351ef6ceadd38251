import { resolveMapping } from '../activation/resolve-mapping.ts';
import type { AppliedResources } from '../export/deps.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, DestinationSpec } from '../model/generated/kinds.ts';
import { resourceKey } from '../model/resource.ts';

/** `manifests/emea.yaml:14:7`, where an Activation's mapping entry of that number names its target; undefined when the manifests are not at hand. */
export type LocateMapping = (activation: string, index: number) => string | undefined;

export interface PlacedColumn {
  readonly column: string;
  readonly destination: string;
  readonly resources: AppliedResources;
  readonly card: (type: string) => DestinationCard | undefined;
  readonly locate: LocateMapping | undefined;
}

/** The places of the mapping entries that make a column, over every activation onto the destination. */
export function placeColumn({ column, destination, resources, card, locate }: PlacedColumn): readonly string[] {
  const spec = resources.get(resourceKey('Destination', destination))?.spec as DestinationSpec | undefined;
  const places: string[] = [];
  for (const [key, { metadata, spec: own }] of resources) {
    const activation = own as ActivationSpec;
    if (!key.startsWith('Activation/') || activation.destination !== destination) continue;
    for (const { target, index } of resolveMapping(activation.mapping, spec === undefined ? undefined : card(spec.type))) {
      if (target !== column) continue;
      places.push((index === undefined ? undefined : locate?.(metadata.name, index)) ?? `${key}, mapping target ${target}`);
    }
  }
  return places;
}
