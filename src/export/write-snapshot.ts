import { copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';
import { INTERNAL_FORMAT } from '../engine/file-format.ts';
import { sql } from '../sql/sql.ts';
import type { SnapshotPointer } from '../state/run-ledger.ts';
import { snapshotTarget } from './last-snapshot.ts';
import type { OpenedJob } from './open-job.ts';
import type { RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import type { Selection } from './select-job.ts';
import { nextSnapshotQuery, snapshotQuery } from './select-members.ts';

export interface WriteSnapshotRequest {
  readonly job: SegmentJob;
  readonly runId: string;
  readonly opened: OpenedJob;
  readonly selection: Selection;
  /** Absolute folder of the spool. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
}

const FILE = 'snapshot.parquet';

/** Puts the next snapshot into the spool, and says where it belongs. */
export async function writeSnapshot(request: WriteSnapshotRequest): Promise<NonNullable<RunWork['snapshot']>> {
  const { job, runId, opened, selection, folder, signal } = request;
  const { engine, carried } = opened;
  const { relation, losers, by, differsFrom } = selection;
  const path = join(folder, FILE);
  if (differsFrom?.unchanged === true) {
    await sameFile(differsFrom.path, path);
  } else {
    const incremental = job.mode === 'incremental';
    const query =
      differsFrom === undefined
        ? snapshotQuery({ selection: relation, losers, carried, incremental })
        : nextSnapshotQuery({ selection: relation, before: differsFrom.relation, by, incremental });
    await engine.write({ query, path, format: INTERNAL_FORMAT, ...(signal === undefined ? {} : { signal }) });
  }
  const [row] = await engine.rows(sql`select count(*) as "n" from ${engine.files([path])} where "delivered"`, signal);
  const pointer: SnapshotPointer = {
    activation: job.activation,
    segment: job.segment,
    path: `snapshots/${job.activation}/${job.segment}/${runId}.parquet`,
    runId,
    slot: job.slot ?? job.time,
    members: Number(row?.['n'] ?? 0),
    keys: carried.map((column) => column.carriedAs),
    target: snapshotTarget(job),
  };
  return { pointer, file: FILE };
}

/** Snapshots are replaced as a whole and never written into, so that a second name is as good as a copy. */
async function sameFile(from: string, to: string): Promise<void> {
  // No hard links here, or another file system.
  await link(from, to).catch(() => copyFile(from, to));
}
