import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { SCRATCH_FORMAT } from '../engine/file-format.ts';
import { ident, joinSql, sql, type Sql } from '../sql/sql.ts';
import type { SnapshotPointer } from '../state/run-ledger.ts';
import { blameSnapshot, requireAsSealed } from './blame-snapshot.ts';
import { REASON_DUPLICATE } from './exclusion.ts';
import { hashParts } from './hash-parts.ts';
import type { OpenedJob } from './open-job.ts';
import { comparedKey, uniqueColumns, type OutputColumn } from './output-columns.ts';
import type { RowKey } from './row-key.ts';
import type { SegmentJob } from './segment-job.ts';
import { pickWinners } from './pick-winners.ts';
import { competitorsQuery, losersQuery, selectionQuery, silentExitsQuery, snapshotChanges } from './select-members.ts';

/** Who is due for a file and who is left out, written to the spool and counted. */
export interface Selection {
  readonly relation: Sql;
  /** The snapshot that `relation` holds only the differences from; undefined: it is whole. */
  readonly differsFrom: DiffersFrom | undefined;
  readonly by: RowKey;
  readonly losers: Sql | undefined;
  /** The losers of each competition, by the reason that they are counted under and what they competed for. */
  readonly rounds: readonly { readonly reason: string; readonly keys: readonly OutputColumn[]; readonly losers: Sql }[];
  readonly silent: Sql | undefined;
  readonly counts: SelectionCounts;
}

export interface DiffersFrom {
  readonly relation: Sql;
  readonly path: string;
  /** Nobody comes and nobody goes: the next snapshot is this one. */
  readonly unchanged: boolean;
}

