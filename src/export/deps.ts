import type { Connector } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import type { ProfileModel } from '../engine/profile-model.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { DestinationSpec, StorageSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import type { Metadata, ResourceKey, SecretRef } from '../model/resource.ts';
import type { Owner } from '../state/owner.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import type { StorageRetry } from '../storage/with-retry.ts';

/** A resource as it is applied: what runs. */
export interface AppliedResource {
  readonly metadata: Metadata;
  readonly spec: unknown;
  /** Activations: slots before it are never due (`RecordedResource.activeFrom`). */
  readonly activeFrom?: Instant;
  /** Activations: what a grid without a start is anchored to (`RecordedResource.firstAppliedAt`). */
  readonly firstAppliedAt?: Instant;
  /** Activations: the same for segments that came later (`RecordedResource.segmentsFrom`). */
  readonly segmentsFrom?: Readonly<Record<string, Instant>>;
}

export type AppliedResources = ReadonlyMap<ResourceKey, AppliedResource>;

/** How far a segment's run has come, for whoever shows it. */
export interface ExportProgress {
  readonly runId: string;
  readonly activation: string;
  readonly segment: string;
  /** `connecting`: a storage is asked what stands there, before anything is sent. */
  readonly step: 'connecting' | 'selecting' | 'writing' | 'publishing' | 'verifying' | 'importing' | 'done';
  /** Rows written so far, and of how many, when known. */
  readonly rows: number;
  readonly totalRows?: number;
  /** Written or published so far, and of how many, when known. */
  readonly bytes: number;
  readonly totalBytes?: number;
  /** Files that are finished. */
  readonly files: number;
  readonly startedAt: Instant;
}

export type Log = (level: 'debug' | 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Folders, all absolute. `state` is what relative paths in the ledger are relative to. */
export interface ExportPaths {
  readonly project: string;
  readonly state: string;
  readonly spool: string;
  readonly snapshots: string;
  readonly cache: string;
}

/** What every use case of this room needs of engines. */
export interface EngineDeps {
  /** An engine for an Attributes resource and its Source; the caller disposes it. */
  readonly engine: (model: ProfileModel, signal?: AbortSignal) => Engine;
}

/** What an export needs from the outside. */
export interface ExportDeps extends EngineDeps {
  readonly ledger: RunLedger;
  /** A Destination's storage, the tokens at the end of its path resolved; the caller disposes it. `onRetry` hears of each call that is made again. */
  readonly storage: (spec: StorageSpec, onRetry?: (retry: StorageRetry) => void) => Promise<Storage>;
  /** Undefined for destinations that need nothing but files; the caller disposes it. */
  readonly connector: (destination: string, spec: DestinationSpec) => Promise<Connector | undefined>;
  /** A card of the catalogue, undefined for a type that has none. */
  readonly card: (type: string) => DestinationCard | undefined;
  /** A secret's value; throws `AppError` for one that is not set. */
  readonly secret: (ref: SecretRef) => Promise<string>;
  readonly owner: Owner;
  readonly clock: () => Instant;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly newId: () => string;
  readonly log: Log;
  readonly paths: ExportPaths;
  readonly progress?: (progress: ExportProgress) => void;
  /** Rows whose deduplication keys are compared at once; only tests say how many. */
  readonly rowsPerPart?: number | undefined;
  /** How long a run may take; only tests say it. */
  readonly deadlineMs?: number | undefined;
  /** Named instants at which tests kill the process; does nothing otherwise. */
  readonly crashPoint?: (name: string) => void;
}
