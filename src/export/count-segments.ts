import type { AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { byParts, withinMemory } from './by-parts.ts';
import { checkHealth } from './check-health.ts';
import { compileCounts } from './compile-job.ts';
import type { AppliedResources, EngineDeps } from './deps.ts';
import type { ColumnNeed, Engine } from '../engine/engine.ts';
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
      const row = await count(engine, statement, need, signal);
      some.forEach((segment, index) => members.set(segment, row[`c${index}`] ?? 0));
    }
  }
  return segments.map((segment) => ({ segment, members: members.get(segment) ?? 0 }));
}

/** One row of counts. */
async function count(engine: Engine, statement: Sql, need: ColumnNeed, signal: AbortSignal | undefined): Promise<Readonly<Record<string, number>>> {
  const once = async (): Promise<Readonly<Record<string, number>>> => {
    const [row] = await engine.rows(statement, signal, { joinsAsWritten: true });
    return Object.fromEntries(Object.entries(row ?? {}).map(([name, members]) => [name, Number(members)]));
  };
  if (need.event === undefined) return once();
  return withinMemory(engine, once, async () => {
    const sums: Record<string, number> = {};
    for (const counts of await byParts(engine, once)) for (const [name, members] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + members;
    return sums;
  });
}
