import { classifyNetworkError } from '../classify-network-error.ts';
import { StorageError } from '../storage-error.ts';

export interface GcsAccess {
  /** A service account's JSON, parsed; absent: the default credentials, or none at an emulator. */
  readonly credentials?: Readonly<Record<string, unknown>>;
  /** Of an emulator; absent: Google's. */
  readonly endpoint?: string;
}

/** What the store answered with a status that is no success. */
export class GcsRefusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'GcsRefusal';
    this.status = status;
    this.reason = reason;
  }
}

export interface GcsRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly signal?: AbortSignal | undefined;
  /** Statuses that are answers and no errors here, beside 2xx. */
  readonly accept?: readonly number[];
}

export interface GcsClient {
  /** The store's address, without a slash at its end. */
  readonly base: string;
  send(url: string, request?: GcsRequest): Promise<Response>;
  /** The store's clock minus ours, from the last answer. */
  clockSkewMs(): number | undefined;
}

const GOOGLE = 'https://storage.googleapis.com';
/** Of a sentence of Google's. */
const MOST_SAID = 200;
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

/**
 * Google's JSON API over `fetch`, with the vendor's library for the login alone: its uploads cannot be resumed from another process.
 */
export async function connectGcs(access: GcsAccess): Promise<GcsClient> {
  const authorize = await loginOf(access);
  let skewMs: number | undefined;
  return {
    base: (access.endpoint ?? GOOGLE).replace(/\/+$/, ''),
    clockSkewMs: () => skewMs,
    async send(url, { method = 'GET', headers = {}, body, signal, accept = [] } = {}) {
      const login = await authorize();
      const response = await fetch(url, {
        method,
        headers: { ...headers, ...login },
        redirect: 'manual',
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      const date = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(date)) skewMs = date - Date.now();
      if (response.ok || accept.includes(response.status)) return response;
      throw await refusalOf(response);
    },
  };
}

async function loginOf({ credentials, endpoint }: GcsAccess): Promise<() => Promise<Readonly<Record<string, string>>>> {
  if (!credentials && endpoint !== undefined) return async () => ({});
  const { Storage } = await import('@google-cloud/storage');
  // With a project of its own the library does not ask for the login's, which takes a right and a host of Google's more, and nothing here needs it.
  const { authClient } = new Storage({ projectId: 'unused', scopes: [SCOPE], ...(credentials && { credentials: { ...credentials } }) });
  return async () => {
    try {
      const token = await authClient.getAccessToken();
      return { authorization: `Bearer ${token ?? ''}` };
    } catch (error) {
      throw classifyLoginError(error);
    }
  };
}

/** Google answers a login with `invalid_grant` and a sentence; the sentence tells a wrong key from a wrong clock. */
function classifyLoginError(error: unknown): StorageError {
  const doing = 'cannot log in to Google Cloud';
  const network = classifyNetworkError(error, doing);
  if (network) return network;
  const said = descriptionOf(error);
  if (/reasonable timeframe|iat|exp/i.test(said) && /short-lived|timeframe/i.test(said)) {
    return new StorageError('clock-skew', `${doing}: this machine’s clock is wrong`, { hint: 'set the clock, for instance with NTP', cause: error });
  }
  if (/could not load the default credentials/i.test(said)) {
    return new StorageError('authentication', `${doing}: no credentials were found`, {
      hint: 'set `storage.credentials`, log in with `gcloud auth application-default login`, or give the machine a service account; if it has one, its metadata server does not answer',
      cause: error,
    });
  }
  if (/rapt|reauth|expired/i.test(said)) {
    return new StorageError('expired', `${doing}: the login has expired`, { hint: 'log in again with `gcloud auth application-default login`', cause: error });
  }
  if (/credential_?source|subject token|file at .* does not exist/i.test(said)) {
    return new StorageError('authentication', `${doing}: the token of the workload cannot be read`, {
      hint: 'check the file or address that `credential_source` of the credentials names',
      cause: error,
    });
  }
  const why = reasonOf(error);
  return new StorageError('authentication', `${doing}: the credentials were refused${why === undefined ? '' : ` (${why})`}`, {
    hint: 'check `storage.credentials`: the key or the machine’s service account must exist and be enabled; of a workload identity the audience and the conditions of its provider must fit',
    cause: error,
  });
}

/** Google’s own sentence, without what could be a token. */
function reasonOf(error: unknown): string | undefined {
  const said = dataOf(error)?.error_description ?? /\binvalid_[a-z]+: [^\n]+/.exec(error instanceof Error ? error.message : '')?.[0];
  return typeof said === 'string' && said !== '' ? said.slice(0, MOST_SAID).replaceAll(/[\w.=-]{40,}/g, '…') : undefined;
}

function descriptionOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const data = dataOf(error);
  return `${error.message} ${data?.error ?? ''} ${data?.error_description ?? ''}`;
}

function dataOf(error: unknown): { readonly error_description?: string; readonly error?: string } | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  return (error.response as { data?: { error_description?: string; error?: string } } | undefined)?.data;
}

async function refusalOf(response: Response): Promise<GcsRefusal> {
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string; errors?: readonly { reason?: string }[] } };
    return new GcsRefusal(response.status, error?.errors?.[0]?.reason ?? '', error?.message ?? text);
  } catch {
    return new GcsRefusal(response.status, '', text.slice(0, 200));
  }
}
