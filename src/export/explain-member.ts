import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { resourceKey } from '../model/resource.ts';
import { explainTree, type ExplainedNode } from '../segment/evaluate/explain-tree.ts';
import { toProfileSchema } from '../segment/profile-schema.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import type { Engine } from '../engine/engine.ts';
import type { Audience } from './audience.ts';
import { requireAsSealed } from './blame-snapshot.ts';
import { checkHealth } from './check-health.ts';
import { compileAudience, typeApplied } from './compile-job.ts';
import type { AppliedResources, EngineDeps, ExportPaths } from './deps.ts';
import { badEventPaths, hasBadEvent } from './exclusion.ts';
import { explainExclusion, type ExplainedExclusion } from './explain-exclusion.ts';
import { findApplied } from './find-applied.ts';
import { lastSnapshot } from './last-snapshot.ts';
import { openJob, type OpenedJob } from './open-job.ts';
import { comparedKey, uniqueColumns } from './output-columns.ts';
import { readProfile } from './read-profile.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { selectJob, type Selection } from './select-job.ts';
import { withAudience } from './settle-audience.ts';
import { readSuppressions } from './suppression.ts';

export interface ExplainDeps extends EngineDeps {
  readonly ledger: RunLedger;
  readonly card: (type: string) => DestinationCard | undefined;
  readonly paths: ExportPaths;
}

export interface ExplainRequest {
  readonly resources: AppliedResources;
  /** The primary identity. */
  readonly member: string;
  readonly now: Instant;
  readonly signal?: AbortSignal | undefined;
}

