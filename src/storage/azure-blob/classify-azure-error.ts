import { abortedError } from '../check-aborted.ts';
import { classifyNetworkError } from '../classify-network-error.ts';
import { StorageError } from '../storage-error.ts';
import { BROKEN, DAMAGED, SKEWED, type Verdict, redirected, verdictOfFailure } from '../verdict.ts';
import type { Validity } from './azure-access.ts';
import { judgeAzureLogin } from './judge-azure-login.ts';

const DENIED: Verdict = {
  kind: 'permission',
  what: 'access denied',
  hint: 'the credentials need to read, write, list and delete blobs of the container: a role such as Storage Blob Data Contributor, or a SAS with sp=rcwdl',
};
const EXPIRED: Verdict = { kind: 'expired', what: 'the shared access signature has expired', hint: 'issue a new one and put it where `storage` refers to' };
const EXPIRED_THERE: Verdict = {
  kind: 'clock-skew',
  what: 'the shared access signature has expired by the store’s clock, and not by this machine’s',
  hint: 'set the clock, for instance with NTP; if it is right, issue a new signature that ends later',
};
const NOT_YET: Verdict = {
  kind: 'clock-skew',
  what: 'the shared access signature is not valid yet by the store’s clock',
  hint: 'issue one that starts 15 minutes earlier, or without a start; set the clock of the machine that issues it',
};
const WRONG_KEY: Verdict = {
  kind: 'authentication',
  what: 'the store refused the credentials',
  hint: 'check the account key, connection string or SAS that `storage` refers to: it must be whole, and keys are rotated',
};
const THROTTLED: Verdict = {
  kind: 'throttled',
  what: 'the store says it is busy',
  hint: 'it was tried several times; run again later, or spread the schedules',
};
const LEASED: Verdict = {
  kind: 'transient',
  what: 'somebody holds a lease on the blob, which keeps it from being changed',
  hint: 'it was tried several times; a lease that does not end by itself is broken with `az storage blob lease break`, or give names a time (`file.name` of the activation)',
};
const MISSING: Verdict = { kind: 'not-found', what: 'there is no such blob', hint: 'look whether something else removed it' };

const BROKEN_OFF: Verdict = { kind: 'transient', what: 'the connection broke', hint: 'look whether the address is right and the network works' };

/** By the code of the error: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  InvalidAuthenticationInfo: WRONG_KEY,
  NoAuthenticationInformation: WRONG_KEY,
  AccountIsDisabled: { kind: 'authentication', what: 'the storage account is disabled', hint: 'ask its owner' },
  AuthorizationFailure: DENIED,
  AuthorizationPermissionMismatch: DENIED,
  AuthorizationProtocolMismatch: DENIED,
  AuthorizationResourceTypeMismatch: DENIED,
  AuthorizationServiceMismatch: DENIED,
  AuthorizationSourceIPMismatch: {
    kind: 'permission',
    what: 'the store lets this machine’s address not in',
    hint: 'add it to the account’s network rules or the SAS',
  },
  InsufficientAccountPermissions: DENIED,
  UnauthorizedBlobOverwrite: DENIED,
  LeaseIdMissing: LEASED,
  LeaseAlreadyPresent: LEASED,
  LeaseIdMismatchWithBlobOperation: LEASED,
  BlobImmutableDueToPolicy: {
    kind: 'permission',
    what: 'a policy keeps the blob from being changed',
    hint: 'change `file.name` of the activation so that names do not repeat',
  },
  ContainerNotFound: { kind: 'missing-container', what: 'there is no such container', hint: 'make it, or check `storage.container`' },
  ContainerBeingDeleted: { kind: 'missing-container', what: 'the container is being deleted', hint: 'check `storage.container`' },
  ContainerDisabled: { kind: 'missing-container', what: 'the container is disabled', hint: 'check `storage.container`' },
  BlobNotFound: MISSING,
  ResourceNotFound: MISSING,
  ServerBusy: THROTTLED,
  InternalError: BROKEN,
  OperationTimedOut: BROKEN,
  InvalidBlockList: { kind: 'transient', what: 'the store forgot parts of the upload', hint: 'it starts anew' },
  Md5Mismatch: DAMAGED,
  Crc64Mismatch: DAMAGED,
  InvalidResourceName: {
    kind: 'configuration',
    what: 'the store does not take that name',
    hint: 'check `storage.container` and `file.name` of the activation',
  },
  PARSE_ERROR: BROKEN,
  REQUEST_SEND_ERROR: BROKEN_OFF,
};

const FIFTEEN_MINUTES_MS = 15 * 60_000;

export interface AzureFailure {
  readonly doing: string;
  /** Of the shared access signature, where there is one. */
  readonly validity?: Validity;
  readonly signal?: AbortSignal | undefined;
}

