import type { DestinationCardSpec, DestinationLimit } from './generated/kinds.ts';

/**
 * What a type of destination is: what it asks for, what it allows, and its limits, as plain data. The source of truth is
 * `schemas/destination-card.schema.json`; the files are `destinations/<type>/destination.yaml`.
 */
export type DestinationCard = DestinationCardSpec;

/** The limits that are one number. */
export type LimitName = Exclude<keyof NonNullable<DestinationCard['limits']>, 'segmentNameCharacters'>;

export interface EffectiveLimit {
  readonly value: number;
  readonly level: 'error' | 'warning';
  /** The key of `spec.details` that may hold another value. */
  readonly raisedBy?: string;
  readonly why?: string;
}

/** A card's limit as it holds for one Destination: its own details may raise it where the card says so. Undefined: there is no such limit. */
export function effectiveLimit(card: DestinationCard, name: LimitName, details: Readonly<Record<string, unknown>> | undefined): EffectiveLimit | undefined {
  const limit: DestinationLimit | undefined = card.limits?.[name];
  if (limit === undefined) return undefined;
  const { value, level = 'error', raisedBy, why } = limit;
  const raised = raisedBy === undefined ? undefined : details?.[raisedBy];
  return {
    value: typeof raised === 'number' ? raised : value,
    level,
    ...(raisedBy === undefined ? {} : { raisedBy }),
    ...(why === undefined ? {} : { why }),
  };
}
