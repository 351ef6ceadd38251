import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { formatInstant } from '../model/instant.ts';
import type { LeaseHolder } from './state-store.ts';

/** RC3005: another process holds the lease. */
export function lockedError(place: string, { owner, purpose, since, epoch }: Omit<LeaseHolder, 'alive'>): AppError {
  return new AppError({
    code: 'RC3005',
    exit: ExitCode.locked,
    message: `the state \`${place}\` is locked by process ${owner.pid} on ${owner.host} since ${formatInstant(since)} (${purpose})`,
    hint: `wait for it to end; if you are sure that it is dead:  reconcile state unlock --epoch ${epoch}`,
  });
}

/** RC3006: the lease that a write names is no longer the current one. */
export function lostLease(place: string): AppError {
  return new AppError({
    code: 'RC3006',
    message: `another process has taken over the state \`${place}\``,
    hint: 'nothing more was written by this one; look with `reconcile state history`, then start again',
  });
}

/** RC4006: the claim that a write names is no longer the current one. */
export function lostClaim(runId: string): AppError {
  return new AppError({
    code: 'RC4006',
    message: `another process has taken over the run \`${runId}\``,
    hint: `nothing more was written by this one; look with \`reconcile runs show ${runId}\``,
  });
}

/** RC3001: what stands at the state's place is no database of ours, or a broken one. It is never read as empty. */
export function brokenState(place: string, why: string, cause?: unknown): AppError {
  return new AppError({
    code: 'RC3001',
    message: `the state \`${place}\` cannot be read: ${why}`,
    hint: 'nothing was changed; `reconcile state doctor` tells what is left of it. Put your last backup back, or name another file in spec.state of reconcile.yaml',
    cause,
  });
}

/** RC3002: a newer version wrote it. */
export function newerState(place: string, found: number, known: number): AppError {
  return new AppError({
    code: 'RC3002',
    message: `the state \`${place}\` was written by a newer version of reconcile: its format is ${found}, this version knows ${known}`,
    hint: 'update audience-reconciler; nothing was changed',
  });
}

/** RC3007: a state is restored into one that holds something. */
export function notEmptyState(place: string): AppError {
  return new AppError({
    code: 'RC3007',
    message: `the state \`${place}\` is not empty; another one cannot be put into it`,
    hint: 'name a new file with --state sqlite:PATH, or move this one away first',
  });
}
