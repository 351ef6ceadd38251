import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActivationSpec, AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { resourceKey } from '../model/resource.ts';
import { explainTree, type ExplainedNode } from '../segment/evaluate/explain-tree.ts';
import { toProfileSchema } from '../segment/profile-schema.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import type { Engine } from '../engine/engine.ts';
import type { Audience } from './audience.ts';
import { checkHealth } from './check-health.ts';
import { compileAudience, typeApplied } from './compile-job.ts';
import type { AppliedResources, EngineDeps, ExportDeps } from './deps.ts';
import { badEventPaths, hasBadEvent } from './exclusion.ts';
import { explainExclusion, type ExplainedExclusion } from './explain-exclusion.ts';
import { findRecorded, recordedMembers, type RecordedMember } from './explain-recorded.ts';
import { findApplied } from './find-applied.ts';
import { whereReadable, type AskStorage } from './left-behind.ts';
import { openJob, type OpenedJob } from './open-job.ts';
import { openOnce } from './open-once.ts';
import { comparedKey, uniqueColumns } from './output-columns.ts';
import { readProfile } from './read-profile.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import type { SegmentJob } from './segment-job.ts';
import { selectJob, type Selection } from './select-job.ts';
import { withAudience } from './settle-audience.ts';
import { readSuppressions } from './suppression.ts';

export interface ExplainRequest {
  readonly resources: AppliedResources;
  /** The primary identity. */
  readonly member: string;
  readonly now: Instant;
  readonly signal?: AbortSignal | undefined;
}

/** What became of somebody in an activation's files. */
export interface ExplainedDelivery extends RecordedMember {
  /** Left, and the next file has a row that says so. */
  readonly exits: boolean;
  /** Left, and no file says so: somebody else has their key. */
  readonly keyStays: boolean;
  readonly excluded: ExplainedExclusion | undefined;
}

export interface ExplainedMember {
  readonly segment: string;
  /** Some profile has this identity now. */
  readonly known: boolean;
  /** By the engine, as an export decides it. */
  readonly isMember: boolean;
  /** Trees by segment: this one's, and those behind each `inSegment`. Empty when nobody is known or the expression cannot be evaluated. */
  readonly trees: ReadonlyMap<string, ExplainedNode>;
  /** Undefined when a segment alone is explained. */
  readonly delivery: ExplainedDelivery | undefined;
}

/** Why somebody is or is not in an applied segment. Throws as `countSegments` does. */
export async function explainSegment(deps: EngineDeps, segment: string, request: ExplainRequest): Promise<ExplainedMember> {
  const { resources, member, now, signal } = request;
  const name = findApplied<SegmentSpec>(resources, 'Segment', segment).spec.attributes;
  const attributes = findApplied<AttributesSpec>(resources, 'Attributes', name).spec;
  const source = findApplied<SourceSpec>(resources, 'Source', attributes.source).spec;
  await using engine = deps.engine({ name, attributes, sourceName: attributes.source, source }, signal);
  return await withAudience(engine, { audience: compileAudience(resources, segment, now) }, signal, async ({ audience }) => {
    const { health } = await engine.open({ profile: audience.profileColumns, event: audience.eventColumns });
    checkHealth(health, attributes, name);
    const [row] = await engine.rows(
      sql`${audience.with}select coalesce(${audience.predicate}, false) as "member" from ${audience.from} where p."id" = ${literal(member)}`,
      signal,
    );
    const trees = await explainTrees(engine, audience, request, attributes);
    return { segment, known: row !== undefined, isMember: row?.['member'] === true, trees, delivery: undefined };
  });
}

/** Why somebody is or is not in the files of an activation, a segment at a time. Throws as an export does before it writes. */
export async function explainActivation(deps: ExportDeps, activation: string, request: ExplainRequest): Promise<readonly ExplainedMember[]> {
  const { resources, now, signal } = request;
  const suppressions = await readSuppressions(deps.paths);
  const explained: ExplainedMember[] = [];
  await using open = openOnce(deps, signal);
  for (const one of resolveJobs({ resources, activation, slot: null, now }, deps.card)) {
    const job = { ...one.job, mode: one.settings.mode, suppressions };
    const storage = whereReadable(() => open.storage(one));
    await using engine = deps.engine(one.model, signal);
    const explain = async (asked: SegmentJob): Promise<ExplainedMember> => {
      const folder = join(deps.paths.spool, `explain-${randomUUID()}`);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        return await explainJob(deps, { ...one, job: asked }, await openJob(engine, asked), request, { folder, storage });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    };
    explained.push(await withAudience(engine, job, signal, explain));
  }
  return explained;
}

/** A folder of the spool to work in, and the destination's storage, which is asked only where slots failed. */
interface ExplainPlace {
  readonly folder: string;
  readonly storage: AskStorage;
}

