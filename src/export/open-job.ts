import type { Engine, OpenedSource } from '../engine/engine.ts';
import { primaryIdentity } from '../engine/profile-model.ts';
import { checkHealth } from './check-health.ts';
import { exclusionsOf, type Exclusions } from './exclusion.ts';
import { carriedColumns, keyColumns, mappedPaths, outputColumns, withMicroseconds, withoutBadText, type OutputColumn } from './output-columns.ts';
import type { SegmentJob } from './segment-job.ts';
import { suppressedCondition, suppressedNamespaces } from './suppression.ts';
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

/** Opens the source for what a job reads and judges its health; throws as `checkHealth` does. */
export async function openJob(engine: Engine, job: SegmentJob): Promise<OpenedJob> {
  const { audience, mapping, expressionPaths } = job;
  const events =
    audience.eventColumns === undefined && expressionPaths.event === undefined && job.guards?.maxSourceAge === undefined
      ? undefined
      : [...(audience.eventColumns ?? []), ...(expressionPaths.event ?? [])];
  const { namespace: primary } = primaryIdentity(job.attributes);
  const forgotten = suppressedNamespaces(job.suppressions).filter((namespace) => own(job.attributes.identities, namespace) !== undefined);
  const source = await engine.open({
    profile: [
      ...new Set([
        ...audience.profileColumns,
        ...mappedPaths(mapping),
        ...expressionPaths.profile,
        ...forgotten.map((namespace) => `identityMap.${namespace}`),
      ]),
    ],
    event: events,
  });
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
