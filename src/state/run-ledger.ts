import type { Instant } from '../model/instant.ts';
import type { ExportMode, Run, RunCounts, RunFile, RunStatus } from '../model/run.ts';
import type { Owner } from './owner.ts';

/** The steps of a run; each is journaled before the effects that follow it (issue "Exports that can be trusted"). */
export const RUN_STEPS = ['claimed', 'selected', 'written', 'published', 'verified', 'delivered', 'recorded'] as const;
export type RunStep = (typeof RUN_STEPS)[number];

/** An attempt at a run that ended without success, or was killed (`endedAt` null), before a later one began. */
export interface RunAttempt {
  readonly attempt: number;
  readonly status: RunStatus;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly error?: Run['error'];
}

/** That somebody wants a run to end. */
export interface CancelRequest {
  /** `user@host` */
  readonly by: string;
  readonly at: Instant;
  readonly because?: string;
}

/** A run as the ledger keeps it: what users see (`Run`), where it stands, and whose it is. */
export interface RunRecord {
  readonly id: string;
  readonly activation: string;
  readonly segment: string;
  readonly slot: Instant | null;
  readonly mode: ExportMode;
  readonly status: RunStatus;
  readonly step: RunStep;
  readonly attempt: number;
  readonly counts: RunCounts;
  readonly files: readonly RunFile[];
  readonly import?: Run['import'];
  /** Wall clock of the latest attempt; earlier ones are in `earlier`. */
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly error?: Run['error'];
  /** The attempts before this one, oldest first, the last 20 of them; absent when there was none. */
  readonly earlier?: readonly RunAttempt[];
  /** The export room's own notes: spool folder, planned parts with digests, new snapshot, connector's token, override. Plain JSON, relative paths, no personal data. */
  readonly work: Readonly<Record<string, unknown>>;
  readonly owner: Owner | null;
  readonly heartbeatAt: Instant;
  /** Only while it is running: its holder looks for it with each heartbeat. */
  readonly cancel?: CancelRequest;
}

/** The right to work on a run; every write checks `epoch` and throws RC4006 when another process has taken the run over. */
export interface Claim {
  readonly runId: string;
  readonly epoch: number;
}

export interface ClaimRequest {
  readonly activation: string;
  readonly segment: string;
  /** Null: an export now; each such claim is a new run. */
  readonly slot: Instant | null;
  readonly mode: ExportMode;
  readonly owner: Owner;
  readonly now: Instant;
  /** Used when the run does not exist yet; a slot's id never changes afterwards. */
  readonly newId: string;
  /** A holder on another host that has not given a heartbeat for this long is taken over. */
  readonly staleAfterMs: number;
  /** Takes up this very run again, even one that ended in success: to deliver its files again, or to look for its import once more. */
  readonly runId?: string;
}

export type ClaimOutcome =
  /** Fresh, failed, held, skipped, or left by a dead process: go on from `run.step` with `run.work`. */
  | { readonly outcome: 'claimed'; readonly claim: Claim; readonly run: RunRecord }
  /** This slot ended in success: nothing is to be done. */
  | { readonly outcome: 'done'; readonly run: RunRecord }
  /** Another living process is at it, on this slot or on another run of the same activation and segment. */
  | { readonly outcome: 'busy'; readonly run: RunRecord };

/** Where the members last delivered are: a Parquet file under `.reconcile/snapshots`, written before the pointer moves to it. */
export interface SnapshotPointer {
  readonly activation: string;
  readonly segment: string;
  /** Relative to the state's folder, `/` between names. */
  readonly path: string;
  readonly runId: string;
  readonly slot: Instant;
  readonly members: number;
  /** Names of the key columns beside `id`. */
  readonly keys: readonly string[];
  /** What a new destination or another primary identity changes: a different target means a full first run. */
  readonly target: string;
}

export interface FinishRun {
  readonly status: Exclude<RunStatus, 'running'>;
  readonly counts: RunCounts;
  readonly files: readonly RunFile[];
  readonly import?: Run['import'];
  readonly error?: Run['error'];
  readonly endedAt: Instant;
  readonly work: Readonly<Record<string, unknown>>;
  /** Moves the pointer, in the same transaction as the record. Absent: it stays. */
  readonly snapshot?: SnapshotPointer;
  /** Paths now known to be ours at `target` (a destination's storage, by digest), and those removed there. */
  readonly delivered?: { readonly target: string; readonly put: readonly RunFile[]; readonly removed: readonly string[] };
}

export interface RunFilter {
  readonly id?: string;
  readonly activation?: string;
  readonly segment?: string;
  readonly slot?: Instant;
  readonly status?: RunStatus;
  /** Newest first. */
  readonly limit?: number;
}

/** Runs, claims, snapshot pointers and the files we wrote. Same errors as `StateStore`; RC4006 a claim was lost. */
export interface RunLedger extends AsyncDisposable {
  claim(request: ClaimRequest): Promise<ClaimOutcome>;
  /** Notes a step and the work so far, durably, before the next effect; also a heartbeat. */
  advance(
    claim: Claim,
    change: {
      readonly step?: RunStep;
      readonly work?: Readonly<Record<string, unknown>>;
      readonly counts?: RunCounts;
      readonly files?: readonly RunFile[];
      readonly now: Instant;
    },
  ): Promise<void>;
  /** Asks the holder of a running run to end it; false when it is not running any more. */
  requestCancel(runId: string, request: CancelRequest): Promise<boolean>;
  /** Ends the run: record, snapshot pointer and delivered files in one transaction. */
  finish(claim: Claim, end: FinishRun): Promise<RunRecord>;
  /** Runs, newest first; does not create a database. */
  find(filter: RunFilter): Promise<readonly RunRecord[]>;
  /** The last snapshot of a pair, or undefined: the next incremental run is full. */
  snapshot(activation: string, segment: string): Promise<SnapshotPointer | undefined>;
  /** Which of `paths` at `target` were written by runs of this state, and by which. Paths that an unfinished run journaled count too. */
  delivered(target: string, paths: readonly string[]): Promise<ReadonlyMap<string, { readonly runId: string; readonly sha256: string }>>;
  /** Takes values of a person out of the errors on record (`redactRun`); returns how many runs named one. */
  redact(values: readonly string[]): Promise<number>;
  /**
   * Drops pointers of a deleted activation or removed segment, and records older than `before` that no pointer needs; returns the paths of files nobody
   * refers to any more, and how many records went. The newest success of each pair stays: slots before it are decided, whether or not their records are still there.
   */
  prune(what: {
    readonly activation?: string;
    readonly segments?: readonly string[];
    readonly before?: Instant;
    /** Ids of records that stay however old they are. */
    readonly keep?: ReadonlySet<string>;
    /** True: only says what would go. */
    readonly dryRun?: boolean;
  }): Promise<{ readonly snapshots: readonly string[]; readonly spools: readonly string[]; readonly runs: number }>;
}
