import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { resolveMapping } from '../activation/resolve-mapping.ts';
import type { Engine } from '../engine/engine.ts';
import { primaryIdentity } from '../engine/profile-model.ts';
import { INTERNAL_FORMAT } from '../engine/file-format.ts';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ActivationSpec, AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import { hasSucceeded } from '../state/claim-rules.ts';
import { mayBeAlive } from '../state/owner.ts';
import type { RunRecord, SnapshotPointer } from '../state/run-ledger.ts';
import { sha256 } from '../support/digest.ts';
import { nearest } from '../support/nearest.ts';
import { abandonRun } from './abandon-run.ts';
import { requireAsSealed } from './blame-snapshot.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { keepOnlyMembersLeft, MEMBERS_LEFT } from './keep-spool.ts';
import { eraseRejects } from './erase-rejects.ts';
import { findApplied } from './find-applied.ts';
import { normalIdentity } from './normal-identity.ts';
import { carriedName, hashedName } from './output-columns.ts';
import { workOf, type RunWork } from './run-work.ts';
import { replaceSealed } from './sealed-file.ts';
import { addSuppression } from './suppression.ts';
import { own } from '../support/own.ts';

export interface ForgetRequest {
  readonly resources: AppliedResources;
  /** `identityMap` namespace and the value there. */
  readonly namespace: string;
  readonly value: string;
  readonly now: Instant;
  readonly signal?: AbortSignal | undefined;
}

export interface Forgotten {
  /** The keyed hash that is all that stays of the person here. */
  readonly hash: string;
  /** Who was found by the identity, in the sources and in snapshots. */
  readonly people: number;
  /** Members removed from snapshots, over all activations. */
  readonly members: number;
  readonly snapshots: number;
  readonly spools: number;
  /** Lists of rejects that named the person, and records of runs whose errors did. */
  readonly rejects: number;
  readonly records: number;
}

/**
 * Erases one person from what reconcile keeps: out of every snapshot and every kept file, and out of all exports to come. Files that were delivered
 * lie with their receivers, and the source is not ours: both have to be told by other means.
 */
export async function forgetPerson(
  deps: Pick<ExportDeps, 'ledger' | 'engine' | 'paths' | 'card' | 'storage' | 'log'>,
  request: ForgetRequest,
): Promise<Forgotten> {
  const { resources, namespace, value } = request;
  const { ledger, paths } = deps;
  await refuseWhileAtWork(ledger);
  const attributes = [...resources]
    .filter(([key]) => key.startsWith('Attributes/'))
    .map(([, one]) => ({ name: one.metadata.name, spec: one.spec as AttributesSpec }));
  const knowing = attributes.filter(({ spec }) => own(spec.identities, namespace) !== undefined);
  if (knowing.length === 0) {
    const near = nearest(
      namespace,
      attributes.flatMap(({ spec }) => Object.keys(spec.identities)),
    );
    throw new AppError({
      code: 'RC4026',
      message: `no applied Attributes have an identity \`${namespace}\``,
      hint: near === undefined ? 'write --identity NAMESPACE=VALUE' : `did you mean \`${near}\`?`,
      exit: ExitCode.badUsage,
    });
  }
  await keepMembersLeft(deps, resources);
  // First of all nothing may leave any more; what follows may be done again.
  const found: FoundPerson[] = [];
  for (const one of knowing) found.push(await suppress(deps, request, one));
  const spools = await removeSpools(deps, resources);
  // Whoever began before they could know of it may have the person in their rows; whoever begins from here on leaves them out.
  await refuseWhileAtWork(ledger);
  let members = 0;
  let snapshots = 0;
  for (const { attributes: model, ids, paths: kept } of found) {
    if (ids.size === 0 || kept.length === 0) continue;
    await using engine = openEngine(deps, request, model);
    for (const path of kept) {
      const removed = await removeFromSnapshot(engine, path, [...ids]);
      members += removed;
      if (removed > 0) snapshots += 1;
    }
  }
  const everyId = new Set(found.flatMap(({ ids }) => [...ids]));
  const rejects = await eraseRejects(paths.state, everyId);
  const records = await ledger.redact([...new Set([value, ...found.map(({ text }) => text), ...everyId])]);
  // Measurements of sources hold examples of what is wrong with them.
  await rm(paths.cache, { recursive: true, force: true });
  const people = found.reduce((sum, one) => sum + one.people, 0);
  return { hash: found.at(-1)?.hash ?? '', people, members, snapshots, spools, rejects, records };
}

async function refuseWhileAtWork(ledger: ExportDeps['ledger']): Promise<void> {
  const running = (await ledger.find({ status: 'running' })).find(isAtWork);
  if (running === undefined) return;
  throw new AppError({
    code: 'RC4025',
    message: `run ${running.id} is at work and may hold the person`,
    hint: 'wait for it to end, then forget again',
    exit: ExitCode.locked,
  });
}

