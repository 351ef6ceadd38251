import type { Diagnostic } from './diagnostic.ts';
import type { Kind, Metadata, ResourceKey } from './resource.ts';

export type ChangeAction = 'create' | 'update' | 'delete';

/** RFC 6902, the operations we emit. Paths start at `{metadata, spec}`. */
export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move'; readonly from: string; readonly path: string };

/** Why a change is in the plan; for machines. Times are ISO 8601, paths are JSON pointers into `{metadata, spec}`. */
export type Because =
  /** Nothing of that name is applied. */
  | { readonly rule: 'not-applied' }
  /** The manifest differs from what was applied. */
  | { readonly rule: 'edited'; readonly paths: readonly string[]; readonly appliedAt: string; readonly commit?: string }
  /** The reference is the same, what it leads to is not. */
  | { readonly rule: 'secret-changed'; readonly path: string; readonly appliedAt: string }
  /** It is applied, but no manifest declares it any more. */
  | { readonly rule: 'not-declared'; readonly appliedAt: string; readonly commit?: string }
  | { readonly rule: 'destroy' }
  /** It differs from what was applied at that serial. */
  | { readonly rule: 'rollback'; readonly serial: number };

/** What a resource says: the base and the result of a patch. */
export interface ResourceBody {
  readonly metadata: Metadata;
  readonly spec: unknown;
}

interface ChangeCommon {
  readonly kind: Kind;
  readonly name: string;
  /** Where the manifest starts; of a deletion, where it stood. `file` relative to the project, line from 1. */
  readonly source: { readonly file: string; readonly line: number };
  readonly because: readonly Because[];
  /** What else the reader should know before applying, in words. */
  readonly notes?: readonly string[];
}

/** What the change starts from: the recorded resource's version and digest, both preconditions. */
export interface ChangeBase {
  readonly version: number;
  readonly digest: string;
}

/** One change of what is applied. A closed union: whoever handles changes handles these three. */
export type Change =
  | (ChangeCommon & { readonly action: 'create'; readonly after: ResourceBody; readonly digest: string; readonly patch: readonly PatchOperation[] })
  | (ChangeCommon & {
      readonly action: 'update';
      readonly before: ResourceBody;
      readonly base: ChangeBase;
      readonly after: ResourceBody;
      readonly digest: string;
      /** Empty when only the value of a secret changed. */
      readonly patch: readonly PatchOperation[];
    })
  | (ChangeCommon & { readonly action: 'delete'; readonly before: ResourceBody; readonly base: ChangeBase; readonly patch: readonly PatchOperation[] });

/** What must still hold when a plan is applied. */
export type Precondition =
  /** The state is the one that was planned against; null: it was empty and must still be. */
  | { readonly type: 'lineage'; readonly lineage: string | null }
  /** A resource that the plan touches or read; null: it must still be absent. */
  | { readonly type: 'resource'; readonly key: ResourceKey; readonly base: ChangeBase | null }
  /** A secret that was compared is still the same. The fingerprint is keyed; it is not the value. */
  | { readonly type: 'secret'; readonly key: ResourceKey; readonly path: string; readonly fingerprint: string };

export interface PlanSummary {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
  readonly unchanged: number;
}

export type PlanPurpose = 'apply' | 'destroy' | 'rollback';

/** What an apply will do, exactly, and on which conditions. Plain data: no secret values, no personal data. */
export interface Plan {
  readonly purpose: PlanPurpose;
  readonly toolVersion: string;
  readonly environment: string | null;
  /** Digest of the variables' values. */
  readonly variables: string;
  /** In the order of execution: creates and updates along dependencies, then deletes against them. */
  readonly changes: readonly Change[];
  readonly preconditions: readonly Precondition[];
  readonly summary: PlanSummary;
  /** SHA-256 over everything above. Equal files on an equal state give an equal digest. */
  readonly digest: string;
}

/** What the plan means in people, for one segment of one activation. */
export interface ImpactRow {
  readonly activation: string;
  readonly segment: string;
  /** Members once the plan is applied. */
  readonly members: number;
  /** Against the members delivered last; all of them when none were. */
  readonly added: number;
  readonly removed: number;
  /** Members that the file will not hold, by reason. */
  readonly excluded?: Readonly<Record<string, number>>;
  /** Members delivered last; absent when there was no delivery. */
  readonly delivered?: number;
  /** That everybody is new, and why, though members have been delivered before. */
  readonly startsOver?: string;
  /** Names of the next export's files. */
  readonly files: readonly string[];
  /** ISO 8601. */
  readonly nextSlots: readonly string[];
  /** Why the next run would be held, with the measured number and how to accept it once. */
  readonly held?: { readonly message: string; readonly accept: string };
}

/** What a segment looks at, itself and through the segments that it names; each sorted. */
export interface SegmentUses {
  /** Attribute paths, and `identityMap.NAMESPACE`. */
  readonly attributes: readonly string[];
  /** Fields of events. */
  readonly events: readonly string[];
  /** Segments named by `inSegment`, directly or by way of others. */
  readonly segments: readonly string[];
  /** Labels of those attributes and fields. */
  readonly labels: readonly string[];
}

/** `plan --json` (contract section 4). */
export interface PlanJson {
  readonly formatVersion: 1;
  readonly digest: string;
  readonly summary: PlanSummary;
  readonly changes: readonly {
    readonly action: ChangeAction;
    readonly kind: Kind;
    readonly name: string;
    readonly source: { readonly file: string; readonly line: number };
    readonly patch: readonly PatchOperation[];
    readonly because: readonly Because[];
    readonly notes?: readonly string[];
    /** Of a segment that will be there. */
    readonly uses?: SegmentUses;
  }[];
  readonly impact: readonly ImpactRow[];
  readonly diagnostics: readonly Diagnostic[];
}
