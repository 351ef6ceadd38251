import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { CommandContext } from './cli/context.ts';
import { loadCatalogue, requireType, type Catalogue } from './destination/catalogue.ts';
import type { ConnectorContext, CreateConnector } from './destination/connector.ts';
import { Database, type DatabaseOptions } from './engine/duckdb/database.ts';
import { createDuckDbEngine } from './engine/duckdb/duckdb-engine.ts';
import type { ProfileModel } from './engine/profile-model.ts';
import type { ExportDeps, ExportProgress } from './export/deps.ts';
import { AppError } from './model/app-error.ts';
import { ExitCode } from './model/exit-code.ts';
import type { ProjectSpec } from './model/generated/kinds.ts';
import type { Resource, SecretRef } from './model/resource.ts';
import type { StateReport } from './state/opened-state.ts';
import { currentOwner } from './state/owner.ts';
import { makePrivateFolder } from './state/private-folder.ts';
import type { RunLedger } from './state/run-ledger.ts';
import type { StateStore } from './state/state-store.ts';
import type { StorageRetry } from './storage/with-retry.ts';
import { loadProjectFile } from './validate/load-project.ts';
import { printableLine } from './support/printable.ts';

/** A project with what stands behind its ports. Nothing is opened before it is used; the one who opened it disposes it. */
export interface OpenedProject extends AsyncDisposable {
  readonly directory: string;
  /** `.reconcile`: state, cache, spool, snapshots. Absolute. */
  readonly stateFolder: string;
  readonly project: Resource<ProjectSpec>;
  readonly store: StateStore;
  readonly ledger: RunLedger;
  /** Looks through everything that is recorded, for `state doctor`. */
  readonly inspectState: () => Promise<StateReport>;
  readonly catalogue: () => Catalogue;
  /** The value of a secret; throws RC1405 when it is not there. */
  readonly secret: (ref: SecretRef) => Promise<string>;
  readonly engine: ExportDeps['engine'];
  /**
   * Begins to open the database that the next engine takes, for commands that will surely read the source: resolves when it opens by itself, while
   * segments are read and compiled. Never rejects; what goes wrong is told by the engine.
   */
  startEngine(): Promise<void>;
  readonly storage: ExportDeps['storage'];
  readonly connector: ExportDeps['connector'];
  /** Everything an export needs. */
  exportDeps(progress?: (progress: ExportProgress) => void): ExportDeps;
}

/** The engine's own buffers; the whole process stays about 150 MB above it, whatever the rows. Two threads can write 13 columns within it. */
const MEMORY_LIMIT_MB = 224;
/** The same while more columns are written: 22 of them by two threads. */
const WIDE_MEMORY_MB = 384;
/** For what does not do with that: the process stays under 2 GiB, and leaves half of a smaller machine to others. */
const MOST_MEMORY_MB = 1024;

const BUILT_IN_CONNECTORS: Readonly<Record<string, () => Promise<{ readonly default: CreateConnector }>>> = {
  'adobe-campaign-managed-services': () => import('../destinations/adobe-campaign-managed-services/connector.ts'),
  'http-api': () => import('../destinations/http-api/connector.ts'),
};

