/** How one segment's export ended. `running` is never shown in a finished `run --json`. */
export type RunStatus = 'running' | 'success' | 'failed' | 'held' | 'skipped' | 'cancelled';
export type ExportMode = 'full' | 'incremental';

/** `received = activated + excluded + failed`, always (contract section 4). */
export interface RunCounts {
  readonly received: number;
  readonly activated: number;
  readonly excluded: number;
  readonly failed: number;
  /** Rows per reason of exclusion or failure, e.g. `{"no firstName": 10, "duplicate": 3}`. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** The reason under which rows count that landed and that the other side then refused one by one. */
export const REFUSED_REASON = 'refused by the destination';

/** A file as it landed: `path` relative to the storage's path or prefix, sizes in bytes, digest of what was read back. */
export interface RunFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

export type ImportStatus = 'signalled' | 'imported' | 'import-failed' | 'unknown';

/** A guard that somebody let pass once, with the number that was measured, who it was (`user@host`) and why. */
export interface AcceptedGuard {
  readonly guard: 'maxRemovedPercent' | 'minMembers' | 'maxAddedPercent' | 'maxSourceShrinkPercent' | 'maxSourceAge' | 'expect';
  readonly measured: string;
  readonly by?: string;
  readonly because?: string;
}

/** How often calls to the storage failed in passing and were made again, and what the last of them said. */
export interface Retries {
  readonly times: number;
  readonly last: string;
}

/** One run of one segment of one activation, as `run --json` and `runs show --json` print it. */
export interface Run {
  readonly id: string;
  readonly activation: string;
  readonly segment: string;
  /** ISO instant, or null for an export now. */
  readonly slot: string | null;
  readonly mode: ExportMode;
  readonly status: RunStatus;
  readonly counts: RunCounts;
  readonly files: readonly RunFile[];
  readonly import?: { readonly status: ImportStatus; readonly message?: string; readonly rows?: number };
  /** Rows that landed and were then refused one by one: how many, and the list of them (`id,file,row`) below the state's folder. */
  readonly refused?: { readonly rows: number; readonly list: string };
  readonly accepted?: readonly AcceptedGuard[];
  /** Of its latest attempt; absent where the storage answered at once. */
  readonly retries?: Retries;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}