/** What became of somebody in an activation's files. */
export interface ExplainedDelivery {
  /** The members on record hold them: a file has told of them. */
  readonly delivered: boolean;
  /** The destination refused the last row that told of them: the next slot's file has it again. */
  readonly refused: boolean;
  /** First slot as a member; undefined when not on record. */
  readonly since: Instant | undefined;
  /** The files that told of them, as far as the run is on record. `orLater`: who was left out of that one, or refused, may stand in a later one. */
  readonly files: readonly string[];
  readonly orLater: boolean;
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
export async function explainActivation(deps: ExplainDeps, activation: string, request: ExplainRequest): Promise<readonly ExplainedMember[]> {
  const { resources, now, signal } = request;
  const suppressions = await readSuppressions(deps.paths);
  const explained: ExplainedMember[] = [];
  for (const one of resolveJobs({ resources, activation, slot: null, now }, deps.card)) {
    const job = { ...one.job, mode: one.settings.mode, suppressions };
    await using engine = deps.engine(one.model, signal);
    const explain = async (asked: SegmentJob): Promise<ExplainedMember> => explainJob(deps, { ...one, job: asked }, await openJob(engine, asked), request);
    explained.push(await withAudience(engine, job, signal, explain));
  }
  return explained;
}

async function explainJob(deps: ExplainDeps, { job, model }: ResolvedJob, opened: OpenedJob, request: ExplainRequest): Promise<ExplainedMember> {
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
  const recorded = await findRecorded(deps, opened, job, request);
  const present = row?.['present'] === true;
  const facts = {
    bad: bad.filter((_, index) => row?.[`bad${index}`] === true),
    badEvents: badEvents.filter((_, index) => row?.[`badEvent${index}`] === true),
    mapping: findApplied<ActivationSpec>(request.resources, 'Activation', job.activation).spec.mapping,
  };
  const reason = present && typeof row?.['reason'] === 'string' ? row['reason'] : undefined;
  const lost = present && reason === undefined ? await findLost(deps, opened, job, request) : undefined;
  const excludedBy = reason ?? lost?.reason;
  const leaves = recorded.delivered && !present && job.mode === 'incremental' && columns.some(({ kind }) => kind === 'status');
  const keyStays = leaves && (await isSilent(deps, opened, job, request));
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

/** What the members on record say of somebody. */
async function findRecorded(
  deps: ExplainDeps,
  { engine, columns, keys }: OpenedJob,
  job: ResolvedJob['job'],
  { member, signal }: ExplainRequest,
): Promise<Pick<ExplainedDelivery, 'delivered' | 'refused' | 'since' | 'files' | 'orLater'>> {
  const { activation, segment, mode } = job;
  const last = await lastSnapshot(deps, job);
  const none = { delivered: false, refused: false, since: undefined, files: [], orLater: false };
  if (last === undefined) return none;
  const { pointer, path } = last;
  await requireAsSealed(path);
  // Only a snapshot from which refused rows were taken has the column that says so.
  const [row] = await engine.rows(sql`select * from ${engine.files([path])} where cast("id" as varchar) = ${literal(member)}`, signal);
  if (row === undefined) return none;
  const since = Number(row['since']);
  const delivered = row['delivered'] === true;
  const refused = row['refused'] === true;
  if (!delivered) return { ...none, refused, since };
  // A full export tells of everybody each time: the last file counts. An incremental one tells of those who joined.
  const [run] = await deps.ledger.find(mode === 'full' ? { id: pointer.runId } : { activation, segment, slot: since, status: 'success', limit: 1 });
  const files = (run?.files ?? []).filter(({ rows }) => rows > 0).map(({ path }) => path);
  // Where people compete for a value, who was left out stands among the members as well; so does who was refused.
  const leftOut = (keys.length > 0 || uniqueColumns(columns).length > 0) && (run?.counts.excluded ?? 0) > 0;
  const orLater = mode === 'incremental' && run !== undefined && (leftOut || workOf(run).refused !== undefined);
  return { delivered, refused, since, files, orLater };
}

/** Whether somebody loses against others with the same key, found as an export finds it; who wins. */
async function findLost(
  deps: ExplainDeps,
  opened: OpenedJob,
  job: ResolvedJob['job'],
  request: ExplainRequest,
): Promise<{ readonly reason: string; readonly winner: string | undefined } | undefined> {
  const { engine, keys, columns } = opened;
  const { member, signal } = request;
  if (keys.length === 0 && uniqueColumns(columns).length === 0) return undefined;
  return withSelection(deps, opened, job, request, async ({ relation, losers, rounds }) => {
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
  });
}

/** Whether somebody who left gets no exit, found as an export finds it. */
async function isSilent(deps: ExplainDeps, opened: OpenedJob, job: ResolvedJob['job'], request: ExplainRequest): Promise<boolean> {
  if (opened.keys.length === 0) return false;
  return withSelection(deps, opened, job, request, async ({ silent }) => silent !== undefined && (await holds(opened.engine, silent, request)));
}

/** Whether a relation of ids has the person's. */
async function holds(engine: Engine, ids: Sql, { member, signal }: ExplainRequest): Promise<boolean> {
  const [row] = await engine.rows(sql`select 1 as "one" from ${ids} where cast("id" as varchar) = ${literal(member)} limit 1`, signal);
  return row !== undefined;
}

/** Selects as the next export would, and leaves nothing behind. */
async function withSelection<T>(
  deps: ExplainDeps,
  opened: OpenedJob,
  job: ResolvedJob['job'],
  { signal }: ExplainRequest,
  work: (selection: Selection) => Promise<T>,
): Promise<T> {
  const snapshot = await lastSnapshot(deps, job);
  const folder = join(deps.paths.spool, `explain-${randomUUID()}`);
  try {
    return await work(await selectJob({ job, opened, folder, snapshot, signal }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Which of the two a name means: `Activation/NAME`, `Segment/NAME`, or the plain name of either; an Activation comes first. */
export function findExplained(resources: AppliedResources, name: string): { readonly kind: 'Activation' | 'Segment'; readonly name: string } {
  const [, kind, plain = ''] = /^(Activation|Segment)\/(.+)$/.exec(name) ?? [];
  if (kind === 'Activation' || kind === 'Segment') return { kind, name: findApplied(resources, kind, plain).metadata.name };
  if (!resources.has(resourceKey('Activation', name)) && resources.has(resourceKey('Segment', name))) return { kind: 'Segment', name };
  return { kind: 'Activation', name: findApplied(resources, 'Activation', name).metadata.name };
}
