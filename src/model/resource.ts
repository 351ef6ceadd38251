import type { SourcePlace } from './diagnostic.ts';

/** Every kind of manifest, in the order in which they are applied; deletions go the other way. */
export const KINDS = ['Project', 'Source', 'Attributes', 'Segment', 'Policy', 'Role', 'Destination', 'Activation', 'Alert'] as const;
export type Kind = (typeof KINDS)[number];

/** A reference by name and kind, written `Segment/german-recent-buyers`. */
export type ResourceKey = `${Kind}/${string}`;

export interface Metadata {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
}

/**
 * A manifest's document once variables are resolved and the schema holds. Secrets are still references (`{env}`, `{file}`).
 * `source` is where the document starts.
 */
export interface Resource<Spec = unknown> {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly source: SourcePlace;
}

/** A resource with `digestOf({metadata, spec})`. Its spec may be parsed when it is first looked at. */
export interface DigestedResource<Spec = unknown> extends Resource<Spec> {
  readonly digest: string;
}

export function resourceKey(kind: Kind, name: string): ResourceKey {
  return `${kind}/${name}`;
}

/** A secret by reference; a literal secret is refused at `validate` (contract section 1). */
export type SecretRef = { readonly env: string } | { readonly file: string };
