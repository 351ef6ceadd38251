import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { INTERNAL_FORMAT } from '../engine/file-format.ts';
import type { Engine } from '../engine/engine.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import type { RunRecord, SnapshotPointer } from '../state/run-ledger.ts';
import { requireAsSealed } from './blame-snapshot.ts';
import type { ExportPaths } from './deps.ts';
import { MEMBERS_LEFT } from './keep-spool.ts';
import { isComparable } from './last-snapshot.ts';
import { keyAsText } from './row-key.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** Members on record and the absolute path of their file. */
export interface KeptMembers {
  readonly pointer: SnapshotPointer;
  readonly path: string;
}

export interface ToldRequest {
  readonly job: SegmentJob;
  readonly engine: Engine;
  readonly paths: ExportPaths;
  /** The run's own folder in the spool. */
  readonly folder: string;
  readonly last: KeptMembers | undefined;
  /** Runs that others may have read files of, oldest first. */
  readonly leftBehind: readonly RunRecord[];
  readonly signal: AbortSignal | undefined;
}

const FILE = 'told.parquet';

/**
 * Whom the receiver may have been told of: the members last delivered, and those of runs that left files without an end. Where these differ nobody knows
 * what was read, so that `delivered` is NULL: whoever is a member goes out again, whoever is none leaves.
 */
export async function membersTold(request: ToldRequest): Promise<KeptMembers | undefined> {
  const { engine, folder, last, leftBehind, signal } = request;
  const left = leftBehind.flatMap((run) => membersOf(run, request));
  const newest = left.at(-1);
  if (newest === undefined) return last;
  const kept = [...(last === undefined ? [] : [last]), ...left];
  for (const { path } of kept) await requireAsSealed(path);
  const keys = [...new Set(kept.flatMap(({ pointer }) => pointer.keys))];
  const asText = await haveOtherTypes(engine, kept, signal);
  const rows = kept.map(({ pointer, path }, index) => {
    const carried = keys.map((key) => sql`, ${pointer.keys.includes(key) ? ident(`k_${key}`) : sql`cast(null as varchar)`} as ${ident(`k_${key}`)}`);
    const id = asText ? keyAsText(sql`"id"`) : sql`"id"`;
    return sql`select ${id} as "id", "since", "delivered", ${literal(index)} as "#age"${joinSql(carried, ' ')} from ${engine.files([path])}`;
  });
  // Each run knew of those before it: what is known last counts. Not even the first one has to be among the members on record.
  const values = keys.map((key) => sql`, arg_max(${ident(`k_${key}`)}, "#age") as ${ident(`k_${key}`)}`);
  const delivered = sql`case when count(*) filter (where "delivered") = ${literal(left.length + 1)} then true when bool_or("delivered" is distinct from false) then null else false end`;
  const query = sql`select "id", arg_max("since", "#age") as "since", ${delivered} as "delivered"${joinSql(values, ' ')} from (${joinSql(rows, ' union all ')}) group by "id"`;
  const path = join(folder, FILE);
  await engine.write({ query, path, format: INTERNAL_FORMAT, ...(signal === undefined ? {} : { signal }) });
  return { pointer: { ...(last?.pointer ?? { ...newest.pointer, members: 0 }), keys }, path };
}

/** The members as such a run would have recorded them; none where they are not kept, or cannot be compared. */
function membersOf(run: RunRecord, { job, paths, last }: ToldRequest): readonly KeptMembers[] {
  const { snapshot, against } = workOf(run);
  // Of an activation that was deleted since nobody counts any more.
  const isOfBefore = last === undefined && against !== undefined && against.run !== null;
  if (snapshot === undefined || isOfBefore || !isComparable(snapshot.pointer, job)) return [];
  const { pointer, file } = snapshot;
  const spool = join(paths.spool, run.id);
  const latest = [join(spool, file), join(paths.state, pointer.path)].find((path) => existsSync(path));
  // What was in the spool before that was emptied may be what was visible.
  return [join(spool, MEMBERS_LEFT), latest].flatMap((path) => (path !== undefined && existsSync(path) ? { pointer, path } : []));
}

/** Whether the primary identity had another type when some of them were made. */
async function haveOtherTypes(engine: Engine, kept: readonly KeptMembers[], signal: AbortSignal | undefined): Promise<boolean> {
  const types: Sql[] = kept.map(({ path }) => sql`select (select typeof("id") from ${engine.files([path])} limit 1) as "type"`);
  const [row] = await engine.rows(sql`select count(distinct "type") as "n" from (${joinSql(types, ' union all ')})`, signal);
  return Number(row?.['n'] ?? 0) > 1;
}
