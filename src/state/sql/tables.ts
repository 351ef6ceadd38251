import type { Generated } from 'kysely';

/** One row: `lineage`, `serial`, `environment`, `fingerprintKey`. */
interface MetaTable {
  readonly name: string;
  readonly value: string;
}

interface ResourceTable {
  readonly kind: string;
  readonly name: string;
  readonly metadata: string;
  readonly spec: string;
  readonly digest: string;
  readonly version: number;
  readonly source_file: string;
  readonly source_line: number;
  readonly applied_at: number;
  readonly git_commit: string | null;
  readonly fingerprints: string;
  readonly active_from: number | null;
  /** Not there in rows of the first format, which are read as they are. */
  readonly first_applied_at: number | null;
  /** JSON; not there in rows of earlier formats either. */
  readonly segments_from: string | null;
}

/** What a resource was from `serial` on; `body` is null where it was deleted. */
interface HistoryTable {
  readonly kind: string;
  readonly name: string;
  readonly serial: number;
  readonly body: string | null;
}

interface GenerationTable {
  readonly serial: number;
  readonly at: number;
  readonly actor: string;
  readonly apply_id: string | null;
  readonly changes: string;
}

/** The journal of applies; `digest` covers the line and the digest before it, so that a line cannot be changed unseen. */
interface JournalTable {
  readonly seq: Generated<number>;
  readonly apply_id: string;
  readonly type: string;
  readonly body: string;
  readonly digest: string;
}

/** One row, the lock; it stays when the lock is free, so that `epoch` only rises. */
interface LeaseTable {
  readonly name: string;
  readonly owner: string | null;
  readonly epoch: number;
  readonly purpose: string;
  readonly acquired_at: number;
  readonly renewed_at: number;
}

interface RunTable {
  readonly id: string;
  readonly activation: string;
  readonly segment: string;
  readonly slot: number | null;
  readonly mode: string;
  readonly status: string;
  readonly step: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly counts: string;
  readonly files: string;
  readonly import: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly error: string | null;
  readonly work: string;
  /** `work.target`, so that what an unfinished run announced is found by it. */
  readonly target: string | null;
  /** `RunAttempt[]` as JSON, or null. */
  readonly earlier: string | null;
  readonly owner: string | null;
  readonly heartbeat_at: number;
  /** `CancelRequest` as JSON. Not there in rows of an older format, which are read as they are. */
  readonly cancel: string | null;
}

interface SnapshotTable {
  readonly activation: string;
  readonly segment: string;
  readonly path: string;
  readonly run_id: string;
  readonly slot: number;
  readonly members: number;
  readonly keys: string;
  readonly target: string;
}

interface DeliveryTable {
  readonly target: string;
  readonly path: string;
  readonly run_id: string;
  readonly sha256: string;
}

export interface StateTables {
  readonly meta: MetaTable;
  readonly resource: ResourceTable;
  readonly resource_history: HistoryTable;
  readonly generation: GenerationTable;
  readonly journal: JournalTable;
  readonly lease: LeaseTable;
  readonly run: RunTable;
  readonly snapshot: SnapshotTable;
  readonly delivery: DeliveryTable;
}
