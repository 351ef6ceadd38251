import { explainFetchError, isCertificateProblem, speaksNoTls } from '../../src/support/network-words.ts';

/** How a request failed before Campaign could say anything. */
export type TransportFailure =
  /** Nobody listens, or there is no such name: nothing was sent. */
  | 'refused'
  /** The certificate does not hold: nothing was sent, and trying again changes nothing. */
  | 'untrusted'
  /** The connection broke after the request may have arrived. */
  | 'cut'
  | 'timeout'
  | 'aborted'
  | 'throttled'
  | 'unavailable'
  | 'unauthorized'
  | 'forbidden'
  | 'redirect'
  | 'not-campaign'
  /** An answer that is not the one of a SOAP call: what the server did nobody knows. */
  | 'not-soap'
  | 'status';

/** Codes of Node's network layer that mean: the request never left. */
const NOTHING_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** A failed request. Holds no header and no body: they carry tokens and passwords. */
export class TransportError extends Error {
  readonly failure: TransportFailure;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(failure: TransportFailure, message: string, status?: number, retryAfterMs?: number) {
    super(message);
    this.name = 'TransportError';
    this.failure = failure;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  static ofNetwork(error: unknown): TransportError {
    const { code, words, isHttp } = explainFetchError(error);
    if (!isHttp) return new TransportError('not-soap', words);
    if (isCertificateProblem(code)) return new TransportError('untrusted', `its certificate does not hold: ${words}`);
    return new TransportError(NOTHING_SENT.has(code) || speaksNoTls(code) ? 'refused' : 'cut', words);
  }

  /** Only the origin is told: the rest of an address may hold a token. */
  static ofRedirect(from: string, location: string | null): TransportError {
    const target = location === null || !URL.canParse(location, from) ? 'nowhere' : new URL(location, from).origin;
    return new TransportError('redirect', `it redirects to ${target}`);
  }

  static ofStatus(status: number, waitMs: number | undefined): TransportError {
    const failure = FAILURES[status] ?? 'status';
    return new TransportError(failure, `it answered ${status}`, status, waitMs);
  }
}

const FAILURES: Readonly<Record<number, TransportFailure>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-campaign',
  429: 'throttled',
  500: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};