/** Turns an error of the SDK into a `StorageError`. Azure answers 403 for a wrong key, an expired signature and a wrong clock alike: times tell them apart. */
export function classifyAzureError(error: unknown, { doing, validity, signal }: AzureFailure): StorageError {
  if (signal?.aborted === true) return abortedError(signal);
  if (error instanceof StorageError) return error;
  const network = classifyNetworkError(error, doing);
  if (network) return network;
  if (!(error instanceof Error)) throw error;
  const verdict = judge(error, validity);
  // Nothing the store or the network said: a bug of ours keeps its stack.
  if (!verdict) throw error;
  return new StorageError(verdict.kind, `${doing}: ${verdict.what}`, { hint: verdict.hint, cause: error });
}

function judge(error: Error, { startsAt, expiresAt }: Validity = {}): Verdict | undefined {
  const status = statusOf(error);
  const code = codeOf(error);
  const serverTime = serverTimeOf(error) ?? Date.now();
  if (status === 401 || status === 403) {
    if (expiresAt !== undefined && expiresAt <= serverTime) return expiresAt <= Date.now() ? EXPIRED : EXPIRED_THERE;
    if (startsAt !== undefined && startsAt > serverTime) return NOT_YET;
    if (/not valid in the specified time frame/i.test(error.message)) return EXPIRED;
    if (Math.abs(serverTime - Date.now()) > FIFTEEN_MINUTES_MS || /date header|too old/i.test(error.message)) return SKEWED;
    if (code === 'AuthenticationFailed' || /failed to authenticate/i.test(error.message)) return WRONG_KEY;
  }
  // The SDK's word for an answer that breaks off, too; that somebody said stop has been looked at before.
  if (error.name === 'AbortError') return BROKEN_OFF;
  return judgeAzureLogin(error) ?? VERDICTS[code] ?? verdictOfStatus(status, error.message);
}

function verdictOfStatus(status: number | undefined, message: string): Verdict | undefined {
  if (status === undefined) return undefined;
  if (status === 429 || status === 503) return THROTTLED;
  if (status >= 500) return verdictOfFailure(status, message);
  if (status === 401 || status === 403) return DENIED;
  if (status === 404) return MISSING;
  if (status >= 300 && status < 400) return redirected(status);
  if (status >= 400) return { kind: 'configuration', what: `the store does not take the request (${status})`, hint: 'check the keys of `storage`' };
  return BROKEN;
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Why the store refused. The SDK takes it from the body alone, which the answer to HEAD has none of: there it stands in a header only. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  return headerOf(error, 'x-ms-error-code') ?? '';
}

/** The store writes its time into what it says; a header's may be a proxy's. */
function serverTimeOf(error: Error): number | undefined {
  const said = Date.parse(/\bTime:(\S+)/.exec(error.message)?.[1] ?? '');
  if (!Number.isNaN(said)) return said;
  const time = Date.parse(headerOf(error, 'date') ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function headerOf(error: Error, name: string): string | undefined {
  if (!('response' in error)) return undefined;
  return (error.response as { headers?: { get?(name: string): string | undefined } } | undefined)?.headers?.get?.(name);
}
