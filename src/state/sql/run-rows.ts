import type { Selectable } from 'kysely';
import type { Run, RunFile } from '../../model/run.ts';
import type { Owner } from '../owner.ts';
import type { RunAttempt, RunRecord, SnapshotPointer } from '../run-ledger.ts';
import type { StateTables } from './tables.ts';

export type RunRow = Selectable<StateTables['run']>;

export function fromRunRow(row: RunRow): RunRecord {
  return {
    id: row.id,
    activation: row.activation,
    segment: row.segment,
    slot: row.slot,
    mode: row.mode as RunRecord['mode'],
    status: row.status as RunRecord['status'],
    step: row.step as RunRecord['step'],
    attempt: row.attempt,
    counts: JSON.parse(row.counts) as RunRecord['counts'],
    files: JSON.parse(row.files) as readonly RunFile[],
    ...(row.import === null ? {} : { import: JSON.parse(row.import) as NonNullable<Run['import']> }),
    startedAt: row.started_at,
    endedAt: row.ended_at,
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as NonNullable<Run['error']> }),
    ...(row.earlier === null ? {} : { earlier: JSON.parse(row.earlier) as readonly RunAttempt[] }),
    work: JSON.parse(row.work) as RunRecord['work'],
    owner: row.owner === null ? null : (JSON.parse(row.owner) as Owner),
    heartbeatAt: row.heartbeat_at,
    ...(row.cancel === null || row.cancel === undefined ? {} : { cancel: JSON.parse(row.cancel) as NonNullable<RunRecord['cancel']> }),
  };
}

export function toRunRow(run: RunRecord, epoch: number): RunRow {
  return {
    id: run.id,
    activation: run.activation,
    segment: run.segment,
    slot: run.slot,
    mode: run.mode,
    status: run.status,
    step: run.step,
    attempt: run.attempt,
    epoch,
    counts: JSON.stringify(run.counts),
    files: JSON.stringify(run.files),
    import: run.import === undefined ? null : JSON.stringify(run.import),
    started_at: run.startedAt,
    ended_at: run.endedAt,
    error: run.error === undefined ? null : JSON.stringify(run.error),
    earlier: run.earlier === undefined ? null : JSON.stringify(run.earlier),
    work: JSON.stringify(run.work),
    target: targetOf(run.work),
    owner: run.owner === null ? null : JSON.stringify(run.owner),
    heartbeat_at: run.heartbeatAt,
    cancel: run.cancel === undefined ? null : JSON.stringify(run.cancel),
  };
}

export function toSnapshotRow(pointer: SnapshotPointer): StateTables['snapshot'] {
  const { runId, keys, ...rest } = pointer;
  return { ...rest, run_id: runId, keys: JSON.stringify(keys) };
}

export function fromSnapshotRow({ run_id: runId, keys, ...rest }: Selectable<StateTables['snapshot']>): SnapshotPointer {
  return { ...rest, runId, keys: JSON.parse(keys) as readonly string[] };
}

/** The destination's storage that a run writes to, as the export room notes it. */
function targetOf(work: RunRecord['work']): string | null {
  return typeof work['target'] === 'string' ? work['target'] : null;
}
