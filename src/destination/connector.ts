import type { Readable } from 'node:stream';
import type { SecretRef } from '../model/resource.ts';
import type { ImportStatus } from '../model/run.ts';

/** What a connector is given: the Destination's own spec and how to reach what is outside. */
export interface ConnectorContext {
  readonly name: string;
  /** The Destination manifest's spec, variables resolved, secrets by reference. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly secret: (ref: SecretRef) => Promise<string>;
  /** Milliseconds since the epoch; the wall clock. */
  readonly clock: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** One thing `doctor` or `apply` looked at on the other side. */
export interface CheckFinding {
  readonly code: string;
  readonly level: 'ok' | 'warning' | 'error';
  /** What was looked at, e.g. `target mapping mapRecipient`. */
  readonly subject: string;
  readonly message: string;
  readonly hint?: string;
  /** The column that it is about: whoever shows the finding adds the places of the mapping entries that make it. */
  readonly column?: string;
}

/** A file as it landed. */
export interface DeliveredFile {
  readonly path: string;
  /** The path as the storage's server sees it. */
  readonly address: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The file's bytes as they were delivered, from the spool or the storage; may be called again. For connectors that send the rows themselves. */
  readonly open?: () => Promise<Readable>;
}

/** The files of one run of one segment, as they landed. */
export interface DeliveredBatch {
  readonly runId: string;
  readonly activation: string;
  readonly segment: string;
  readonly rows: number;
  readonly files: readonly DeliveredFile[];
  /** A target column per mapped source, in file order. */
  readonly columns: readonly string[];
}

/** A row of a delivered file, counted from 1. */
export interface RefusedRow {
  readonly path: string;
  readonly row: number;
}

/** Where the other side's work stands; `token` lets a later call find it again (Campaign: the last log id before the signal). Plain JSON, no secrets. */
export interface Receipt {
  readonly status: ImportStatus;
  readonly message?: string;
  /** How many rows the other side has taken. */
  readonly rows?: number;
  /** How many rows the other side refused, each by itself. Of an import that succeeds they count as failed and not as activated. */
  readonly rejected?: number;
  /** Which ones those were, each once. Only of a connector that `namesRefused`: they are sent again with the next slot. */
  readonly refused?: readonly RefusedRow[];
  readonly token?: Readonly<Record<string, string | number | null>>;
  /**
   * False, of an `unknown`: the other side could not be looked into, which is not the same as no trace there. The batch may be there, and is not
   * told again unless a person decides so.
   */
  readonly looked?: false;
}

/** What `deliver` throws when the other side certainly was not told: a later attempt tells it without looking for the batch first. */
export interface NotToldError extends Error {
  readonly told: false;
}

/**
 * What a destination does beyond receiving files. A destination whose files alone suffice has none.
 * All methods throw `AppError` for what a user can fix. One connector serves several segments, one after another or at once.
 */
export interface Connector extends AsyncDisposable {
  /** False: as it is configured nobody is to be told (Campaign without `import`); only `check` may be called. Absent: true. */
  readonly delivers?: boolean;
  /**
   * True: `deliver` says which rows were refused, of every import that succeeds. It is kept who stands in which row; whoever was refused is no
   * delivered member, so that the next slot sends them again, exits likewise. Without it refused rows only count.
   */
  readonly namesRefused?: boolean;
  /** Looks at everything on the other side that an export will need; changes nothing. `columns` are the mapping's targets of every activation. */
  check(columns: readonly string[]): Promise<readonly CheckFinding[]>;
  /**
   * What must be true before files are sent, e.g. the import workflow is started. Called just before `deliver`; returns the token that
   * `deliver` and `settle` take, to be journaled before the effect.
   */
  prepare(batch: DeliveredBatch): Promise<Receipt['token']>;
  /**
   * Tells the other side once. Throws when it was not told, a `NotToldError` when that is certain; when it is unclear (the answer was lost) it looks
   * for the batch and returns `unknown` if it finds no trace. Not idempotent: after a crash the caller asks `settle` first and calls again only when
   * that looked and knows nothing of the batch.
   */
  deliver(batch: DeliveredBatch, token: Receipt['token'], signal?: AbortSignal): Promise<Receipt>;
  /**
   * Follows the work until it ends or `waitMs` is over; `unknown` is a legal end. Does not signal again. With a receipt of status `unknown`
   * (nobody knows whether the other side was told) `signalled` means: it was, and works on it; `unknown`: there is no trace of the batch, or, with
   * `looked: false`, nobody could look.
   */
  settle(batch: DeliveredBatch, receipt: Receipt, waitMs: number, signal?: AbortSignal): Promise<Receipt>;
  /** What to build on the other side for these columns, as text for people; `template` makes it from a model of theirs and changes the other side. */
  setup?(request: SetupRequest): Promise<SetupGuide>;
}

/** What the other side has to expect of one activation's files. */
export interface SetupFile {
  readonly activation: string;
  /** The name of its sample file, as it is shown and written. */
  readonly sample: string;
  /** In file order. */
  readonly columns: readonly string[];
  /** Those that tell people apart: the deduplication key. */
  readonly keys: readonly string[];
  /** The column that says who joined and who left; absent when it is not mapped. */
  readonly status?: string;
  readonly format: 'csv' | 'json' | 'parquet';
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly encrypted: boolean;
  /** Of CSV. */
  readonly delimiter: string;
  readonly quote: string;
  readonly header: boolean;
}

export interface SetupRequest {
  /** The columns of all files, each once. */
  readonly columns: readonly string[];
  /** One per activation; empty while there is none. */
  readonly files: readonly SetupFile[];
  /** The id of a template on the other side to make it from; absent: nothing is changed there. */
  readonly template?: string;
}

export interface SetupGuide {
  readonly text: string;
  /** What was made on the other side. */
  readonly created?: string;
}

/** The default export of a destination's `connector.ts`. */
export type CreateConnector = (context: ConnectorContext) => Promise<Connector>;