export interface SelectionCounts {
  /** Members now, those left out included. */
  readonly members: number;
  /** Present and not delivered before. */
  readonly joined: number;
  /** Delivered before and not present. */
  readonly removed: number;
  /** Rows that the file of this mode is due, and those that go out. */
  readonly received: number;
  readonly activated: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface SelectionRequest {
  readonly job: SegmentJob;
  readonly opened: OpenedJob;
  /** Absolute folder of the spool. */
  readonly folder: string;
  /** The last snapshot and its absolute path. */
  readonly snapshot: { readonly pointer: SnapshotPointer; readonly path: string } | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly rowsPerPart?: number | undefined;
  readonly crashPoint?: (name: string) => void;
}

/** One competition for a key, or for a value that has to be unique: who lost, in files of ids. */
interface LoserRound {
  readonly reason: string;
  readonly keys: readonly OutputColumn[];
  readonly paths: readonly string[];
}

function losersOf(engine: Engine, rounds: readonly LoserRound[]): Sql | undefined {
  return rounds.length === 0 ? undefined : engine.files(rounds.flatMap(({ paths }) => paths));
}

/** The selection in the run's spool. */
export const SELECTION = 'selection.parquet';

/** Evaluates the segment once and writes the selection, from which rows, counts and the next snapshot follow. */
export async function selectJob(request: SelectionRequest): Promise<Selection> {
  const { opened, snapshot, signal } = request;
  if (snapshot !== undefined) await requireAsSealed(snapshot.path);
  try {
    return await select(request);
  } catch (error) {
    throw snapshot === undefined ? error : await blameSnapshot(opened.engine, snapshot.path, error, signal);
  }
}

async function select(request: SelectionRequest): Promise<Selection> {
  const { job, opened, folder, snapshot, signal } = request;
  const { engine, exclusions, keys, carried, columns } = opened;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const writeRows = (query: Sql, name: string): Promise<number> =>
    engine.write({ query, path: join(folder, name), format: SCRATCH_FORMAT, ...(signal === undefined ? {} : { signal }) });
  const write = async (query: Sql, name: string): Promise<Sql> => {
    await writeRows(query, name);
    return engine.files([join(folder, name)]);
  };
  const before = snapshot === undefined ? undefined : { relation: engine.files([snapshot.path]), columns: snapshot.pointer.keys };
  const by = before === undefined ? 'key' : await rowKey(engine, before.relation, signal);
  const differencesOnly = before !== undefined && canTellByDifferences(job, opened);
  const rows = await writeRows(
    selectionQuery({ audience: job.audience, exclusions, calculated: job.calculated, carried, since: job.time, by, snapshot: before, differencesOnly }),
    SELECTION,
  );
  const relation = engine.files([join(folder, SELECTION)]);
  const rounds: LoserRound[] = [];
  const competitions = [
    ...(keys.length === 0 ? [] : [{ reason: REASON_DUPLICATE, keys }]),
    ...uniqueColumns(columns).map((column) => ({ reason: `${column.target} unique`, keys: [column] })),
  ];
  for (const { reason, keys: shared } of competitions) {
    const lost = losersOf(engine, rounds);
    const values = shared.map((key) => comparedKey(key, ident(`n_${key.carriedAs}`)));
    const paths: string[] = [];
    for (const [index, part] of hashParts(rows, values, request.rowsPerPart).entries()) {
      const { query, ids, ahead, order } = competitorsQuery({ selection: relation, by, keys: shared, columns, calculated: job.calculated, lost, part });
      const name = `${rounds.length}-${index}`;
      const winners = await pickWinners({
        engine,
        write,
        name: `winners-${name}`,
        competitors: query,
        keys: shared.length,
        ahead,
        order,
        calculated: job.calculated,
        by,
        signal,
      });
      await write(losersQuery(ids, winners), `losers-${name}.parquet`);
      paths.push(join(folder, `losers-${name}.parquet`));
      request.crashPoint?.(`selected-part-${index + 1}`);
    }
    rounds.push({ reason, keys: shared, paths });
  }
  const losers = losersOf(engine, rounds);
  const exits = hasExits(job, opened, snapshot !== undefined);
  const silent =
    exits && keys.length > 0 ? await write(silentExitsQuery({ selection: relation, by, keys, calculated: job.calculated }), 'silent.parquet') : undefined;
  const { counts, changes } = await count(request, relation, rounds, silent, exits, differencesOnly ? before : undefined);
  // A snapshot with carried values, or with keys of another type, is written anew in the present form.
  const unchanged = changes === 0 && by === 'key' && before?.columns.length === 0;
  const differsFrom =
    snapshot === undefined || before === undefined || !differencesOnly ? undefined : { relation: before.relation, path: snapshot.path, unchanged };
  return {
    relation,
    differsFrom,
    by,
    losers,
    rounds: rounds.map(({ reason, keys: shared, paths }) => ({ reason, keys: shared, losers: engine.files(paths) })),
    silent,
    counts,
  };
}

/**
 * Whether rows, counts and the next snapshot follow from what differs from the last one. Not where members compete (the losers have to be known),
 * and not where a full export takes its rows from the selection.
 */
function canTellByDifferences(job: SegmentJob, { keys, carried, columns }: OpenedJob): boolean {
  const whole = job.mode === 'full' && job.audience.eventColumns !== undefined;
  return keys.length === 0 && carried.length === 0 && uniqueColumns(columns).length === 0 && !whole;
}

/** A snapshot that was made when the primary identity had another type is compared as text. */
async function rowKey(engine: Engine, snapshot: Sql, signal: AbortSignal | undefined): Promise<RowKey> {
  const [row] = await engine.rows(
    sql`select (select typeof("id") from ${snapshot} limit 1) as "then", (select typeof(p."#key") from profile p limit 1) as "now"`,
    signal,
  );
  return row?.['then'] === null || row?.['now'] === null || row?.['then'] === row?.['now'] ? 'key' : 'id';
}

/** Exit rows exist in incremental files whose status is mapped (activation-rules 2.10). */
export function hasExits(job: SegmentJob, opened: OpenedJob, hasSnapshot: boolean): boolean {
  return hasSnapshot && job.mode === 'incremental' && opened.columns.some((column) => column.kind === 'status');
}

async function count(
  request: SelectionRequest,
  relation: Sql,
  rounds: readonly LoserRound[],
  silent: Sql | undefined,
  exits: boolean,
  differsFrom: { readonly relation: Sql } | undefined,
): Promise<{ readonly counts: SelectionCounts; readonly changes: number }> {
  const { job, opened, signal } = request;
  const incremental = job.mode === 'incremental';
  const due = incremental ? sql`"present" and "delivered" is not true` : sql`"present"`;
  const lost = rounds.map(
    ({ paths }, index) =>
      sql`, (select count(*) from ${relation} where ${due} and "reason" is null and "id" in (select "id" from ${opened.engine.files(paths)})) as ${ident(`lost${index}`)}`,
  );
  const unheard = silent === undefined ? sql`0` : sql`(select count(*) from ${silent})`;
  // Members for whom nothing differs: those delivered before, without the ones that the selection has.
  const same =
    differsFrom === undefined
      ? sql`0`
      : sql`(select count(*) from ${differsFrom.relation} where "delivered" is distinct from false) - (select count(*) from ${relation} where "delivered" is distinct from false)`;
  const [row] = await opened.engine.rows(
    sql`select ${same} as "same", ${snapshotChanges(incremental)} as "changes", count(*) filter (where "present") as "members", count(*) filter (where "present" and "delivered" is not true) as "joined", count(*) filter (where "delivered" and not "present") as "removed", count(*) filter (where ${due}) as "due", ${unheard} as "unheard"${joinSql(lost, ' ')} from ${relation}`,
    signal,
  );
  const counted =
    opened.exclusions.reasons.length === 0
      ? []
      : await opened.engine.rows(sql`select "reason", count(*) as "n" from ${relation} where ${due} and "reason" is not null group by "reason"`, signal);
  const number = (name: string): number => Number(row?.[name] ?? 0);
  const byReason = new Map(counted.map((entry) => [String(entry['reason']), Number(entry['n'])]));
  // In mapping order, so that equal runs print equal texts.
  const reasons: Record<string, number> = {};
  for (const { reason } of opened.exclusions.reasons) if (byReason.has(reason)) reasons[reason] = byReason.get(reason) ?? 0;
  const add = (reason: string, some: number): void => void (some > 0 && (reasons[reason] = (reasons[reason] ?? 0) + some));
  rounds.forEach(({ reason }, index) => add(reason, number(`lost${index}`)));
  add(REASON_DUPLICATE, number('unheard'));
  const received = number('due') + (incremental ? 0 : number('same')) + (exits ? number('removed') : 0);
  const excluded = Object.values(reasons).reduce((sum, some) => sum + some, 0);
  const members = number('members') + number('same');
  return {
    counts: { members, joined: number('joined'), removed: number('removed'), received, activated: received - excluded, reasons },
    changes: number('changes'),
  };
}
