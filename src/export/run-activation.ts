import { mkdir } from 'node:fs/promises';
import type { Connector } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import { checkSlot } from './check-slot.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { encryptionStages } from './encryption.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { runSegment } from './run-segment.ts';

export interface RunActivationRequest {
  /** What is applied: the activation and all it refers to. */
  readonly resources: AppliedResources;
  readonly activation: string;
  readonly segments?: readonly string[] | undefined;
  /** Null: a new full export now, which moves neither snapshot nor ledger. */
  readonly slot: Instant | null;
  readonly now: Instant;
  /** The slot is the time of an evaluation that fires `schedule: {after: evaluation}`. */
  readonly evaluation?: boolean | undefined;
  /** `--allow-removed=N`. */
  readonly allowRemoved?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Exports the segments of an activation, one after another, each in a run of its own; a segment that fails does not stop the others.
 * Returns one run per segment: new ones, or the recorded one of a slot that ended in success. Throws `AppError`: RC4015 unknown or not applied (64),
 * RC4017 a slot that is none (64), RC4018 another process is at it and nothing else was to be done (5), RC4019 outside the schedule's days.
 */
export async function runActivation(deps: ExportDeps, request: RunActivationRequest): Promise<readonly Run[]> {
  const resolved = resolveJobs(request, deps.card);
  for (const one of resolved) await checkSlot(deps.ledger, one, request);
  await mkdir(deps.paths.spool, { recursive: true, mode: 0o700 });
  await using open = openOnce(deps, request.signal);
  const runs: Run[] = [];
  let busy: RunRecord | undefined;
  for (const one of resolved) {
    request.signal?.throwIfAborted();
    const job = { ...one.job, stages: await encryptionStages(one.job.destination, deps) };
    const { outcome, run } = await runSegment({
      deps,
      job,
      storage: await open.storage(one),
      connector: await open.connector(one),
      engine: () => open.engine(one),
      signal: request.signal,
    });
    if (outcome === 'busy') busy = run;
    else runs.push(toRun(run));
  }
  if (busy !== undefined && runs.length === 0) {
    throw new AppError({
      code: 'RC4018',
      message: `\`${busy.segment}\` of \`${busy.activation}\` is being exported already, in run ${busy.id}`,
      hint: `wait for it: reconcile runs show ${busy.id}`,
      exit: ExitCode.locked,
    });
  }
  return runs;
}

/** A record as users see it. */
export function toRun(record: RunRecord): Run {
  const { id, activation, segment, mode, status, counts, files, error } = record;
  return {
    id,
    activation,
    segment,
    slot: record.slot === null ? null : formatInstant(record.slot),
    mode,
    status,
    counts,
    files,
    ...(record.import === undefined ? {} : { import: record.import }),
    startedAt: formatInstant(record.startedAt),
    endedAt: record.endedAt === null ? null : formatInstant(record.endedAt),
    ...(error === undefined ? {} : { error }),
  };
}

interface OpenOnce extends AsyncDisposable {
  storage(job: ResolvedJob): Promise<Storage>;
  connector(job: ResolvedJob): Promise<Connector | undefined>;
  engine(job: ResolvedJob): Engine;
}

/** Segments of one activation share connections and the opened source. */
function openOnce(deps: ExportDeps, signal: AbortSignal | undefined): OpenOnce {
  const storages = new Map<string, Promise<Storage>>();
  const connectors = new Map<string, Promise<Connector | undefined>>();
  const engines = new Map<string, Engine>();
  const remember = <T>(known: Map<string, T>, key: string, make: () => T): T => {
    const found = known.get(key) ?? make();
    known.set(key, found);
    return found;
  };
  return {
    storage: ({ storage }) => remember(storages, canonicalJson(storage), () => deps.storage(storage)),
    connector: ({ job }) => remember(connectors, job.destinationName, () => deps.connector(job.destinationName, job.destination)),
    engine: ({ model }) => remember(engines, model.name, () => deps.engine(model, signal)),
    async [Symbol.asyncDispose]() {
      const opened = await Promise.allSettled([...storages.values(), ...connectors.values()]);
      const disposables = opened.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []));
      await Promise.allSettled([...disposables, ...engines.values()].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}
