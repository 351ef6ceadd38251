import { abortedError } from '../check-aborted.ts';
import { classifyNetworkError } from '../classify-network-error.ts';
import { StorageError } from '../storage-error.ts';
import { BROKEN, DAMAGED, type Verdict, verdictOfFailure } from '../verdict.ts';
import { GcsRefusal } from './gcs-client.ts';

const THROTTLED: Verdict = {
  kind: 'throttled',
  what: 'the store says “slow down”',
  hint: 'it was tried several times; run again later, or spread the schedules',
};

/** Reasons: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
function judge({ status, reason, message }: GcsRefusal): Verdict {
  if (/rateLimitExceeded/i.test(reason) || status === 429 || status === 503) return THROTTLED;
  if (reason === 'quotaExceeded') return { kind: 'no-space', what: 'the quota is used up', hint: 'have it raised, or make room' };
  if (status === 401) {
    return /expired/i.test(message)
      ? { kind: 'expired', what: 'the login has expired', hint: 'issue new credentials' }
      : { kind: 'authentication', what: 'the store refused the credentials', hint: 'check `storage.credentials`' };
  }
  if (/retentionPolicyNotMet|objectUnderActiveHold/.test(reason)) {
    return {
      kind: 'permission',
      what: 'a retention policy keeps the object from being changed',
      hint: 'change `file.name` of the activation so that names do not repeat',
    };
  }
  if (status === 403) {
    return /billing|disabled/i.test(message)
      ? { kind: 'permission', what: 'the project’s billing or the account is disabled', hint: 'ask its owner' }
      : { kind: 'permission', what: 'access denied', hint: 'give the service account the role Storage Object User on the bucket' };
  }
  if (status === 404) {
    return isMissingObject(message)
      ? { kind: 'not-found', what: 'there is no such object', hint: 'look whether something else removed it' }
      : { kind: 'missing-container', what: 'there is no such bucket', hint: 'make it, or check `storage.bucket`' };
  }
  if (status === 408) return BROKEN;
  if (status >= 500) return verdictOfFailure(status, message);
  if (/crc32c|md5|checksum|hash/i.test(message) || reason === 'invalidChecksum') {
    return DAMAGED;
  }
  return { kind: 'configuration', what: `the store does not take the request (${status})`, hint: 'check the keys of `storage`' };
}

/** Google says `No such object: b/x`, emulators nothing of the kind; a missing bucket is named as one. */
export function isMissingObject(message: string): boolean {
  return !/bucket/i.test(message) || /no such object/i.test(message);
}

/** Turns what the store or the network said into a `StorageError`. `doing` names the action and the place. */
export function classifyGcsError(error: unknown, doing: string, signal?: AbortSignal): StorageError {
  if (signal?.aborted === true) return abortedError(signal);
  if (error instanceof StorageError) return error;
  const network = classifyNetworkError(error, doing);
  if (network) return network;
  if (error instanceof GcsRefusal) {
    const { kind, what, hint } = judge(error);
    return new StorageError(kind, `${doing}: ${what}`, { hint, cause: error });
  }
  // `fetch` names a broken connection only in words.
  if (error instanceof TypeError && /fetch failed|terminated|other side closed/i.test(error.message)) {
    return new StorageError('transient', `${doing}: the connection broke`, { hint: 'look whether the address is right and the network works', cause: error });
  }
  if (error instanceof SyntaxError)
    return new StorageError('transient', `${doing}: the answer is not the store’s`, { hint: 'a proxy in between may answer in its place', cause: error });
  throw error;
}
