import type { OpenedState } from '../opened-state.ts';
import { createMemoryRunLedger } from './memory-run-ledger.ts';
import { createMemoryStateStore } from './memory-state-store.ts';

/** A state that lives as long as its process: for tests, and to compare the SQL with. Keeps to the same rules; nothing is durable, nobody else sees it. */
export function openMemoryState(clock: () => number = Date.now): OpenedState {
  const { store, facts } = createMemoryStateStore(clock);
  const { ledger, runs, snapshots } = createMemoryRunLedger();
  return {
    store,
    ledger,
    async inspect() {
      return { exists: facts().journalEntries > 0 || runs() > 0, format: undefined, ...facts(), runs: runs(), snapshots: snapshots(), problems: [] };
    },
    async close() {},
  };
}
