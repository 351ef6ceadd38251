import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDuckDbEngine, type DuckDbEngineOptions } from '../../src/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Audience } from '../../src/export/audience.ts';
import { compileExpressions } from '../../src/export/compile-job.ts';
import type { AppliedResources, ExportDeps } from '../../src/export/deps.ts';
import { fileSettings } from '../../src/export/file-settings.ts';
import { prepareRun } from '../../src/export/prepare-run.ts';
import { runSegment, type SegmentOutcome } from '../../src/export/run-segment.ts';
import type { SegmentJob } from '../../src/export/segment-job.ts';
import type { AttributesSpec, FileSpec, MappingEntry } from '../../src/model/generated/kinds.ts';
import { noSql, sql, type Sql } from '../../src/sql/sql.ts';
import { currentOwner } from '../../src/state/owner.ts';
import { openMemoryState } from '../../src/state/memory/open-memory-state.ts';
import type { OpenedState } from '../../src/state/opened-state.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { effectiveActivation } from '../../src/activation/effective.ts';

/** A project folder with one CSV of people, in which one segment is exported by hand-made jobs: no manifests, and no PQL but in calculated columns. */
export interface ExportBench extends AsyncDisposable {
  readonly folder: string;
  readonly state: OpenedState;
  writePeople(text: string): Promise<void>;
  run(change?: Partial<BenchJob>): Promise<SegmentOutcome>;
  /** Only makes the files, in the spool, where they are at these paths: by one engine for all calls, over the attributes and the dataset of the first. */
  write(change?: Partial<BenchJob>): Promise<readonly string[]>;
  read(name: string): Promise<string>;
}

export interface BenchJob {
  readonly predicate: Sql;
  readonly profileColumns: readonly string[];
  readonly mapping: readonly MappingEntry[];
  readonly attributes: AttributesSpec;
  readonly file: FileSpec;
  readonly mode: 'full' | 'incremental';
  readonly slot: number | null;
  readonly guards: SegmentJob['guards'];
  readonly allow: SegmentJob['allow'];
  readonly name: string;
  readonly spaces: boolean;
  readonly dataset: string;
  readonly crashPoint: (name: string) => void;
  readonly deps: Partial<ExportDeps>;
  readonly stages: SegmentJob['stages'];
  readonly target: string;
  readonly encryption: SegmentJob['destination']['encryption'];
  readonly memory: Pick<DuckDbEngineOptions, 'memoryLimitMb' | 'mostMemoryMb'>;
}

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  identities: {
    crmId: { column: 'id', primary: true },
    Email: { column: 'email' },
  },
  fields: {
    first: { column: 'first', type: 'string' },
    last: { column: 'last', type: 'string' },
    country: { column: 'country', type: 'string' },
    income: { column: 'income', type: 'decimal' },
  },
};

