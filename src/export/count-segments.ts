import { ident, joinSql, sql, type Sql } from '../sql/sql.ts';
import type { AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { checkHealth } from './check-health.ts';
import { compileAudiences, type SharedAudience } from './compile-job.ts';
import type { AppliedResources, EngineDeps } from './deps.ts';
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
      const shared = compileAudiences(resources, some, now);
      const { health } = await engine.open({ profile: shared.profileColumns, event: shared.eventColumns });
      checkHealth(health, attributes, name);
      const [row] = await engine.rows(countsQuery(shared, some), signal);
      some.forEach((segment, index) => members.set(segment, Number(row?.[`c${index}`] ?? 0)));
    }
  }
  return segments.map((segment) => ({ segment, members: members.get(segment) ?? 0 }));
}

/** `c0`, `c1` … of the segments in their order. Alone, a condition stands where it lets the engine read and join no more than it asks for. */
function countsQuery(shared: SharedAudience, segments: readonly string[]): Sql {
  const conditions = segments.map((segment) => shared.predicates.get(segment) ?? sql`false`);
  const [only] = conditions;
  if (only !== undefined && conditions.length === 1) return sql`${shared.with}select count(*) as "c0" from ${shared.from} where ${only}`;
  const counts = conditions.map((condition, index) => sql`count(*) filter (where ${condition}) as ${ident(`c${index}`)}`);
  return sql`${shared.with}select ${joinSql(counts, ', ')} from ${shared.from}`;
}
