import type { ActivationSpec, AlertSpec, AttributesSpec, SegmentSpec } from '../model/generated/kinds.ts';
import { resourceKey, type Kind, type ResourceKey } from '../model/resource.ts';

/** Finds the segments that PQL names (`inSegment`), a segment's or a calculated field's. The plan room does not read PQL: layer 3 hands this in. */
export type SegmentReferences = (pql: string) => readonly string[];

/** What a resource needs to exist: direct references only, without repetition. */
export function referencesOf(kind: Kind, spec: unknown, segmentReferences: SegmentReferences): readonly ResourceKey[] {
  switch (kind) {
    case 'Attributes':
      return [resourceKey('Source', (spec as AttributesSpec).source)];
    case 'Segment': {
      const { attributes, pql } = spec as SegmentSpec;
      return [resourceKey('Attributes', attributes), ...new Set(namedIn(pql, segmentReferences).map((name) => resourceKey('Segment', name)))];
    }
    case 'Activation': {
      const { destination, segments, mapping } = spec as ActivationSpec;
      const exported = segments.map((entry) => (typeof entry === 'string' ? entry : entry.name));
      const names = [...exported, ...mapping.flatMap((entry) => ('expression' in entry ? namedIn(entry.expression, segmentReferences) : []))];
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

/** Reading PQL is the expensive part; most of it names no segment. */
function namedIn(pql: string, segmentReferences: SegmentReferences): readonly string[] {
  return pql.includes('inSegment') ? segmentReferences(pql) : [];
}
