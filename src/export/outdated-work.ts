import { digestOf } from '../support/digest.ts';
import type { ExportDeps } from './deps.ts';
import { receiverKeys } from './encryption.ts';
import { lastPointer } from './last-snapshot.ts';
import { findLeftBehind, type AskStorage } from './left-behind.ts';
import type { RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** How a destination encrypts, keys by reference alone; undefined where it does not. */
export function encryptionDigest({ destination: { encryption } }: Pick<SegmentJob, 'destination'>): string | undefined {
  return encryption === undefined ? undefined : digestOf(encryption);
}

/**
 * Why a run's files, made some time ago, are not those to be delivered; undefined while they are. The destination was moved or encrypts in another way, or to other keys,
 * since, or the activation was deleted and declared anew: they are for a place where nobody was delivered yet, may not leave, or hold changes against
 * members who do not count any more. Or an earlier slot has delivered since: they do not know whom it told of.
 */
export async function whyOutdated(
  { ledger, secret }: Pick<ExportDeps, 'ledger' | 'secret'>,
  job: SegmentJob,
  work: RunWork,
  storage: AskStorage,
): Promise<string | undefined> {
  const applied = 'what was applied since asks for other files';
  if (work.target !== job.target || work.encryption !== encryptionDigest(job)) return applied;
  if (work.keys !== undefined && work.keys !== (await receiverKeys(job.destination, secret))) return 'the keys that it is encrypted to were replaced since';
  const recorded = await ledger.snapshot(job.activation, job.segment);
  const { against } = work;
  if (against === undefined) return work.changesOnly === true && recorded === undefined ? applied : undefined;
  const last = (await lastPointer(ledger, job))?.runId ?? null;
  if (last === null && against.run !== null) return applied;
  const known = new Set([against.run, ...against.leftBehind]);
  const isOvertaken = !known.has(last) || (await findLeftBehind(ledger, job, storage)).some(({ id }) => !known.has(id));
  return isOvertaken ? 'a slot before it has delivered files since, which other ones have to follow' : undefined;
}
