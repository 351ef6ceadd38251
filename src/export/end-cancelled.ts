import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../model/app-error.ts';
import type { RunCounts } from '../model/run.ts';
import { RUN_STEPS, type CancelRequest, type Claim, type RunRecord, type RunStep } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { withDeadlines } from '../storage/with-deadlines.ts';
import type { ExportDeps } from './deps.ts';
import { visibleParts, wasTold } from './left-behind.ts';
import { recordable } from './told-error.ts';
import { asRecord, type PlannedFile, type RunWork } from './run-work.ts';
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
  readonly storage: () => Promise<Storage | undefined>;
}

/** On the error of a run that somebody cancelled. */
const CANCELLED = 'RC4031';
/** Whoever cancels a run does not wait for a server that says nothing: what it does not answer within this time stays. */
const PATIENCE = { callMs: 10_000, idleMs: 10_000 };

/** Ends a run as cancelled: what it has made visible is taken back, its spool goes, and nothing counts as activated. */
export async function endCancelled({ deps, claim, run, step, work, counts, cancel, storage }: EndCancelled): Promise<RunRecord> {
  const wrote = RUN_STEPS.indexOf(step) >= RUN_STEPS.indexOf('written');
  const { stay, why } = wrote ? await takeBack(storage, work, run.id, step) : { stay: [], why: '' };
  const told = wasTold(work) === true;
  const ended = await deps.ledger.finish(claim, {
    status: 'cancelled',
    counts: wrote ? { ...counts, activated: 0, failed: counts.activated } : { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} },
    files: stay.map(({ key, rows, bytes, sha256 }) => ({ path: key, rows, bytes, sha256 })),
    error: recordable(
      {
        code: CANCELLED,
        message: `cancelled by ${cancel.by}${cancel.because === undefined ? '' : `: ${cancel.because}`}${why}${told ? TOLD : ''}`,
        hint: run.slot === null ? 'export again with `reconcile run`' : `to take it up again: reconcile runs retry ${run.id}`,
      },
      deps.paths,
    ),
    endedAt: deps.clock(),
    work: asRecord(work),
  });
  // What is visible, or was told, can only be completed from the very bytes that it was made of; and the next slot has to know who is in it.
  if ((stay.length === 0 && !told) || run.slot === null) await rm(join(deps.paths.spool, run.id), { recursive: true, force: true });
  return ended;
}

/** Behind the message of a run whose other side was told: rows that an endpoint has, an import that was signalled. */
const TOLD = '; the other side was told of it before, and what it has taken stays there';

interface TakenBack {
  /** What stands there still, or may, and what somebody has taken. */
  readonly stay: readonly PlannedFile[];
  /** Behind the message of the run. */
  readonly why: string;
}

/** A destination that cannot be reached keeps nobody from ending the run: its record says what may stand there. */
async function takeBack(open: EndCancelled['storage'], work: RunWork, runId: string, step: RunStep): Promise<TakenBack> {
  try {
    const storage = await open();
    if (storage === undefined) return lost(work, 'where it went is not applied any more');
    const { replaced, stuck, why, taken } = await withdrawFiles(withDeadlines(storage, PATIENCE), work, runId, visibleParts(work, step));
    const stays = replaced.length === 0 ? '' : `; ${replaced.length} of its files had replaced earlier ones of the same names and stay`;
    const gone = taken.length === 0 ? '' : `; ${taken.length} of its files had been visible and are gone: somebody has taken them`;
    const stands = why === undefined ? '' : `; ${stuck.length} of its files may be visible and could not be taken back: ${why.message}`;
    return { stay: [...replaced, ...taken, ...stuck], why: `${stays}${gone}${stands}` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return lost(work, error.message);
  }
}

function lost({ parts = [] }: RunWork, why: string): TakenBack {
  return { stay: parts, why: `; what it may have made visible could not be taken back: ${why}` };
}
