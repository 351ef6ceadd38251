import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunCounts } from '../model/run.ts';
import { RUN_STEPS, type CancelRequest, type Claim, type RunRecord, type RunStep } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import type { ExportDeps } from './deps.ts';
import { asRecord, type RunWork } from './run-work.ts';
import { withdrawFiles } from './withdraw-files.ts';

export interface EndCancelled {
  readonly deps: Pick<ExportDeps, 'ledger' | 'clock' | 'paths'>;
  readonly claim: Claim;
  readonly run: Pick<RunRecord, 'id' | 'slot'>;
  readonly step: RunStep;
  readonly work: RunWork;
  readonly counts: RunCounts;
  readonly cancel: CancelRequest;
  /** Undefined: where the files go is not known any more, so that nothing can be taken back. */
  readonly storage: Storage | undefined;
}

/** On the error of a run that somebody cancelled. */
const CANCELLED = 'RC4031';

/** Ends a run as cancelled: what it has made visible is taken back, its spool goes, and nothing counts as activated. */
export async function endCancelled({ deps, claim, run, step, work, counts, cancel, storage }: EndCancelled): Promise<RunRecord> {
  const wrote = RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf('written');
  const nothing = { replaced: [], stuck: [], why: undefined };
  const { replaced, stuck, why } = !wrote || storage === undefined ? nothing : await withdrawFiles(storage, work, run.id);
  const stay = [...replaced, ...stuck];
  const left = `${replaced.length === 0 ? '' : `; ${replaced.length} of its files had replaced earlier ones of the same names and stay`}${why === undefined ? '' : `; ${stuck.length} of its files may be visible and could not be taken back: ${why.message}`}`;
  const ended = await deps.ledger.finish(claim, {
    status: 'cancelled',
    counts: wrote ? { ...counts, activated: 0, failed: counts.activated } : { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} },
    files: stay.map(({ key, rows, bytes, sha256 }) => ({ path: key, rows, bytes, sha256 })),
    error: {
      code: CANCELLED,
      message: `cancelled by ${cancel.by}${cancel.because === undefined ? '' : `: ${cancel.because}`}${left}`,
      hint: run.slot === null ? 'export again with `reconcile run`' : `to take it up again: reconcile runs retry ${run.id}`,
    },
    endedAt: deps.clock(),
    work: asRecord(work),
  });
  // What is visible can only be completed from the very bytes that it was made of.
  if (stay.length === 0 || run.slot === null) await rm(join(deps.paths.spool, run.id), { recursive: true, force: true });
  return ended;
}
