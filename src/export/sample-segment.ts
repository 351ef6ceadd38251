import type { Cell, Engine } from '../engine/engine.ts';
import { profileColumns } from '../engine/profile-model.ts';
import { attributeColumn } from '../model/attribute-column.ts';
import type { AttributesSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { ident, joinSql, literal, sql } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import { checkHealth } from './check-health.ts';
import { compileCondition } from './compile-job.ts';
import type { AppliedResources, EngineDeps } from './deps.ts';
import { exclusionsOf } from './exclusion.ts';
import { hideValue, maskIdentity } from './mask-value.ts';
import { withAudience } from './settle-audience.ts';
import { findApplied } from './find-applied.ts';

export interface SampleRequest {
  readonly resources: AppliedResources;
  /** A PQL condition over these Attributes. */
  readonly attributes: string;
  readonly pql: string;
  /** The segment's name, for messages. */
  readonly segment: string;
  readonly now: Instant;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SegmentSample {
  readonly members: number;
  /** At most `limit` members: the primary identity and the attributes that decide; what identifies or is labelled is masked. */
  readonly sample: readonly Readonly<Record<string, Cell>>[];
}

/** Size and a masked sample of a segment that need not be applied. */
export async function sampleSegment(deps: EngineDeps, request: SampleRequest): Promise<SegmentSample> {
  const { resources, now, signal } = request;
  const attributes = findApplied<AttributesSpec>(resources, 'Attributes', request.attributes).spec;
  const source = findApplied<SourceSpec>(resources, 'Source', attributes.source).spec;
  const audience = compileCondition(resources, request.attributes, request.segment, request.pql, now);
  await using engine = deps.engine({ name: request.attributes, attributes, sourceName: attributes.source, source }, signal);
  return await withAudience(engine, { audience }, signal, (asking) => sample(engine, asking.audience, attributes, request));
}

async function sample(
  engine: Engine,
  audience: Audience,
  attributes: AttributesSpec,
  { attributes: name, limit, signal }: SampleRequest,
): Promise<SegmentSample> {
  const { health } = await engine.open({ profile: audience.profileColumns, event: audience.eventColumns });
  checkHealth(health, attributes, name);
  const condition = exclusionsOf(audience, [], health).candidates;
  const [count] = await engine.rows(sql`${audience.with}select count(*) as "n" from ${audience.from} where ${condition}`, signal);
  if (limit === 0) return { members: Number(count?.['n'] ?? 0), sample: [] };
  const shown = [...new Set(audience.profileColumns)];
  const list = [sql`p."id" as "id"`, ...shown.map((path) => sql`cast(p.${ident(attributeColumn(path))} as varchar) as ${ident(attributeColumn(path))}`)];
  const rows = await engine.rows(sql`${audience.with}select ${joinSql(list, ', ')} from ${audience.from} where ${condition} limit ${literal(limit)}`, signal);
  const masks = masksOf(attributes);
  return {
    members: Number(count?.['n'] ?? 0),
    sample: rows.map((row) =>
      Object.fromEntries([
        ['id', maskIdentity(row['id'] ?? null)],
        // The attribute of that name as PQL can write it.
        ...shown.map((path) => {
          const value = row[attributeColumn(path)] ?? null;
          return [path === 'id' ? '$1.id' : path, masks.get(path)?.(value) ?? value] as const;
        }),
      ]),
    ),
  };
}

/**
 * Identities, and fields with any data usage label: a sample is for looking at conditions, not at people. By column: under a second name, without the label,
 * it holds the same.
 */
function masksOf(attributes: AttributesSpec): ReadonlyMap<string, (value: Cell) => Cell> {
  const { identities, fields = {} } = attributes;
  const labelled = Object.values(fields).filter(({ labels = [] }) => labels.length > 0);
  const byColumn = new Map([
    ...labelled.map(({ column }) => [column, hideValue] as const),
    ...Object.values(identities).map(({ column }) => [column, maskIdentity] as const),
  ]);
  const masks = new Map<string, (value: Cell) => Cell>();
  for (const { path, column } of profileColumns(attributes)) {
    const mask = byColumn.get(column);
    if (mask !== undefined) masks.set(path, mask);
  }
  return masks;
}
