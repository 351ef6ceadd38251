import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instant } from '../model/instant.ts';
import type { Engine } from '../engine/engine.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { measureGuards, sourceFacts } from './measure-guards.ts';
import { lastSnapshot, whyStartedOver } from './last-snapshot.ts';
import { openJob, shareReading } from './open-job.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import type { SegmentJob } from './segment-job.ts';
import { selectJob } from './select-job.ts';
import { readSuppressions } from './suppression.ts';
import { withAudience } from './settle-audience.ts';

type MeasureDeps = Pick<ExportDeps, 'ledger' | 'engine' | 'card' | 'paths' | 'newId'>;

export interface MeasureRequest {
  /** The resources as they would run: for a plan, the desired ones. */
  readonly resources: AppliedResources;
  readonly activation: string;
  readonly segments?: readonly string[] | undefined;
  readonly now: Instant;
  /** The next slot, for the text of the override that a held run would need. */
  readonly slot?: Instant | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What an export of one segment would do now. */
export interface Measure {
  readonly activation: string;
  readonly segment: string;
  readonly members: number;
  /** Against the members last delivered; with no snapshot everybody is added. */
  readonly added: number;
  readonly removed: number;
  /** Rows of the next file, and those left out of it by reason. */
  readonly received: number;
  readonly activated: number;
  readonly excluded: Readonly<Record<string, number>>;
  /** False: there is no snapshot to compare with, so that an incremental export starts with everybody. */
  readonly hasSnapshot: boolean;
  /** Why there is none to compare with, though members have been delivered before. */
  readonly startsOver?: string;
  /** What would hold the run, with the override that would let it pass. */
  readonly held?: {
    readonly message: string;
    /** The flags that would let it pass. */
    readonly overrides: readonly string[];
  };
  /** The first file's name. */
  readonly file: string;
}

/**
 * Counts what an activation's next export would do, per segment, without any effect but in the cache. A problem with a source is thrown as the run
 * itself would meet it.
 */
export async function measureActivation(deps: MeasureDeps, request: MeasureRequest): Promise<readonly Measure[]> {
  const resolved = resolveJobs({ ...request, slot: request.slot ?? request.now }, deps.card);
  const engines = new Map<string, Engine>();
  const measures: Measure[] = [];
  const suppressions = await readSuppressions(deps.paths);
  const engineOf = ({ model }: ResolvedJob): Engine => {
    const engine = engines.get(model.name) ?? deps.engine(model, request.signal);
    engines.set(model.name, engine);
    return engine;
  };
  try {
    shareReading(resolved, suppressions, engineOf);
    for (const one of resolved) {
      const job = { ...one.job, suppressions };
      const engine = engineOf(one);
      measures.push(await withAudience(engine, job, request.signal, (asked) => measureJob(deps, engine, asked, request)));
    }
  } finally {
    await Promise.allSettled([...engines.values()].map((engine) => engine[Symbol.asyncDispose]()));
  }
  return measures;
}

async function measureJob(deps: MeasureDeps, engine: Engine, job: SegmentJob, request: MeasureRequest): Promise<Measure> {
  const folder = join(deps.paths.cache, `measure-${deps.newId()}`);
  try {
    const opened = await openJob(engine, job);
    const snapshot = await lastSnapshot(deps, job);
    const startsOver = snapshot === undefined ? await whyStartedOver(deps.ledger, job) : undefined;
    const selection = await selectJob({ job, opened, folder, snapshot, signal: request.signal });
    const { counts } = selection;
    const { held, overrides } = await measureGuards({
      ledger: deps.ledger,
      job,
      opened,
      source: await sourceFacts(job, opened, request.signal),
      recorded: snapshot?.pointer.members ?? 0,
      members: counts.members,
      removed: counts.removed,
      selection,
      signal: request.signal,
    });
    return {
      activation: job.activation,
      segment: job.segment,
      members: counts.members,
      added: counts.joined,
      removed: counts.removed,
      received: counts.received,
      activated: counts.activated,
      excluded: counts.reasons,
      hasSnapshot: snapshot !== undefined,
      file: job.partKey(1),
      ...(startsOver === undefined ? {} : { startsOver: `everybody ${job.mode === 'incremental' ? 'will be sent' : 'counts as new'}: ${startsOver}` }),
      ...(held.length === 0 ? {} : { held: { message: held.map(({ message }) => message).join('; '), overrides } }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
