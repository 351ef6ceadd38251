import type { DestinationCard } from '../model/destination-card.ts';
import type { Instant } from '../model/instant.ts';
import type { LocateMapping } from './place-column.ts';
import type { SegmentReferences } from '../plan/references.ts';
import type { ExportDeps } from '../export/deps.ts';
import type { Owner } from '../state/owner.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import type { StateStore } from '../state/state-store.ts';
import type { ReadSecret } from './fingerprints.ts';

/** What an apply needs from the outside. */
export interface ApplyDeps {
  readonly store: StateStore;
  readonly ledger: Pick<RunLedger, 'prune'>;
  readonly owner: Owner;
  /** Who applies, for the journal: `alice@host`. */
  readonly actor: string;
  /** The wall clock. */
  readonly clock: () => Instant;
  readonly newId: () => string;
  readonly secret: ReadSecret;
  /** The card of a destination's type, when it has one. */
  readonly card: (type: string) => DestinationCard | undefined;
  readonly connector: ExportDeps['connector'];
  /** Where mapping entries stand in the manifests; absent when what is applied comes from elsewhere, such as a saved plan. */
  readonly locateMapping?: LocateMapping | undefined;
  readonly segmentReferences: SegmentReferences;
  /** Removes files that nobody refers to any more; paths relative to the state's folder. What is gone already is no error. */
  readonly removeFiles: (paths: readonly string[]) => Promise<void>;
  /** The commit that is checked out. */
  readonly commit: string | undefined;
  /** Named instants at which tests kill the process; does nothing otherwise. */
  readonly crashPoint: (name: string) => void;
}
