import type { Diagnostic } from '../model/diagnostic.ts';
import type { SnapshotPointer, RunLedger } from './run-ledger.ts';
import type { StateStore } from './state-store.ts';

/** What `state doctor` tells of a state: facts, and what is wrong with it. Holds no personal data. */
export interface StateReport {
  /** False while nothing was ever written. */
  readonly exists: boolean;
  /** The format's number, for messages. */
  readonly format: number | undefined;
  readonly resources: number;
  readonly generations: number;
  readonly runs: number;
  readonly journalEntries: number;
  /** Whose files must be there: paths are relative to the state's folder. */
  readonly snapshots: readonly SnapshotPointer[];
  /** Nothing here: the state is whole. Each says what to do. */
  readonly problems: readonly Diagnostic[];
}

/** The state's two ports over one connection, opened by an adapter. */
export interface OpenedState {
  readonly store: StateStore;
  readonly ledger: RunLedger;
  /** Looks at everything that is recorded; changes nothing. What makes it unreadable is a problem in the report, not an error. */
  inspect(): Promise<StateReport>;
  close(): Promise<void>;
}