/** Wires the adapters for the project that the command line names. Reads reconcile.yaml and no other manifest. */
export async function openProject(context: CommandContext): Promise<OpenedProject> {
  const { directory, environment, variables } = context.options;
  const project = loadProjectFile({ directory, environment, variables });
  const stateFolder = join(directory, '.reconcile');
  const secret = (ref: SecretRef): Promise<string> => readSecret(ref, directory);
  const { openSqliteState } = await import('./state/sqlite/open-sqlite-state.ts');
  const state = await openSqliteState({ path: await statePath(context, project.spec, secret), clock: context.clock });
  let catalogue: Catalogue | undefined;
  const getCatalogue = (): Catalogue => (catalogue ??= loadCatalogue({ projectDirectory: directory }));

  const database: DatabaseOptions = {
    project: directory,
    temporaryFolder: join(stateFolder, 'cache', 'engine'),
    ...readMemoryLimit(),
    threads: availableParallelism(),
  };
  let started: Promise<Database> | undefined;
  const takeDatabase = async (): Promise<Database> => {
    const taken = started;
    started = undefined;
    return (await taken?.catch(() => undefined)) ?? Database.open(database);
  };
  const makeCacheParent = (): void => {
    try {
      // The engine's cache may be the first thing in it.
      makePrivateFolder(stateFolder);
    } catch {
      // Where nothing can be written, the engine says so if it has to write.
    }
  };
  const startEngine = async (): Promise<void> => {
    makeCacheParent();
    try {
      started ??= (await Database.begin(database)).opened;
      started.catch(() => undefined);
    } catch {
      // Tried again, and told, by the engine.
    }
  };

  const engine: ExportDeps['engine'] = (model, signal) => {
    makeCacheParent();
    requireEmbedded(model);
    return createDuckDbEngine({
      ...database,
      project: directory,
      model,
      cacheFolder: join(stateFolder, 'cache'),
      openDatabase: takeDatabase,
      ...(signal === undefined ? {} : { signal }),
    });
  };

  const storage: ExportDeps['storage'] = async (spec, tell) => {
    const { createStorage } = await import('./storage/create-storage.ts');
    const onRetry = (retry: StorageRetry): void => {
      const { doing, attempt, pauseMs, error } = retry;
      log('debug', 'the storage is asked again', { doing, attempt, pauseMs, code: error.code, error: error.message });
      tell?.(retry);
    };
    return createStorage(spec, { root: directory, secret, retry: { onRetry } });
  };

  const connector: ExportDeps['connector'] = async (destination, spec) => {
    const entry = requireType(getCatalogue(), spec.type);
    const connectorContext = { name: destination, spec: spec as unknown as ConnectorContext['spec'], secret, clock: context.clock, sleep, log };
    if (entry.connectorPath !== undefined) return (await import('./destination/load-connector.ts')).loadConnector(entry, connectorContext, context.signal);
    const load = BUILT_IN_CONNECTORS[spec.type];
    return load === undefined ? undefined : (await load()).default(connectorContext);
  };

  const log: ExportDeps['log'] = (level, message, fields = {}) => {
    if (level === 'debug' && !context.options.verbose) return;
    context.say(
      context.options.logFormat === 'json'
        ? JSON.stringify({ time: new Date(context.clock()).toISOString(), level, message, ...fields })
        : printableLine(formatLog(message, fields)),
    );
  };

  return {
    directory,
    stateFolder,
    project,
    store: state.store,
    ledger: state.ledger,
    inspectState: state.inspect,
    catalogue: getCatalogue,
    secret,
    engine,
    startEngine,
    storage,
    connector,
    exportDeps: (progress) => ({
      ledger: state.ledger,
      engine,
      storage,
      connector,
      card: (type) => getCatalogue().find(type)?.card,
      secret,
      owner: currentOwner(),
      clock: context.clock,
      sleep,
      newId: () => createRunId(context.clock()),
      log,
      paths: {
        project: directory,
        state: stateFolder,
        spool: join(stateFolder, 'spool'),
        snapshots: join(stateFolder, 'snapshots'),
        cache: join(stateFolder, 'cache'),
      },
      rowsPerPart: readRowsPerPart(),
      crashPoint,
      ...(progress === undefined ? {} : { progress }),
    }),
    async [Symbol.asyncDispose]() {
      await (await started?.catch(() => undefined))?.[Symbol.asyncDispose]();
      await state.close();
    },
  };
}

/** Runs are sorted by their ids: ten characters of time, sixteen of chance (a ULID, github.com/ulid/spec). */
function createRunId(now: number): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit += 1, rest = Math.floor(rest / 32)) time = `${alphabet[rest % 32] ?? ''}${time}`;
  const chance = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => alphabet[byte % 32] ?? '').join('');
  return `${time}${chance}`;
}

