import { ABANDONED, hasSucceeded, modeOfClaim } from './claim-rules.ts';
import type { ClaimRequest, FinishRun, RunAttempt, RunLedger, RunRecord } from './run-ledger.ts';

/** How many earlier attempts a run remembers. */
const KEPT_ATTEMPTS = 20;
const NO_COUNTS: RunRecord['counts'] = { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} };

/** A run that nobody has claimed before. */
export function newRun({ newId, activation, segment, slot, mode, owner, now }: ClaimRequest): RunRecord {
  return {
    id: newId,
    activation,
    segment,
    slot,
    mode,
    status: 'running',
    step: 'claimed',
    attempt: 1,
    counts: NO_COUNTS,
    files: [],
    startedAt: now,
    endedAt: null,
    work: {},
    owner,
    heartbeatAt: now,
  };
}

/** The same run, taken up again: its id, step and work stay, what the last attempt came to is remembered. */
export function runAgain(run: RunRecord, request: ClaimRequest): RunRecord {
  const { error, earlier = [], cancel: _cancel, ...rest } = run;
  const last: RunAttempt = {
    attempt: run.attempt,
    status: run.status,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    ...(error === undefined ? {} : { error }),
  };
  return {
    ...rest,
    mode: modeOfClaim(request, run),
    status: 'running',
    attempt: run.attempt + 1,
    startedAt: request.now,
    endedAt: null,
    earlier: [...earlier, last].slice(-KEPT_ATTEMPTS),
    owner: request.owner,
    heartbeatAt: request.now,
  };
}

/** A run whose process was killed, and that nobody goes on with. The repetition of one that had succeeded takes nothing of that away. */
export function abandonRun(run: RunRecord, now: number): RunRecord {
  const { cancel: _cancel, ...rest } = run;
  if (hasSucceeded(run)) return { ...rest, status: 'success', owner: null, endedAt: now };
  return { ...rest, status: 'failed', owner: null, endedAt: now, error: ABANDONED };
}

export function advanceRun(run: RunRecord, { now, ...change }: Parameters<RunLedger['advance']>[1]): RunRecord {
  return { ...run, ...change, heartbeatAt: now };
}

export function finishRun(run: RunRecord, end: FinishRun): RunRecord {
  const { import: _import, error: _error, cancel: _cancel, ...rest } = run;
  return {
    ...rest,
    status: end.status,
    step: end.status === 'success' ? 'recorded' : run.step,
    counts: end.counts,
    files: end.files,
    ...(end.import === undefined ? {} : { import: end.import }),
    endedAt: end.endedAt,
    ...(end.error === undefined ? {} : { error: end.error }),
    work: end.work,
    owner: null,
    heartbeatAt: end.endedAt,
  };
}
