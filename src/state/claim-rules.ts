import type { Instant } from '../model/instant.ts';
import { isNear, mayBeAlive, type Owner } from './owner.ts';
import type { ClaimRequest, RunRecord } from './run-ledger.ts';

/** A holder of the lease that cannot be asked about and has not renewed for so long is taken over. */
export const LEASE_TTL_MS = 60_000;

/** What becomes of a claim, and which runs it finds abandoned: exports now and slots before this one, that nobody goes on with, and repetitions of what had ended in success. */
export type ClaimDecision =
  | { readonly outcome: 'done' | 'busy'; readonly run: RunRecord }
  | { readonly outcome: 'again'; readonly run: RunRecord; readonly abandoned: readonly RunRecord[] }
  | { readonly outcome: 'new'; readonly abandoned: readonly RunRecord[] };

/** Why a run has ended although its process could not say so. */
export const ABANDONED: NonNullable<RunRecord['error']> = {
  code: 'RC4007',
  message: 'the process that ran it ended before the run did',
  hint: 'start it again',
};

/**
 * The rules of a claim, the same for every adapter. `existing` is the slot's run, `running` are all runs of the pair that have not ended.
 * A slot that succeeded is done, unless this very run is asked for by its id; one living run of a pair works at a time; what the dead left is taken up again, or ended when it had no slot.
 */
export function decideClaim(request: ClaimRequest, existing: RunRecord | undefined, running: readonly RunRecord[]): ClaimDecision {
  if (existing === undefined && request.runId !== undefined) throw new Error(`there is no run \`${request.runId}\` to take up again`);
  if (existing?.status === 'success' && request.runId === undefined) return { outcome: 'done', run: existing };
  const living = running.find((run) => isAtWork(run, request));
  if (living !== undefined) return { outcome: 'busy', run: living };
  const isAbandoned = (run: RunRecord): boolean => run.slot === null || hasSucceeded(run) || (request.slot !== null && run.slot < request.slot);
  const abandoned = running.filter((run) => run.id !== existing?.id && isAbandoned(run));
  return existing === undefined ? { outcome: 'new', abandoned } : { outcome: 'again', run: existing, abandoned };
}

/** Whether a run ended in success, also when it was taken up again since (a retry or replay) and that has not ended. */
export function hasSucceeded({ status, step }: Pick<RunRecord, 'status' | 'step'>): boolean {
  return status === 'success' || (status === 'running' && step === 'recorded');
}

/** Before anything is written for good, a run that is claimed again takes the mode that is applied now. */
export function modeOfClaim(request: ClaimRequest, run: RunRecord): RunRecord['mode'] {
  return run.step === 'claimed' || run.step === 'selected' ? request.mode : run.mode;
}

/** Whether a lease is held: near owners are asked, so that one that was suspended keeps it; of others only time can tell. */
export function isLeaseHeld(owner: Owner, renewedAt: Instant, now: Instant): boolean {
  return isWithin(owner, renewedAt, now, LEASE_TTL_MS);
}

function isAtWork(run: RunRecord, { now, staleAfterMs }: ClaimRequest): boolean {
  return run.owner !== null && isWithin(run.owner, run.heartbeatAt, now, staleAfterMs);
}

function isWithin(owner: Owner, heardAt: Instant, now: Instant, ttlMs: number): boolean {
  // A clock that was set back must not keep a lock for ever.
  return mayBeAlive(owner) && (isNear(owner) || Math.abs(now - heardAt) < ttlMs);
}
