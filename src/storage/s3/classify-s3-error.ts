import { abortedError } from '../check-aborted.ts';
import { classifyNetworkError } from '../classify-network-error.ts';
import { StorageError } from '../storage-error.ts';
import { BROKEN, DAMAGED, SKEWED, type Verdict, redirected, verdictOfFailure } from '../verdict.ts';

const KEY_HINT = 'check `storage.accessKeyId`; without it, what the default chain of credentials finds (`aws sts get-caller-identity` shows it)';
const EXPIRED: Verdict = {
  kind: 'expired',
  what: 'the temporary credentials have expired',
  hint: 'fetch new ones, or give the machine a role that renews them by itself',
};
const THROTTLED: Verdict = {
  kind: 'throttled',
  what: 'the store says “slow down”',
  hint: 'it was tried several times; run again later, or spread the schedules',
};
const REGION: Verdict = { kind: 'configuration', what: 'the bucket is in another region', hint: 'set `storage.region` to the bucket’s' };
const KMS: Verdict = {
  kind: 'permission',
  what: 'the KMS key cannot be used',
  hint: 'check `storage.kmsKeyId` and the right to kms:GenerateDataKey and kms:Decrypt',
};
const DENIED: Verdict = {
  kind: 'permission',
  what: 'access denied',
  hint: 'the credentials need s3:PutObject, s3:GetObject, s3:ListBucket and s3:AbortMultipartUpload on the bucket and prefix',
};

/** By the name of the error: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  InvalidAccessKeyId: { kind: 'authentication', what: 'the access key does not exist', hint: KEY_HINT },
  SignatureDoesNotMatch: {
    kind: 'authentication',
    what: 'the secret access key is wrong',
    hint: 'check `storage.secretAccessKey`: it must be whole and belong to the access key',
  },
  XAdminUserNotFound: { kind: 'authentication', what: 'the access key does not exist', hint: KEY_HINT },
  InvalidSecurity: { kind: 'authentication', what: 'the credentials are not valid', hint: KEY_HINT },
  InvalidToken: { kind: 'authentication', what: 'the session token is not valid', hint: 'check `storage.sessionToken`: it belongs to one pair of keys' },
  AccountProblem: { kind: 'authentication', what: 'the account is locked', hint: 'ask its owner' },
  CredentialsProviderError: {
    kind: 'authentication',
    what: 'no credentials were found',
    hint: 'set `storage.accessKeyId` and `storage.secretAccessKey`, or give the machine a role; if it has one, its metadata server does not answer (from inside a container EC2 wants a hop limit of 2)',
  },
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  RequestExpired: EXPIRED,
  RequestTimeTooSkewed: SKEWED,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  MethodNotAllowed: DENIED,
  NoSuchBucket: { kind: 'missing-container', what: 'there is no such bucket', hint: 'make it, or check `storage.bucket` and `storage.region`' },
  NoSuchKey: { kind: 'not-found', what: 'there is no such object', hint: 'look whether something else removed it' },
  NotFound: { kind: 'not-found', what: 'there is no such object', hint: 'look whether something else removed it' },
  SlowDown: THROTTLED,
  ServiceUnavailable: THROTTLED,
  Throttling: THROTTLED,
  ThrottlingException: THROTTLED,
  TooManyRequestsException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  InternalError: BROKEN,
  OperationAborted: BROKEN,
  ConditionalRequestConflict: BROKEN,
  NoSuchUpload: { kind: 'transient', what: 'the store forgot the unfinished upload', hint: 'it starts anew; a lifecycle rule may abort uploads too early' },
  InvalidPart: BROKEN,
  RequestTimeout: BROKEN,
  TimeoutError: BROKEN,
  IncompleteBody: BROKEN,
  BadDigest: DAMAGED,
  InvalidDigest: DAMAGED,
  XAmzContentSHA256Mismatch: DAMAGED,
  XAmzContentChecksumMismatch: DAMAGED,
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  IllegalLocationConstraintException: REGION,
  KMSDisabledException: KMS,
  'KMS.DisabledException': KMS,
  'KMS.NotFoundException': KMS,
  'KMS.KMSInvalidStateException': KMS,
  'KMS.InvalidKeyUsageException': KMS,
  InvalidStorageClass: { kind: 'configuration', what: 'the store has no such storage class', hint: 'check `storage.storageClass`' },
  InvalidBucketName: { kind: 'configuration', what: 'the bucket’s name is not valid', hint: 'check `storage.bucket`' },
  KeyTooLongError: { kind: 'configuration', what: 'the name is too long', hint: 'shorten `file.name` of the activation' },
  EntityTooLarge: { kind: 'configuration', what: 'the file is too large for the store', hint: 'lower `file.maxRows` of the activation' },
  QuotaExceeded: { kind: 'no-space', what: 'the bucket’s quota is used up', hint: 'make room, or have the quota raised' },
  XMinioStorageFull: { kind: 'no-space', what: 'the store’s disk is full', hint: 'make room, or have it enlarged' },
};

/** So much of the store's own words. */
const MOST_SAID = 300;

/** Turns an error of the SDK into a `StorageError`. `doing` names the action and the place: "cannot write `s3://b/in/x.csv`". */
export function classifyS3Error(error: unknown, doing: string, signal?: AbortSignal): StorageError {
  if (signal?.aborted === true) return abortedError(signal);
  if (error instanceof StorageError) return error;
  const network = classifyNetworkError(error, doing);
  if (network) return network;
  if (!(error instanceof Error)) throw error;
  const status = statusOf(error);
  const verdict = VERDICTS[error.name] ?? verdictOfStatus(status, error.message) ?? verdictOfMessage(error);
  // Nothing the store or the network said: a bug of ours keeps its stack.
  if (!verdict) throw error;
  const said = error.name === 'AuthorizationHeaderMalformed' || error.name === 'InvalidRequest' ? ` (${error.message.slice(0, MOST_SAID)})` : '';
  return new StorageError(verdict.kind, `${doing}: ${verdict.what}${said}`, { hint: verdict.hint, cause: error });
}

export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode;
}

function verdictOfStatus(status: number | undefined, message: string): Verdict | undefined {
  if (status === undefined) return undefined;
  if (status === 429 || status === 503) return THROTTLED;
  if (status === 507) return { kind: 'no-space', what: 'the store is full', hint: 'make room, or have it enlarged' };
  if (status >= 500) return verdictOfFailure(status, message);
  if (status === 401 || status === 403) return DENIED;
  if (status === 404) return { kind: 'not-found', what: 'there is no such bucket or object', hint: 'check `storage.bucket` and `storage.endpoint`' };
  if (status === 301 || status === 307) return REGION;
  if (status >= 300 && status < 400) return redirected(status);
  if (status >= 400) return { kind: 'configuration', what: `the store does not take the request (${status})`, hint: 'check the keys of `storage`' };
  // A 200 that holds no S3 answer, or half of one.
  return BROKEN;
}

function verdictOfMessage(error: Error): Verdict | undefined {
  if (/region is missing/i.test(error.message)) {
    return { kind: 'configuration', what: 'no region is known', hint: 'set `storage.region`, or AWS_REGION' };
  }
  if (/region not accepted/i.test(error.message)) {
    return { kind: 'configuration', what: 'what is set as region is none', hint: 'check `storage.region`, or AWS_REGION' };
  }
  if (/could not load credentials/i.test(error.message)) return VERDICTS['CredentialsProviderError'];
  if (/socket hang up|premature close|connection closed|aborted/i.test(error.message)) return BROKEN;
  return undefined;
}
