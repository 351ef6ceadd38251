import { DAY_MS, type Instant } from '../../../src/model/instant.ts';
import type { Run } from '../../../src/model/run.ts';
import type { ActivationSpec } from '../../../src/model/generated/kinds.ts';
import type { RunActivationRequest } from '../../../src/export/run-activation.ts';
import { ALREADY_RUNNING, toRun } from '../../../src/export/to-run.ts';
import { loadCatalogue } from '../../../src/destination/catalogue.ts';
import { openMemoryState } from '../../../src/state/memory/open-memory-state.ts';
import { currentOwner } from '../../../src/state/owner.ts';
import type { RunRecord } from '../../../src/state/run-ledger.ts';
import type { SlotWorkerDeps } from '../../../src/watch/slot-worker.ts';
import type { WatchEvent } from '../../../src/watch/watch-event.ts';

/** What the exporter does with one segment. */
export type Export = (request: {
  readonly activation: string;
  readonly segment: string;
  readonly slot: Instant;
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
}) => Promise<'success' | 'failed' | 'held'>;

export interface World {
  now: Instant;
  readonly state: ReturnType<typeof openMemoryState>;
  readonly events: WatchEvent[];
  /** Slots in the order in which their exports ended, `activation/segment@slot:status`. */
  readonly log: string[];
  export: Export;
  deps(change?: Partial<SlotWorkerDeps>): SlotWorkerDeps;
  apply(name: string, spec: Partial<ActivationSpec>): Promise<void>;
  runs(): Promise<readonly RunRecord[]>;
}

/** A state in memory, a clock in hand, and an exporter that keeps its books as the real one does. */
export function createWorld(now: Instant): World {
  const catalogue = loadCatalogue({});
  let id = 0;
  const zero = { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} };
  const world: World = {
    now,
    state: openMemoryState(() => world.now),
    events: [],
    log: [],
    export: async () => 'success',
    deps: (change = {}) => ({
      store: world.state.store,
      exports: {
        ledger: world.state.ledger,
        owner: currentOwner(),
        clock: () => world.now,
        newId: () => `R${(id += 1)}`,
        card: (type) => catalogue.find(type)?.card,
      },
      run,
      now: () => world.now,
      chance: () => 0,
      emit: (event) => void world.events.push(event),
      signal: new AbortController().signal,
      parallel: 2,
      impatient: false,
      ...change,
    }),
    async apply(name, spec) {
      await using lease = await world.state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      const common = { digest: 'd', source: { file: 'a.yaml', line: 1 }, appliedAt: world.now, fingerprints: {} };
      const full: ActivationSpec = { destination: 'out', segments: ['s'], mapping: [{ source: 'a' }], export: 'incremental', ...spec };
      await world.state.store.commit(
        lease,
        [
          { type: 'put', resource: { ...common, kind: 'Destination', metadata: { name: 'out' }, spec: { type: 'local-directory' } } },
          { type: 'put', resource: { ...common, kind: 'Activation', metadata: { name }, spec: full, activeFrom: world.now } },
        ],
        [],
      );
    },
    runs: () => world.state.ledger.find({}),
  };

  async function run(request: RunActivationRequest): Promise<readonly Run[]> {
    const { activation, segments = [], slot, signal } = request;
    const runs: Run[] = [];
    for (const segment of segments) {
      const { ledger } = world.state;
      const claimed = await ledger.claim({
        activation,
        segment,
        slot,
        mode: 'incremental',
        owner: currentOwner(),
        now: world.now,
        newId: `R${(id += 1)}`,
        staleAfterMs: DAY_MS,
      });
      if (claimed.outcome !== 'claimed') {
        runs.push(
          claimed.outcome === 'done' ? toRun(claimed.run) : { ...toRun(claimed.run), status: 'skipped', error: { code: ALREADY_RUNNING, message: 'busy' } },
        );
        continue;
      }
      const status = await world.export({ activation, segment, slot: slot ?? 0, attempt: claimed.run.attempt, signal });
      world.log.push(`${activation}/${segment}@${new Date(slot ?? 0).toISOString().slice(8, 13)}:${status}`);
      runs.push(toRun(await ledger.finish(claimed.claim, { status, counts: zero, files: [], endedAt: world.now, work: {} })));
    }
    return runs;
  }
  return world;
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
}
