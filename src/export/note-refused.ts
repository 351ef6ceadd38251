import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Receipt, RefusedRow } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import { INTERNAL_FORMAT } from '../engine/file-format.ts';
import { REFUSED_REASON, type RunCounts } from '../model/run.ts';
import { ident, joinSql, literal, noSql, sql, type Sql } from '../sql/sql.ts';
import type { ExportPaths } from './deps.ts';
import { LIST_FORMAT } from './rejects.ts';
import type { RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { SELECTION } from './select-job.ts';

export interface NoteRefusedRequest {
  /** Opened only when a row was refused. */
  readonly engine: () => Engine;
  readonly paths: ExportPaths;
  readonly job: Pick<SegmentJob, 'activation' | 'segment'>;
  readonly runId: string;
  /** The run's folder in the spool. */
  readonly folder: string;
  /** With the delivery's receipt. */
  readonly work: RunWork;
  readonly signal: AbortSignal | undefined;
}

const FILE = 'snapshot-refused.parquet';

/** Rows that landed and that the other side then refused one by one are not activated. */
export function withRejected(counts: RunCounts, rejected = 0): RunCounts {
  if (rejected === 0) return counts;
  const { activated, failed, reasons } = counts;
  return { ...counts, activated: activated - rejected, failed: failed + rejected, reasons: { ...reasons, [REFUSED_REASON]: rejected } };
}

/** As it is recorded: row numbers stand in the list. */
export function withoutRows({ refused: _refused, ...receipt }: Receipt): Receipt {
  return receipt;
}

/** What `noteRefused` reads in the spool. */
export function whoFiles({ who, snapshot }: RunWork): readonly string[] {
  if (who === undefined) return [];
  return snapshot === undefined ? [who] : [who, SELECTION];
}

/**
 * Takes what was refused out of the next snapshot, so that the next slot sends it again: a joiner is kept as not delivered, whoever left stays
 * delivered with the values that their row carries. Leaves a list of who it was, on this side only. May be done again: the snapshot is a file of its
 * own in the spool, journaled together with the answer.
 */
export async function noteRefused(request: NoteRefusedRequest): Promise<RunWork> {
  const { paths, job, runId, folder, signal } = request;
  const { delivery, refused: _before, ...work } = request.work;
  if (delivery?.receipt === undefined) return work;
  const { status, refused = [] } = delivery.receipt;
  const told: RunWork = { ...work, delivery: { ...delivery, receipt: withoutRows(delivery.receipt) } };
  const list = join('rejects', job.activation, job.segment, `${runId}.refused.csv`);
  const listPath = join(paths.state, list);
  if (refused.length === 0 || work.who === undefined) {
    // An earlier attempt may have left one.
    await rm(listPath, { force: true });
    return told;
  }
  const engine = request.engine();
  const rows = whoRows(engine, join(folder, work.who), work, refused);
  const common = signal === undefined ? {} : { signal };
  await mkdir(join(listPath, '..'), { recursive: true, mode: 0o700 });
  const listed = sql`select cast("id" as varchar) as "id", "file", "row" from (${rows}) order by "n"`;
  await engine.write({ query: listed, path: `${listPath}.new`, format: LIST_FORMAT, ...common });
  await rename(`${listPath}.new`, listPath);
  const noted: RunWork = { ...told, refused: { rows: refused.length, list: list.replaceAll('\\', '/') } };
  // Of an import that failed nothing counts as delivered, and the snapshot does not move.
  if (work.snapshot === undefined || status === 'import-failed') return noted;

  const { pointer, file } = work.snapshot;
  const carried = pointer.keys.map((key) => ident(`k_${key}`));
  const kept = carried.map((name) => sql`, n.${name} as ${name}`);
  const last = pointer.keys.map((key) => sql`, s.${ident(`s_${key}`)} as ${ident(`k_${key}`)}`);
  const stay = sql`select n."id" as "id", n."since" as "since", (n."delivered" and r."id" is null) as "delivered"${joinSql(kept, ' ')}, (r."id" is not null) as "refused" from ${engine.files([join(folder, file)])} n left join (${rows}) r on n."id" = r."id"`;
  // Exits are in files of changes only.
  const left =
    work.changesOnly === true
      ? sql` union all select s."id" as "id", s."since" as "since", true as "delivered"${joinSql(last, ' ')}, true as "refused" from ${engine.files([join(folder, SELECTION)])} s join (${rows}) r on s."id" = r."id" where s."delivered" and not s."present"`
      : noSql;
  const path = join(folder, FILE);
  await engine.write({ query: sql`${stay}${left}`, path, format: INTERNAL_FORMAT, ...common });
  const [row] = await engine.rows(sql`select count(*) as "n" from ${engine.files([path])} where "delivered"`, signal);
  return { ...noted, snapshot: { pointer: { ...pointer, members: Number(row?.['n'] ?? 0) }, file: FILE } };
}

/** Who stands in the refused rows: `id` in the source's own type, `file`, `row` counted from 1 in it, `n` counted from 0 over all parts. */
function whoRows(engine: Engine, path: string, { parts = [] }: RunWork, refused: readonly RefusedRow[]): Sql {
  const byFile = Map.groupBy(refused, (one) => one.path);
  let before = 0;
  const numbered: Sql[] = [];
  for (const { key, rows } of parts) {
    const some = byFile.get(key) ?? [];
    const numbers = some.map(({ row }) => literal(row));
    if (numbers.length > 0) {
      numbered.push(
        sql`select ${literal(key)} as "file", "row", "row" - 1 + ${literal(before)} as "n" from (select unnest([${joinSql(numbers, ', ')}]) as "row")`,
      );
    }
    before += rows;
  }
  return sql`select w."#who" as "id", u."file" as "file", u."row" as "row", u."n" as "n" from ${engine.files([path])} w join (${joinSql(numbered, ' union all ')}) u on w.file_row_number = u."n"`;
}
