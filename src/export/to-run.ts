import { formatInstant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import { workOf } from './run-work.ts';

/** The code of the error on a run that was skipped since another process is at it. */
export const ALREADY_RUNNING = 'RC4018';

/** A record as users see it. */
export function toRun(record: RunRecord): Run {
  const { accepted, refused, retries } = workOf(record);
  const { id, activation, segment, mode, status, counts, files, error } = record;
  return {
    id,
    activation,
    segment,
    slot: record.slot === null ? null : formatInstant(record.slot),
    mode,
    // The contract knows no other word for it; the error's code tells it apart.
    status: status === 'cancelled' ? 'failed' : status,
    counts,
    files,
    ...(record.import === undefined ? {} : { import: record.import }),
    ...(refused === undefined ? {} : { refused }),
    ...(accepted === undefined ? {} : { accepted }),
    ...(retries === undefined ? {} : { retries }),
    startedAt: formatInstant(record.startedAt),
    endedAt: record.endedAt === null ? null : formatInstant(record.endedAt),
    ...(error === undefined ? {} : { error }),
  };
}