function isAtWork({ status, owner }: RunRecord): boolean {
  return status === 'running' && owner !== null && mayBeAlive(owner);
}

interface KnowingAttributes {
  readonly name: string;
  readonly spec: AttributesSpec;
}

interface FoundPerson {
  readonly attributes: KnowingAttributes;
  readonly hash: string;
  /** The identity as it is compared. */
  readonly text: string;
  /** Values of the primary identity that are theirs, whether or not anybody has them. */
  readonly ids: ReadonlySet<string>;
  /** How many of them a source or a snapshot knows. */
  readonly people: number;
  /** Absolute paths of the snapshots that may hold them. */
  readonly paths: readonly string[];
}

function openEngine(deps: Pick<ExportDeps, 'engine'>, { resources, signal }: ForgetRequest, { name, spec }: KnowingAttributes): Engine {
  const source = findApplied<SourceSpec>(resources, 'Source', spec.source).spec;
  return deps.engine({ name, attributes: spec, sourceName: spec.source, source }, signal);
}

/** Keeps a person out of all exports that begin from now on, by the identity in question and by the primary one of everybody who has it. */
async function suppress(deps: Pick<ExportDeps, 'ledger' | 'engine' | 'paths'>, request: ForgetRequest, attributes: KnowingAttributes): Promise<FoundPerson> {
  const { resources, namespace, value, now, signal } = request;
  const { paths } = deps;
  await using engine = openEngine(deps, request, attributes);
  const same = await normalise(engine, namespace, value);
  const hash = await addSuppression(paths, namespace, same.text, now);
  const primary = primaryIdentity(attributes.spec).namespace;
  // An id is one of these Attributes: among others it may be somebody else's.
  const ids = new Set(await idsInSource(engine, namespace, same, signal));
  const kept = await pointersOf(deps, resources, attributes, namespace);
  // Whoever has left the source is still known by what a snapshot carries.
  for (const { pointer, carried } of kept) {
    await requireAsSealed(join(paths.state, pointer.path));
    const columns = [...(primary === namespace ? ['id'] : []), ...carried.map((key) => `k_${key}`)];
    for (const id of await idsInSnapshot(engine, join(paths.state, pointer.path), columns, same)) ids.add(id);
  }
  const people = ids.size;
  if (primary === namespace) ids.add(value);
  // The source may change or empty the identity in question; it is the same person still.
  for (const id of ids) await addSuppression(paths, primary, (await normalise(engine, primary, id)).text, now);
  return { attributes, hash, text: same.text, ids, people, paths: kept.map(({ pointer }) => join(paths.state, pointer.path)) };
}

