import type { AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { checkHealth } from './check-health.ts';
import { compileCounts } from './compile-job.ts';
import type { AppliedResources, EngineDeps } from './deps.ts';
import type { ColumnNeed, Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import type { Sql } from '../sql/sql.ts';
import { findApplied } from './find-applied.ts';

export interface CountRequest {
  readonly resources: AppliedResources;
  readonly segments: readonly string[];
  readonly now: Instant;
  readonly signal?: AbortSignal | undefined;
}

/** Conditions counted in one scan: on text sources the scan is what costs, but each condition over events brings a join of its own. */
const AT_ONCE = 16;

/** How many members each segment has, in the order asked for. Segments of one Attributes resource are counted in common scans. */
export async function countSegments(deps: EngineDeps, request: CountRequest): Promise<readonly { readonly segment: string; readonly members: number }[]> {
  const { resources, segments, now, signal } = request;
  const byAttributes = Map.groupBy(segments, (name) => findApplied<SegmentSpec>(resources, 'Segment', name).spec.attributes);
  const members = new Map<string, number>();
  for (const [name, group] of byAttributes) {
    const attributes = findApplied<AttributesSpec>(resources, 'Attributes', name).spec;
    const source = findApplied<SourceSpec>(resources, 'Source', attributes.source).spec;
    await using engine = deps.engine({ name, attributes, sourceName: attributes.source, source }, signal);
    for (let at = 0; at < group.length; at += AT_ONCE) {
      const some = group.slice(at, at + AT_ONCE);
      const { statement, profileColumns, eventColumns } = compileCounts(resources, some, now);
      const need = { profile: profileColumns, event: eventColumns };
      const { health } = await engine.open(need);
      checkHealth(health, attributes, name);
      const row = await countInMemory(engine, statement, need, signal);
      some.forEach((segment, index) => members.set(segment, Number(row[`c${index}`] ?? 0)));
    }
  }
  return segments.map((segment) => ({ segment, members: members.get(segment) ?? 0 }));
}

/** More parts than this would read the source too often. */
const MAX_PARTS = 256;

/**
 * One row of counts. Lists and sets of values per profile cannot go to disk: when those of all profiles do not fit in memory, profiles are counted part
 * by part, each part so small that it does.
 */
async function countInMemory(engine: Engine, statement: Sql, need: ColumnNeed, signal: AbortSignal | undefined): Promise<Readonly<Record<string, number>>> {
  const count = async (): Promise<Readonly<Record<string, unknown>>> => (await engine.rows(statement, signal, { joinsAsWritten: true }))[0] ?? {};
  let of = 1;
  let done = 0;
  const sums: Record<string, number> = {};
  while (done < of) {
    if (of > 1) await engine.open({ ...need, part: { number: done, of } });
    try {
      for (const [name, members] of Object.entries(await count())) sums[name] = (sums[name] ?? 0) + Number(members);
      done += 1;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'RC2004' || need.event === undefined || of >= MAX_PARTS) throw error;
      of *= 4;
      done = 0;
      for (const name of Object.keys(sums)) sums[name] = 0;
    }
  }
  return sums;
}
