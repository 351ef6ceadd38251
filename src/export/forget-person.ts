import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { primaryIdentity } from '../engine/profile-model.ts';
import { INTERNAL_FORMAT } from '../engine/file-format.ts';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ActivationSpec, AttributesSpec, SegmentSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { ident, joinSql, literal, sql } from '../sql/sql.ts';
import { mayBeAlive } from '../state/owner.ts';
import type { SnapshotPointer } from '../state/run-ledger.ts';
import { nearest } from '../support/nearest.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { findApplied } from './find-applied.ts';
import { addSuppression } from './suppression.ts';

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
  /** Members removed from snapshots, over all activations. */
  readonly members: number;
  readonly snapshots: number;
  readonly spools: number;
}

/**
 * Erases one person from what reconcile keeps: out of every snapshot and every kept file, and out of all exports to come. Files that were delivered
 * lie with their receivers, and the source is not ours: both have to be told by other means.
 */
export async function forgetPerson(deps: Pick<ExportDeps, 'ledger' | 'engine' | 'paths'>, request: ForgetRequest): Promise<Forgotten> {
  const { resources, namespace, value, now, signal } = request;
  const { ledger, paths } = deps;
  const running = (await ledger.find({ status: 'running' })).find((run) => run.owner !== null && mayBeAlive(run.owner));
  if (running !== undefined)
    throw new AppError({
      code: 'RC4025',
      message: `run ${running.id} is at work and may hold the person`,
      hint: 'wait for it to end, then forget again',
      exit: ExitCode.locked,
    });
  const attributes = [...resources]
    .filter(([key]) => key.startsWith('Attributes/'))
    .map(([, one]) => ({ name: one.metadata.name, spec: one.spec as AttributesSpec }));
  const knowing = attributes.filter(({ spec }) => spec.identities[namespace] !== undefined);
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
  // First of all nothing may leave any more; what follows may be done again.
  const hash = await addSuppression(paths, namespace, value, now);
  let members = 0;
  let snapshots = 0;
  for (const { name, spec } of knowing) {
    const source = findApplied<SourceSpec>(resources, 'Source', spec.source).spec;
    await using engine = deps.engine({ name, attributes: spec, sourceName: spec.source, source }, signal);
    const primary = primaryIdentity(spec).namespace === namespace;
    const ids = new Set(primary ? [value] : []);
    await engine.open({ profile: [`identityMap.${namespace}`], event: undefined });
    const plain = /e-?mail/i.test(namespace)
      ? { column: sql`lower(trim(p.${ident(`identityMap.${namespace}`)}))`, value: value.trim().toLowerCase() }
      : { column: sql`p.${ident(`identityMap.${namespace}`)}`, value };
    for (const row of await engine.rows(
      sql`select p."id" as "id" from profile p where ${plain.column} = ${literal(plain.value)} and p."id" is not null`,
      signal,
    ))
      ids.add(String(row['id']));
    for (const pointer of await pointersOf(deps, resources, name)) {
      const removed = await removeFromSnapshot(engine, join(paths.state, pointer.path), [...ids], pointer, plain.value);
      members += removed;
      if (removed > 0) snapshots += 1;
    }
  }
  const spools = await readdir(paths.spool).catch(() => []);
  for (const spool of spools) await rm(join(paths.spool, spool), { recursive: true, force: true });
  return { hash, members, snapshots, spools: spools.length };
}

async function pointersOf(deps: Pick<ExportDeps, 'ledger'>, resources: AppliedResources, attributes: string): Promise<readonly SnapshotPointer[]> {
  const pointers: SnapshotPointer[] = [];
  for (const [key, { metadata, spec }] of resources) {
    if (!key.startsWith('Activation/')) continue;
    for (const entry of (spec as ActivationSpec).segments) {
      const segment = typeof entry === 'string' ? entry : entry.name;
      const applied = resources.get(`Segment/${segment}`);
      if (applied === undefined || (applied.spec as SegmentSpec).attributes !== attributes) continue;
      const pointer = await deps.ledger.snapshot(metadata.name, segment);
      if (pointer !== undefined) pointers.push(pointer);
    }
  }
  return pointers;
}

/** Rewrites a snapshot without these members, under the same name. Values that it carries identify as well as the id does. */
async function removeFromSnapshot(
  engine: ReturnType<ExportDeps['engine']>,
  path: string,
  ids: readonly string[],
  pointer: SnapshotPointer,
  value: string,
): Promise<number> {
  const relation = engine.files([path]);
  const carried = pointer.keys.map((key) => sql`coalesce(${ident(`k_${key}`)}, '') = ${literal(value)}`);
  const isTheirs = joinSql([...(ids.length === 0 ? [] : [sql`cast("id" as varchar) in (${joinSql(ids.map(literal), ', ')})`]), ...carried, sql`false`], ' or ');
  const [row] = await engine.rows(sql`select count(*) as "n" from ${relation} where ${isTheirs}`);
  const removed = Number(row?.['n'] ?? 0);
  if (removed === 0) return 0;
  const next = `${path}.forgetting`;
  await engine.write({ query: sql`select * from ${relation} where not (${isTheirs})`, path: next, format: INTERNAL_FORMAT });
  await rename(next, path);
  return removed;
}