/** All kept files, but of runs that are at work. Returns how many runs had some. */
async function removeSpools(deps: Pick<ExportDeps, 'ledger' | 'paths' | 'card' | 'storage' | 'log'>, resources: AppliedResources): Promise<number> {
  const { ledger, paths } = deps;
  let removed = 0;
  for (const spool of await readdir(paths.spool).catch(() => [])) {
    const [run] = await ledger.find({ id: spool });
    if (run !== undefined && isAtWork(run)) continue;
    // What a killed run has begun to send may hold the person as well, and cannot be finished without its spool.
    if (run !== undefined && run.status !== 'success') await abandonRun(deps, resources, run);
    const folder = join(paths.spool, spool);
    if (run !== undefined && isApplied(resources, run)) await keepOnlyMembersLeft(folder);
    else await rm(folder, { recursive: true, force: true });
    const isEmpty = (await readdir(folder).catch(() => [])).length === 0;
    if (isEmpty) await rm(folder, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** Of what a slot that did not succeed has left at its destination a later one has to know whom it told of: that stays, as snapshots do, without the person. */
async function keepMembersLeft({ ledger, paths }: Pick<ExportDeps, 'ledger' | 'paths'>, resources: AppliedResources): Promise<void> {
  for (const spool of await readdir(paths.spool).catch(() => [])) {
    const [run] = await ledger.find({ id: spool });
    if (run === undefined || run.slot === null || isAtWork(run) || hasSucceeded(run) || !isApplied(resources, run)) continue;
    const { snapshot } = workOf(run);
    if (snapshot === undefined || existsSync(join(paths.state, snapshot.pointer.path))) continue;
    const [from, to] = [join(paths.spool, spool, snapshot.file), join(paths.spool, spool, MEMBERS_LEFT)];
    if (existsSync(from) && !existsSync(to)) await rename(from, to);
  }
}

function isApplied(resources: AppliedResources, { activation, segment }: Pick<RunRecord, 'activation' | 'segment'>): boolean {
  const spec = resources.get(`Activation/${activation}`)?.spec as ActivationSpec | undefined;
  return spec?.segments.some((entry) => (typeof entry === 'string' ? entry : entry.name) === segment) === true;
}

/** A value that stands for all its spellings: emails and phones are compared as activation-rules 1.1 normalises them. */
interface NormalIdentity {
  readonly text: string;
  readonly of: (column: Sql) => Sql;
}

async function normalise(engine: Engine, namespace: string, value: string): Promise<NormalIdentity> {
  const of = (column: Sql): Sql => normalIdentity(namespace, column);
  const [row] = await engine.rows(sql`select ${of(sql`${literal(value)}`)} as "text"`);
  return { text: String(row?.['text']), of };
}

async function idsInSource(engine: Engine, namespace: string, same: NormalIdentity, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const path = `identityMap.${namespace}`;
  await engine.open({ profile: [path], event: undefined });
  const column = same.of(sql`cast(${ident('p', path)} as varchar)`);
  const rows = await engine.rows(sql`select p."id" as "id" from profile p where ${column} = ${literal(same.text)} and p."id" is not null`, signal);
  return rows.map((row) => String(row['id']));
}

/** By the columns of a snapshot that hold this identity, plain or hashed. */
async function idsInSnapshot(engine: Engine, path: string, columns: readonly string[], same: NormalIdentity): Promise<readonly string[]> {
  if (columns.length === 0) return [];
  const values = [same.text, sha256(same.text), sha256(same.text.replaceAll(/[^0-9]/g, '').replace(/^0+/, ''))].map(literal);
  const matches = columns.map((column) => sql`${same.of(sql`cast(${ident(column)} as varchar)`)} in (${joinSql(values, ', ')})`);
  const rows = await engine.rows(sql`select cast("id" as varchar) as "id" from ${engine.files([path])} where ${joinSql(matches, ' or ')}`);
  return rows.map((row) => String(row['id']));
}

interface KeptSnapshot {
  readonly pointer: SnapshotPointer;
  /** Those of its carried columns that hold the identity in question. */
  readonly carried: readonly string[];
}

async function pointersOf(
  deps: Pick<ExportDeps, 'ledger' | 'paths'>,
  resources: AppliedResources,
  { name: attributes, spec: { identities, fields = {} } }: { readonly name: string; readonly spec: AttributesSpec },
  namespace: string,
): Promise<readonly KeptSnapshot[]> {
  const column = own(identities, namespace)?.column;
  // The identity's column may be declared as a field as well, and mapped as that.
  const sources = new Set([`identityMap.${namespace}`, ...Object.keys(fields).filter((path) => fields[path]?.column === column)]);
  const names = [...sources].map(carriedName).flatMap((name) => [name, hashedName(name)]);
  const kept: KeptSnapshot[] = [];
  for (const [key, { metadata, spec }] of resources) {
    if (!key.startsWith('Activation/')) continue;
    const { segments, mapping } = spec as ActivationSpec;
    // Snapshots of earlier versions went by the targets.
    const targets = resolveMapping(mapping).flatMap(({ entry, target }) => ('source' in entry && sources.has(entry.source) ? [target] : []));
    const holding = new Set([...names, ...targets]);
    for (const entry of segments) {
      const segment = typeof entry === 'string' ? entry : entry.name;
      const applied = resources.get(`Segment/${segment}`);
      if (applied === undefined || (applied.spec as SegmentSpec).attributes !== attributes) continue;
      for (const pointer of await snapshotsOf(deps, metadata.name, segment)) kept.push({ pointer, carried: pointer.keys.filter((key) => holding.has(key)) });
    }
  }
  return kept;
}

/** The members on record, those of runs that were killed after they had put theirs in place, which go on and have them recorded, and those that are left. */
async function snapshotsOf({ ledger, paths }: Pick<ExportDeps, 'ledger' | 'paths'>, activation: string, segment: string): Promise<readonly SnapshotPointer[]> {
  const recorded = await ledger.snapshot(activation, segment);
  const unfinished = (await ledger.find({ activation, segment }))
    .filter(({ status }) => status !== 'success')
    .flatMap(({ id, work }) => {
      const pointer = (work as RunWork).snapshot?.pointer;
      return pointer === undefined ? [] : [pointer, { ...pointer, path: relative(paths.state, join(paths.spool, id, MEMBERS_LEFT)) }];
    })
    .filter(({ path }) => existsSync(join(paths.state, path)));
  return recorded === undefined ? unfinished : [recorded, ...unfinished.filter(({ path }) => path !== recorded.path)];
}

/** Rewrites a snapshot without these members, under the same name. */
async function removeFromSnapshot(engine: Engine, path: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const relation = engine.files([path]);
  const isTheirs = sql`cast("id" as varchar) in (${joinSql(ids.map(literal), ', ')})`;
  const [row] = await engine.rows(sql`select count(*) as "n" from ${relation} where ${isTheirs}`);
  const removed = Number(row?.['n'] ?? 0);
  if (removed === 0) return 0;
  const next = `${path}.forgetting`;
  await engine.write({ query: sql`select * from ${relation} where not (${isTheirs})`, path: next, format: INTERNAL_FORMAT });
  await replaceSealed(next, path);
  return removed;
}