async function explainJob(
  { ledger, paths }: Pick<ExportDeps, 'ledger' | 'paths'>,
  { job, model }: ResolvedJob,
  opened: OpenedJob,
  request: ExplainRequest,
  { folder, storage }: ExplainPlace,
): Promise<ExplainedMember> {
  const { engine, exclusions, source, columns } = opened;
  const { audience } = job;
  const id = literal(request.member);
  const bad = source.health.badValues.filter(({ of }) => of === 'profile').map(({ path }) => path);
  const badEvents = badEventPaths(audience, source.health, job.expressionPaths.event);
  const [row] = await engine.rows(
    sql`${audience.with}select ${joinSql(
      [
        sql`coalesce(${audience.predicate}, false) as "member"`,
        sql`coalesce(${exclusions.candidates}, false) as "present"`,
        sql`${exclusions.reason} as "reason"`,
        ...bad.map((path, index) => sql`${ident('p', `${path}#bad`)} as ${ident(`bad${index}`)}`),
        ...badEvents.map((path, index) => sql`${hasBadEvent([path])} as ${ident(`badEvent${index}`)}`),
      ],
      ', ',
    )} from ${audience.from}${job.calculated} where p."id" = ${id}`,
    request.signal,
  );
  const trees = await explainTrees(engine, audience, request, model.attributes);
  const asked = { ledger, paths, job, opened, folder, storage, signal: request.signal };
  const members = await recordedMembers(asked);
  const recorded = await findRecorded(asked, members, request.member);
  const select = (): Promise<Selection> => selectJob({ job, opened, folder, snapshot: members.told, signal: request.signal });
  const present = row?.['present'] === true;
  const facts = {
    bad: bad.filter((_, index) => row?.[`bad${index}`] === true),
    badEvents: badEvents.filter((_, index) => row?.[`badEvent${index}`] === true),
    mapping: findApplied<ActivationSpec>(request.resources, 'Activation', job.activation).spec.mapping,
  };
  const reason = present && typeof row?.['reason'] === 'string' ? row['reason'] : undefined;
  const lost = present && reason === undefined ? await findLost(opened, select, request) : undefined;
  const excludedBy = reason ?? lost?.reason;
  const leaves =
    (recorded.delivered || recorded.unsettled.length > 0) && !present && job.mode === 'incremental' && columns.some(({ kind }) => kind === 'status');
  const keyStays = leaves && (await isSilent(opened, select, request));
  return {
    segment: job.segment,
    known: row !== undefined,
    isMember: row?.['member'] === true,
    trees,
    delivery: {
      ...recorded,
      exits: leaves && !keyStays,
      keyStays,
      excluded: excludedBy === undefined ? undefined : explainExclusion(excludedBy, job, columns, { ...facts, winner: lost?.winner }),
    },
  };
}

/** The evaluator's word, part by part, on the values that the engine read. */
async function explainTrees(
  engine: Engine,
  audience: Audience,
  { resources, member, now, signal }: ExplainRequest,
  attributes: AttributesSpec,
): Promise<ReadonlyMap<string, ExplainedNode>> {
  const { segment, profileColumns, eventColumns } = audience;
  const profile = await readProfile(engine, { schema: toProfileSchema(attributes), id: member, profileColumns, eventColumns, signal });
  if (profile === undefined) return new Map();
  const segments = typeApplied(resources, segment);
  try {
    return new Map(
      [...segments].map(([name, typed]) => [
        name,
        explainTree(typed, findApplied<SegmentSpec>(resources, 'Segment', name).spec.pql, profile, { now, segments }),
      ]),
    );
  } catch (error) {
    // A number beyond 64 bits: the engine has said so already, or did not have to look.
    if (error instanceof RangeError) return new Map();
    throw error;
  }
}

/** Selects as the next export would. */
type Select = () => Promise<Selection>;

/** Whether somebody loses against others with the same key, found as an export finds it; who wins. */
async function findLost(
  opened: OpenedJob,
  select: Select,
  request: ExplainRequest,
): Promise<{ readonly reason: string; readonly winner: string | undefined } | undefined> {
  const { engine, keys, columns } = opened;
  const { member, signal } = request;
  if (keys.length === 0 && uniqueColumns(columns).length === 0) return undefined;
  const { relation, losers, rounds } = await select();
  for (const { reason, keys: by, losers: round } of rounds) {
    if (!(await holds(engine, round, request))) continue;
    const same = by.map((key) => {
      const [other, theirs] = [ident('o', `n_${key.carriedAs}`), ident('m', `n_${key.carriedAs}`)];
      return sql`${comparedKey(key, other)} = ${comparedKey(key, theirs)}`;
    });
    const [winner] = await engine.rows(
      sql`select cast(o."id" as varchar) as "id" from ${relation} o join ${relation} m on ${joinSql(same, ' and ')} where cast(m."id" as varchar) = ${literal(member)} and o."present" and o."reason" is null and o."id" <> m."id" and o."id" not in (select "id" from ${losers ?? round}) limit 1`,
      signal,
    );
    return { reason, winner: typeof winner?.['id'] === 'string' ? winner['id'] : undefined };
  }
  return undefined;
}

/** Whether somebody who left gets no exit, found as an export finds it. */
async function isSilent({ engine, keys }: OpenedJob, select: Select, request: ExplainRequest): Promise<boolean> {
  if (keys.length === 0) return false;
  const { silent } = await select();
  return silent !== undefined && (await holds(engine, silent, request));
}

/** Whether a relation of ids has the person's. */
async function holds(engine: Engine, ids: Sql, { member, signal }: ExplainRequest): Promise<boolean> {
  const [row] = await engine.rows(sql`select 1 as "one" from ${ids} where cast("id" as varchar) = ${literal(member)} limit 1`, signal);
  return row !== undefined;
}

/** Which of the two a name means: `Activation/NAME`, `Segment/NAME`, or the plain name of either; an Activation comes first. */
export function findExplained(resources: AppliedResources, name: string): { readonly kind: 'Activation' | 'Segment'; readonly name: string } {
  const [, kind, plain = ''] = /^(Activation|Segment)\/(.+)$/.exec(name) ?? [];
  if (kind === 'Activation' || kind === 'Segment') return { kind, name: findApplied(resources, kind, plain).metadata.name };
  if (!resources.has(resourceKey('Activation', name)) && resources.has(resourceKey('Segment', name))) return { kind: 'Segment', name };
  return { kind: 'Activation', name: findApplied(resources, 'Activation', name).metadata.name };
}
