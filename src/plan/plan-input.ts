import type { Instant } from '../model/instant.ts';
import type { Kind, Metadata, ResourceKey } from '../model/resource.ts';

/** A resource as it was last applied, as far as planning looks at it. */
export interface RecordedBase {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: unknown;
  /** `digestOf({metadata, spec})`. */
  readonly digest: string;
  readonly version: number;
  readonly source: { readonly file: string; readonly line: number };
  readonly appliedAt: Instant;
  readonly commit?: string;
}

/** What is applied, read at one instant. */
export interface RecordedInput {
  readonly lineage: string | undefined;
  readonly resources: ReadonlyMap<ResourceKey, RecordedBase>;
}

/** A resource that is wanted, with the digest of `{metadata, spec}`. */
export interface DesiredInput {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: unknown;
  readonly digest: string;
  readonly source: { readonly file: string; readonly line: number };
}

/** What comparing a secret's fingerprint gave. */
export type SecretVerdict =
  | { readonly path: string; readonly state: 'same' | 'changed'; readonly fingerprint: string }
  /** Its value is not there, or nothing recorded can be compared with it. */
  | { readonly path: string; readonly state: 'not-compared'; readonly reason: string };
