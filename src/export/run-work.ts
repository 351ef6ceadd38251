import type { Receipt } from '../destination/connector.ts';
import type { AcceptedGuard, Retries, Run, RunCounts } from '../model/run.ts';
import type { RunRecord, SnapshotPointer } from '../state/run-ledger.ts';
import type { SourceFacts } from './guards.ts';

/** A file of a run: where it stands in the spool and where it goes. Journaled before it becomes visible. */
export interface PlannedFile {
  /** Key at the storage. */
  readonly key: string;
  /** Name in the run's spool folder. */
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  /** True: a file of ours of that key may stand there and is replaced. */
  readonly replace: boolean;
}

/** The export room's notes in a run's record; plain JSON, relative paths, no personal data. */
export interface RunWork {
  /** The run's folder below the spool. */
  readonly spool?: string;
  readonly parts?: readonly PlannedFile[];
  /** The list for `sha256sum -c`: after the parts, before the manifest. */
  readonly checksums?: PlannedFile;
  /** Published last: a reader that waits for it sees a whole export. */
  readonly manifest?: PlannedFile;
  /** Our own files of an earlier, longer export of the same static name. */
  readonly surplus?: readonly string[];
  /** What `now` and the time tokens of names meant, milliseconds. */
  readonly time?: number;
  /** False: everybody went out, as on a first incremental run, so that the files can be built again from the source alone. */
  readonly changesOnly?: boolean;
  /** The run whose members an incremental slot was compared with, and earlier runs that had left files without an end; both were in mind when the files were made. */
  readonly against?: { readonly run: string | null; readonly leftBehind: readonly string[] };
  /** How many parts an attempt that failed has made visible. */
  readonly visible?: number;
  /** Digest of where the files go. */
  readonly target?: string;
  /** Digest of how the destination encrypts; absent where it does not. */
  readonly encryption?: string;
  /** Digest of the receivers' keys themselves. */
  readonly keys?: string;
  /** The new snapshot: the pointer, and the file's name in the spool until it is put in place. */
  readonly snapshot?: { readonly pointer: SnapshotPointer; readonly file: string };
  /** The counts that hold once everything is delivered; a failed run's record counts its rows as failed. */
  readonly counts?: RunCounts;
  /** State of the source that was read. */
  readonly fingerprint?: string;
  /** Line breaks inside values that became spaces. */
  readonly spacedValues?: number;
  readonly columns?: readonly string[];
  /** The spool's file that says who stands in which row, in the order of the parts; only where the other side may refuse rows. */
  readonly who?: string;
  /** Rows that were refused, and the list of who they are, relative to the state's folder. */
  readonly refused?: Run['refused'];
  readonly delivery?: { readonly token?: Receipt['token']; readonly receipt?: Receipt };
  /** Guards that would have held the run and were let pass. */
  readonly accepted?: readonly AcceptedGuard[];
  /** Of the attempt that ended last. */
  readonly retries?: Retries;
  /** The source as it was read, for the guards of later runs. */
  readonly source?: SourceFacts;
}

export function workOf(run: RunRecord): RunWork {
  return run.work as RunWork;
}

/** What stands beside the parts, in the order in which it becomes visible. */
export function besideFiles({ checksums, manifest }: RunWork): readonly PlannedFile[] {
  return [checksums, manifest].filter((file) => file !== undefined);
}

/** The same, as the ledger takes it. */
export function asRecord(work: RunWork): Readonly<Record<string, unknown>> {
  return { ...work };
}
