import type { RunLedger } from '../state/run-ledger.ts';
import { digestOf } from '../support/digest.ts';
import type { RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** How a destination encrypts, keys by reference alone; undefined where it does not. */
export function encryptionDigest({ destination: { encryption } }: Pick<SegmentJob, 'destination'>): string | undefined {
  return encryption === undefined ? undefined : digestOf(encryption);
}

/**
 * The destination was moved or encrypts in another way since a run's files were made, or the activation was deleted and declared anew: they are for a place
 * where nobody was delivered yet, may not leave, or hold changes against members who do not count any more.
 */
export async function isOutdated(ledger: Pick<RunLedger, 'snapshot'>, job: SegmentJob, work: RunWork): Promise<boolean> {
  if (work.target !== job.target || work.encryption !== encryptionDigest(job)) return true;
  return work.changesOnly === true && (await ledger.snapshot(job.activation, job.segment)) === undefined;
}
