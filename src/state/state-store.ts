import type { Instant } from '../model/instant.ts';
import type { Kind, Metadata, ResourceKey } from '../model/resource.ts';
import type { Owner } from './owner.ts';

/** A resource as it was last applied. What is applied, not what is on disk, is what runs. */
export interface RecordedResource {
  readonly kind: Kind;
  readonly metadata: Metadata;
  /** The manifest's spec with variables resolved and secrets by reference. */
  readonly spec: unknown;
  /** `digestOf({metadata, spec})`. */
  readonly digest: string;
  /** Rises by one with each change of this resource; a plan's precondition. */
  readonly version: number;
  readonly source: { readonly file: string; readonly line: number };
  readonly appliedAt: Instant;
  /** The git commit of the working tree at the time, when there was one. */
  readonly commit?: string;
  /** Keyed fingerprint per JSON pointer of a secret, for change detection; never the value. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** Activations: slots before it are never due. Moves on the first apply, an edit of the schedule and a resume (contract section 6). */
  readonly activeFrom?: Instant;
  /** Activations: the first apply, on whose day a grid without a start is anchored; never moves (contract section 6). Missing in older records. */
  readonly firstAppliedAt?: Instant;
  /** Activations: when segments joined that came after the others; of those slots before it are not due either. */
  readonly segmentsFrom?: Readonly<Record<string, Instant>>;
}

/** Everything recorded, read at one instant. `lineage` is undefined while nothing was ever applied. */
export interface RecordedState {
  readonly lineage: string | undefined;
  /** Rises by one with each commit. */
  readonly serial: number;
  readonly environment: string | undefined;
  readonly resources: ReadonlyMap<ResourceKey, RecordedResource>;
}

/** The recorded state by its digests. */
export interface RecordedDigests extends Omit<RecordedState, 'resources'> {
  readonly digests: ReadonlyMap<ResourceKey, string>;
}

/** A lock on the state, fenced: every write names its epoch and fails when a later holder has taken over. */
export interface Lease extends AsyncDisposable {
  readonly epoch: number;
  readonly owner: Owner;
  /** Aborted when the lease is lost; renewal happens by itself until it is disposed. */
  readonly lost: AbortSignal;
}

/** Who holds the lease. `alive` is false when the holder is proved dead, or was silent for too long. */
export interface LeaseHolder {
  readonly owner: Owner;
  readonly epoch: number;
  readonly purpose: string;
  readonly since: Instant;
  readonly alive: boolean;
}

/** One line of the journal of applies. An `intent` is durable before the effect it announces. */
export type JournalEntry =
  | { readonly type: 'begin'; readonly applyId: string; readonly at: Instant; readonly actor: string; readonly planDigest: string; readonly operations: number }
  | { readonly type: 'intent'; readonly applyId: string; readonly at: Instant; readonly action: 'create' | 'update' | 'delete'; readonly key: ResourceKey }
  | {
      readonly type: 'outcome';
      readonly applyId: string;
      readonly at: Instant;
      readonly key: ResourceKey;
      readonly status: 'done' | 'failed' | 'skipped';
      readonly error?: string;
    }
  | { readonly type: 'end'; readonly applyId: string; readonly at: Instant; readonly status: 'done' | 'partly' | 'failed' | 'interrupted' };

/** A change of the recorded resources. All changes of one `commit` happen or none. */
export type StateChange =
  | { readonly type: 'put'; readonly resource: Omit<RecordedResource, 'version'> }
  | { readonly type: 'delete'; readonly key: ResourceKey }
  | { readonly type: 'environment'; readonly environment: string | undefined }
  /**
   * Puts an exported state, with its lineage, serial and versions, into one where nothing was ever applied (RC3007 otherwise); the only change of its
   * commit. Plans made against it hold where it came from. Fingerprints do not travel: their key stays where it is.
   */
  | {
      readonly type: 'restore';
      readonly lineage: string;
      readonly serial: number;
      readonly environment: string | undefined;
      readonly resources: readonly Omit<RecordedResource, 'fingerprints'>[];
    };

/** One earlier value of the whole state, for `state history` and `rollback`. */
export interface StateGeneration {
  readonly serial: number;
  readonly at: Instant;
  readonly actor: string;
  readonly applyId: string | undefined;
  readonly changes: readonly { readonly key: ResourceKey; readonly action: 'create' | 'update' | 'delete' }[];
}

/**
 * Where what is applied is remembered. All methods throw `AppError`: RC3001 the database is not one or is broken (never read as empty),
 * RC3002 written by a newer version, RC3003 cannot be opened or written, RC3005 locked (exit 5), RC3006 the lease was lost, RC3007 a restore into a state that holds something.
 */
export interface StateStore extends AsyncDisposable {
  /** Reads without creating anything; a database that does not exist is the empty state, one that cannot be read is an error. */
  read(): Promise<RecordedState>;
  /** As `read`, but of each resource its digest alone: what telling of thousands that nothing has changed takes. */
  digests(): Promise<RecordedDigests>;
  /** Takes the lease, at once or after waiting `waitMs` for another holder; a holder that is dead on this host is taken over at once. */
  lease(owner: Owner, options: { readonly waitMs: number; readonly purpose: string; readonly signal?: AbortSignal }): Promise<Lease>;
  /**
   * Applies changes and journal entries in one durable transaction. The first one with changes mints the lineage: an apply that was announced and
   * did not come to change anything leaves the state as empty as it was, and a plan made on it good.
   */
  commit(lease: Lease, changes: readonly StateChange[], journal: readonly JournalEntry[]): Promise<RecordedState>;
  /** Journal entries of applies that began and did not end: what a killed process left. */
  unfinished(): Promise<readonly JournalEntry[]>;
  /**
   * Drops the journal's oldest entries: whole applies that ended before `before`, in one piece from the start, so that what stays can still be proved
   * unchanged. Returns how many entries go; with `dryRun` they stay.
   */
  pruneJournal(what: { readonly before: Instant; readonly dryRun?: boolean }): Promise<number>;
  /** The generations, newest first. */
  history(limit: number): Promise<readonly StateGeneration[]>;
  /** The resources as they were at `serial`; undefined when that generation is not kept. */
  at(serial: number): Promise<RecordedState | undefined>;
  /** Who holds the lease now, and removes it when `force` names that epoch. */
  unlock(force?: { readonly epoch: number }): Promise<LeaseHolder | undefined>;
  /** The secret key of the fingerprints of secrets, made with the first commit; undefined before. It never leaves the state. */
  fingerprintKey(): Promise<string | undefined>;
}
