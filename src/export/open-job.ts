import type { ColumnNeed, Engine, OpenedSource } from '../engine/engine.ts';
import { primaryIdentity } from '../engine/profile-model.ts';
import { checkHealth } from './check-health.ts';
import { exclusionsOf, type Exclusions } from './exclusion.ts';
import { carriedColumns, keyColumns, mappedPaths, outputColumns, withMicroseconds, withoutBadText, type OutputColumn } from './output-columns.ts';
import type { ResolvedJob } from './resolve-job.ts';
import type { SegmentJob } from './segment-job.ts';
import { suppressedCondition, suppressedNamespaces, type Suppressions } from './suppression.ts';
import { own } from '../support/own.ts';

/** A job over an opened, healthy source. */
export interface OpenedJob {
  readonly engine: Engine;
  readonly source: OpenedSource;
  readonly columns: readonly OutputColumn[];
  readonly keys: readonly OutputColumn[];
  readonly carried: readonly OutputColumn[];
  readonly exclusions: Exclusions;
}

/** A full export passes over its source once, one that tells of changes twice; the copy of a source of text costs as much as two passes save (measured, README of the engine). */
const PASSES_WORTH_A_COPY = 3;

/** Where several jobs read one source with one engine, what they read is made ready for all of them when the first is opened. */
export function shareReading(resolved: readonly ResolvedJob[], suppressions: Suppressions | undefined, engineOf: (one: ResolvedJob) => Engine): void {
  for (const together of Map.groupBy(resolved, ({ model }) => model.name).values()) {
    const [first] = together;
    const passes = together.reduce((sum, { settings }) => sum + (settings.mode === 'incremental' ? 2 : 1), 0);
    if (first === undefined || together.length === 1 || passes < PASSES_WORTH_A_COPY) continue;
    const jobs = together.map(({ job }) => ({ ...job, suppressions }));
    engineOf(first).share(jobs.map((job) => needOf(job, forgottenIn(job))));
  }
}

function needOf({ audience, mapping, expressionPaths, guards }: SegmentJob, forgotten: readonly string[]): ColumnNeed {
  const identities = forgotten.map((namespace) => `identityMap.${namespace}`);
  const readsEvents = audience.eventColumns !== undefined || expressionPaths.event !== undefined || guards?.maxSourceAge !== undefined;
  return {
    profile: [...new Set([...audience.profileColumns, ...mappedPaths(mapping), ...expressionPaths.profile, ...identities])],
    event: readsEvents ? [...(audience.eventColumns ?? []), ...(expressionPaths.event ?? [])] : undefined,
  };
}

/** The identities by which somebody was forgotten. */
function forgottenIn({ suppressions, attributes }: SegmentJob): readonly string[] {
  return suppressedNamespaces(suppressions).filter((namespace) => own(attributes.identities, namespace) !== undefined);
}

/** Opens the source for what a job reads and judges its health; throws as `checkHealth` does. */
export async function openJob(engine: Engine, job: SegmentJob): Promise<OpenedJob> {
  const { audience, mapping, expressionPaths } = job;
  const { namespace: primary } = primaryIdentity(job.attributes);
  const forgotten = forgottenIn(job);
  const source = await engine.open(needOf(job, forgotten));
  checkHealth(source.health, job.attributes, job.attributesName);
  const excludeOverflow = job.attributes.badValues === 'exclude';
  const asDeclared = outputColumns(mapping, source.columns, primary, job.expressions, excludeOverflow);
  const exact = job.file.format === 'parquet' ? asDeclared.map(withMicroseconds) : asDeclared;
  const columns = source.health.badValues.some((bad) => bad.of === 'profile') ? exact.map(withoutBadText) : exact;
  return {
    engine,
    source,
    columns,
    keys: keyColumns(columns),
    carried: carriedColumns(columns),
    exclusions: exclusionsOf(audience, columns, source.health, {
      forgotten: suppressedCondition(job.suppressions, forgotten, primary),
      computed: expressionPaths.event,
      excludeOverflow,
    }),
  };
}
