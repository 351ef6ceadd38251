import type { ActivationSpec, AlertSpec, AttributesSpec, SegmentSpec } from '../model/generated/kinds.ts';
import { resourceKey, type Kind, type ResourceKey } from '../model/resource.ts';

/** Finds the other segments that a segment's PQL names (`inSegment`). The plan room does not read PQL: layer 3 hands this in. */
export type SegmentReferences = (pql: string) => readonly string[];

/** What a resource needs to exist: direct references only, without repetition. */
export function referencesOf(kind: Kind, spec: unknown, segmentReferences: SegmentReferences): readonly ResourceKey[] {
  switch (kind) {
    case 'Attributes':
      return [resourceKey('Source', (spec as AttributesSpec).source)];
    case 'Segment': {
      const { attributes, pql } = spec as SegmentSpec;
      // Reading PQL is the expensive part; most segments name no other.
      const named = pql.includes('inSegment') ? segmentReferences(pql) : [];
      return [resourceKey('Attributes', attributes), ...new Set(named.map((name) => resourceKey('Segment', name)))];
    }
    case 'Activation': {
      const { destination, segments } = spec as ActivationSpec;
      const names = segments.map((entry) => (typeof entry === 'string' ? entry : entry.name));
      return [resourceKey('Destination', destination), ...new Set(names.map((name) => resourceKey('Segment', name)))];
    }
    case 'Alert':
      return [...new Set(((spec as AlertSpec).activations ?? []).map((name) => resourceKey('Activation', name)))];
    case 'Project':
    case 'Source':
    case 'Destination':
    case 'Policy':
    case 'Role':
      return [];
  }
}