/** Tests of crashes kill the process at a named instant; nothing else sets this variable. */
function crashPoint(name: string): void {
  if (process.env['RECONCILE_CRASH_AT'] === name) process.kill(process.pid, 'SIGKILL');
}

/** Tests of what is done in parts make them smaller; nothing else sets this variable. */
function readRowsPerPart(): number | undefined {
  return Number(process.env['RECONCILE_ROWS_PER_PART']) || undefined;
}

const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await wait(ms, undefined, signal === undefined ? {} : { signal });
};

function formatLog(message: string, fields: Readonly<Record<string, unknown>>): string {
  const tail = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [message, ...tail].join('  ');
}

async function statePath(context: CommandContext, spec: ProjectSpec, secret: (ref: SecretRef) => Promise<string>): Promise<string> {
  const declared = context.options.state ?? spec.state ?? 'sqlite:.reconcile/state.db';
  const url = typeof declared === 'string' ? declared : await secret(declared);
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    const scheme = /^[a-z]+:/.exec(url)?.[0] ?? 'this';
    throw new AppError({
      code: 'RC3004',
      message: `this version keeps its state in SQLite; \`${scheme}\` is not supported`,
      hint: 'write spec.state as sqlite:PATH',
      exit: context.options.state === undefined ? ExitCode.failed : ExitCode.badUsage,
    });
  }
  return isAbsolute(path) ? path : resolve(context.options.directory, path);
}

async function readSecret(ref: SecretRef, directory: string): Promise<string> {
  if ('env' in ref) {
    const value = process.env[ref.env];
    if (value !== undefined && value !== '') return value;
    const what = value === undefined ? 'not set' : 'set and empty';
    throw noSecret(`the environment variable \`${ref.env}\` is ${what}; a secret is read from it`, `export ${ref.env}=… where reconcile runs`);
  }
  const { file } = ref;
  let text: string;
  try {
    text = (await readFile(resolve(directory, file), 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const where = isAbsolute(file) ? 'put it there, on the machine where reconcile runs' : 'put it there; its path is relative to the project';
      throw noSecret(`there is no secret file \`${file}\``, where, error);
    }
    const [why, hint] = UNREADABLE[code] ?? [code, 'the user that runs reconcile must be able to read it'];
    throw noSecret(`the secret file \`${file}\` cannot be read: ${why}`, hint, error);
  }
  if (text === '') throw noSecret(`the secret file \`${file}\` is empty`, 'write the secret into it');
  return text;
}

function noSecret(message: string, hint: string, cause?: unknown): AppError {
  return new AppError({ code: 'RC1405', message, hint, cause });
}

const UNREADABLE: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EACCES: ['access is denied', 'let the user that runs reconcile read it'],
  EISDIR: ['it is a folder', 'name the file in it'],
};

function requireEmbedded({ source, sourceName }: ProfileModel): void {
  if (source.engine === 'duckdb') return;
  throw new AppError({
    code: 'RC2010',
    message: `the engine \`${source.engine}\` of the Source \`${sourceName}\` is not in this version`,
    hint: 'use `engine: duckdb`',
  });
}

function readMemoryLimit(): Pick<DatabaseOptions, 'memoryLimitMb' | 'wideMemoryMb' | 'mostMemoryMb'> {
  const wanted = Number(process.env['RECONCILE_MEMORY_MB']);
  if (Number.isFinite(wanted) && wanted >= 64) return { memoryLimitMb: wanted };
  const machineMb = Math.floor(Math.min(totalmem(), process.constrainedMemory() || Infinity) / 1e6);
  return { memoryLimitMb: MEMORY_LIMIT_MB, wideMemoryMb: WIDE_MEMORY_MB, mostMemoryMb: Math.max(MEMORY_LIMIT_MB, Math.min(MOST_MEMORY_MB, machineMb / 2)) };
}
