import type { Connector } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import type { Retries } from '../model/run.ts';
import type { Storage } from '../storage/storage.ts';
import type { StorageRetry } from '../storage/with-retry.ts';
import { withSignal } from '../storage/with-signal.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import type { ExportDeps } from './deps.ts';
import type { ResolvedJob } from './resolve-job.ts';

export interface OpenOnce extends AsyncDisposable {
  storage(job: ResolvedJob): Promise<Storage>;
  /** What that storage had to be asked again so far, whoever asked. */
  retries(job: ResolvedJob): Retries;
  connector(job: ResolvedJob): Promise<Connector | undefined>;
  engine(job: ResolvedJob): Engine;
}

/** Segments of one activation share connections and the opened source. */
export function openOnce(deps: ExportDeps, signal: AbortSignal | undefined): OpenOnce {
  const storages = new Map<string, Promise<Storage>>();
  const retries = new Map<string, Retries>();
  const connectors = new Map<string, Promise<Connector | undefined>>();
  const engines = new Map<string, Engine>();
  return {
    storage: ({ storage }) => {
      const key = canonicalJson(storage);
      const count = ({ error }: StorageRetry): void => void retries.set(key, { times: (retries.get(key)?.times ?? 0) + 1, last: error.message });
      return remember(storages, key, async () => withSignal(await deps.storage(storage, count), signal));
    },
    retries: ({ storage }) => retries.get(canonicalJson(storage)) ?? { times: 0, last: '' },
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