export async function openExportBench(): Promise<ExportBench> {
  const folder = await mkdtemp(join(tmpdir(), 'export-bench-'));
  const state = openMemoryState();
  let ids = 0;
  const stateFolder = join(folder, '.reconcile');
  await mkdir(stateFolder);
  const storage = createLocalStorage({ root: join(folder, 'out') });
  let shared: Engine | undefined;
  const depsOf = (change: Partial<BenchJob>): ExportDeps => ({
    ledger: state.ledger,
    engine: () => {
      throw new Error('not used');
    },
    storage: async () => storage,
    connector: async () => undefined,
    card: () => undefined,
    secret: async () => '',
    owner: currentOwner(),
    clock: () => Date.now(),
    sleep: async () => {},
    newId: () => `run-${(ids += 1)}`,
    log: () => {},
    paths: {
      project: folder,
      state: stateFolder,
      spool: join(stateFolder, 'spool'),
      snapshots: join(stateFolder, 'snapshots'),
      cache: join(stateFolder, 'cache'),
    },
    ...(change.crashPoint === undefined ? {} : { crashPoint: change.crashPoint }),
    ...change.deps,
  });
  return {
    folder,
    state,
    writePeople: (text) => writeFile(join(folder, 'people.csv'), text),
    read: (name) => readFile(join(folder, 'out', name), 'utf8'),
    async run(change = {}) {
      const job = jobOf(change);
      const deps = depsOf(change);
      await using engine = openEngine(folder, job.attributes, change.dataset ?? 'people.csv', change.memory);
      const { stages } = job;
      return await runSegment({
        deps,
        job,
        retries: () => ({ times: 0, last: '' }),
        open: async () => ({ storage: await deps.storage(job.destination.storage ?? { type: 'local', path: 'out' }), connector: undefined }),
        encryption: async () => ({ stages, keys: undefined }),
        engine: () => engine,
        signal: undefined,
      });
    },
    async write(change = {}) {
      const job = jobOf(change);
      const { paths, newId } = depsOf(change);
      const engine = (shared ??= openEngine(folder, job.attributes, change.dataset ?? 'people.csv'));
      const runId = newId();
      const { work } = await prepareRun({
        job,
        runId,
        engine,
        ledger: state.ledger,
        storage,
        paths,
        who: false,
        signal: undefined,
        step: ignore,
        crashPoint: ignore,
      });
      return (work.parts ?? []).map(({ file }) => join(paths.spool, runId, file));
    },
    async [Symbol.asyncDispose]() {
      await shared?.[Symbol.asyncDispose]();
      await state.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function ignore(): void {}

function jobOf(change: Partial<BenchJob>): SegmentJob {
  const attributes = change.attributes ?? ATTRIBUTES;
  const spec = {
    destination: 'outbox',
    segments: ['all'],
    mapping: [...(change.mapping ?? [{ source: 'identityMap.crmId', target: 'id' }, { source: 'first' }])],
    file: change.file ?? {},
  };
  const effective = effectiveActivation('act', spec);
  const audience: Audience = {
    segment: 'all',
    with: noSql,
    from: sql`profile p`,
    predicate: change.predicate ?? sql`true`,
    profileColumns: change.profileColumns ?? [],
    eventColumns: undefined,
  };
  const mapping = effective.mapping.map(({ entry, target }) => ({ entry, target }));
  const applied: AppliedResources = new Map([['Attributes/customer', { metadata: { name: 'customer' }, spec: attributes }]]);
  const { compiled, join: calculated, rows: calculatedRows, paths: expressionPaths } = compileExpressions(applied, 'customer', mapping, change.slot ?? 0);
  const settings = effective.segments[0]?.file;
  if (settings === undefined) throw new Error('no segment');
  return {
    activation: 'act',
    segment: 'all',
    mode: change.mode ?? 'full',
    slot: change.slot ?? null,
    time: change.slot ?? 0,
    attributesName: 'customer',
    attributes,
    destinationName: 'outbox',
    destination: {
      type: 'local-directory',
      storage: { type: 'local', path: 'out' },
      ...(change.encryption === undefined ? {} : { encryption: change.encryption }),
    },
    audience,
    mapping,
    expressions: compiled,
    expressionPaths,
    calculated,
    calculatedRows,
    file: fileSettings(settings, change.spaces === true),
    guards: change.guards,
    stages: change.stages ?? [],
    partKey: (part) => `${change.name ?? 'out'}${part === 1 ? '' : `_${part}`}.${settings.format}`,
    folder: '',
    target: change.target ?? 'here',
    endpoint: undefined,
    allow: change.allow,
    again: 'reconcile run act --segment all',
  };
}

function openEngine(folder: string, attributes: AttributesSpec, path: string, memory: BenchJob['memory'] = { memoryLimitMb: 256 }): Engine {
  const stateFolder = join(folder, '.reconcile');
  return createDuckDbEngine({
    model: {
      name: 'customer',
      attributes,
      sourceName: 'shop',
      source: { engine: 'duckdb', datasets: { people: { path } } },
    },
    project: folder,
    cacheFolder: join(stateFolder, 'cache'),
    temporaryFolder: join(stateFolder, 'tmp'),
    ...memory,
  });
}
