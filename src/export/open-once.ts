import type { Connector } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../storage/storage.ts';
import { withSignal } from '../storage/with-signal.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import type { ExportDeps } from './deps.ts';
import type { ResolvedJob } from './resolve-job.ts';

export interface OpenOnce extends AsyncDisposable {
  storage(job: ResolvedJob): Promise<Storage>;
  connector(job: ResolvedJob): Promise<Connector | undefined>;
  engine(job: ResolvedJob): Engine;
}

/** Segments of one activation share connections and the opened source. */
export function openOnce(deps: ExportDeps, signal: AbortSignal | undefined): OpenOnce {
  const storages = new Map<string, Promise<Storage>>();
  const connectors = new Map<string, Promise<Connector | undefined>>();
  const engines = new Map<string, Engine>();
  return {
    storage: ({ storage }) => remember(storages, canonicalJson(storage), async () => withSignal(await deps.storage(storage), signal)),
    connector: ({ job }) => remember(connectors, job.destinationName, () => deps.connector(job.destinationName, job.destination)),
    engine: ({ model }) => remember(engines, model.name, () => deps.engine(model, signal)),
    async [Symbol.asyncDispose]() {
      const opened = await Promise.allSettled([...storages.values(), ...connectors.values()]);
      const disposables = opened.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []));
      await Promise.allSettled([...disposables, ...engines.values()].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}
