import type { DestinationCard } from '../model/destination-card.ts';
import type { MappingEntry } from '../model/generated/kinds.ts';

export const STATUS_SOURCE = 'segmentMembership.status';
const IDENTITY_PREFIX = 'identityMap.';

/** A column of the files: the manifest's entry and what follows from it. */
export interface ResolvedColumn {
  readonly entry: MappingEntry;
  /** The entry's place in `spec.mapping`; undefined for a column that the destination's card adds. */
  readonly index: number | undefined;
  readonly target: string;
  readonly kind: 'identity' | 'attribute' | 'status' | 'expression';
  /** For an identity its namespace, for an attribute its path; undefined for the others. */
  readonly path: string | undefined;
  readonly mandatory: boolean;
  /** Part of the deduplication key. */
  readonly key: boolean;
  /** Counts towards `limits.fieldsPerSegment`. */
  readonly counts: boolean;
}

/**
 * The columns in file order. A target defaults to the source with `.` as `_`; an identity is mandatory and the deduplication key by itself
 * (activation-rules 2.7); a status column that the card requires stands last when it is not mapped, under the card's name (contract section 6).
 */
export function resolveMapping(mapping: readonly MappingEntry[], card?: DestinationCard): readonly ResolvedColumn[] {
  const status = card?.mapping?.statusColumn;
  const columns = mapping.map((entry, index) => resolveColumn(entry, index, card));
  if (status?.required !== true || columns.some(({ kind }) => kind === 'status')) return columns;
  return [...columns, resolveColumn({ source: STATUS_SOURCE }, undefined, card)];
}

function resolveColumn(entry: MappingEntry, index: number | undefined, card: DestinationCard | undefined): ResolvedColumn {
  const { mandatory = false, key = false } = entry;
  if ('expression' in entry) return { entry, index, target: entry.target, kind: 'expression', path: undefined, mandatory, key, counts: true };
  const { source } = entry;
  if (source === STATUS_SOURCE) {
    const status = card?.mapping?.statusColumn;
    const target = entry.target ?? status?.name ?? source.replaceAll('.', '_');
    return { entry, index, target, kind: 'status', path: undefined, mandatory: false, key: false, counts: status?.countsAsField !== false };
  }
  const target = entry.target ?? source.replaceAll('.', '_');
  if (source.startsWith(IDENTITY_PREFIX)) {
    return { entry, index, target, kind: 'identity', path: source.slice(IDENTITY_PREFIX.length), mandatory: true, key: true, counts: true };
  }
  return { entry, index, target, kind: 'attribute', path: source, mandatory, key, counts: true };
}
