import type { ConnectorContext } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import { explainFetchError, isCertificateProblem } from '../../src/support/network-words.ts';
import { retryAfterMs } from '../../src/support/retry-after.ts';
import { startDeadline } from './deadline.ts';

export interface Endpoint {
  readonly url: string;
  readonly method: string;
  /** With the secrets. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** What the endpoint says about a batch. */
export type Answer = 'accepted' | 'rejected' | 'too-large';

export interface SendRequest extends Pick<ConnectorContext, 'clock' | 'sleep' | 'log'> {
  readonly endpoint: Endpoint;
  readonly type: string;
  readonly body: Uint8Array;
  /** The same whenever the same rows are sent again. */
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal | undefined;
}

const MAX_WAIT_MS = 5 * 60_000;
const PAGES = ['<!doctype html', '<html'] as const;
const START_CHARACTERS = 64;
/** More of them are no answer that anybody reads. */
const MAX_BLANKS = 65_536;
const REPEATABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Sends a batch until it is answered. Throws `AppError` when the endpoint cannot be reached, or refuses whatever the rows are. */
export async function sendRequest(request: SendRequest): Promise<Answer> {
  const { endpoint, sleep, log, signal } = request;
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await tryOnce(request);
    if (typeof outcome === 'string') return outcome;
    if (attempt >= endpoint.retries || outcome.final) throw describeFailure(endpoint, outcome, attempt + 1);
    const waitMs = outcome.retryAfterMs ?? Math.min(MAX_WAIT_MS, 500 * 2 ** attempt * (0.5 + Math.random()));
    if (waitMs > MAX_WAIT_MS) throw describeFailure(endpoint, asksForPatience(outcome, waitMs), attempt + 1);
    log('debug', 'the endpoint did not take a batch, trying again', { reason: outcome.reason, attempt: attempt + 1, waitMs: Math.round(waitMs) });
    await sleep(waitMs, signal);
  }
}

interface Failure {
  readonly code: string;
  readonly reason: string;
  readonly hint: string;
  /** Trying again changes nothing. */
  readonly final: boolean;
  readonly retryAfterMs?: number;
}

async function tryOnce({ endpoint, type, body, idempotencyKey, signal, clock }: SendRequest): Promise<Answer | Failure> {
  using deadline = startDeadline(endpoint.timeoutMs, signal);
  let response: Response;
  let start: string;
  try {
    response = await fetch(endpoint.url, {
      method: endpoint.method,
      headers: { ...endpoint.headers, 'Content-Type': type, 'Idempotency-Key': idempotencyKey },
      body,
      redirect: 'manual',
      signal: deadline.signal,
    });
    start = await readStart(response);
  } catch (error) {
    if (signal?.aborted === true)
      throw new AppError({ code: 'RC6105', message: 'sending was stopped', hint: 'start it again: batches carry an Idempotency-Key' });
    if (deadline.passed)
      return {
        code: 'RC6102',
        reason: `no answer within ${endpoint.timeoutMs / 1000} s`,
        hint: 'raise details.timeoutSeconds, or send smaller batches',
        final: false,
      };
    return explainNetwork(error);
  }
  // The page of a single sign-on, or of a proxy: nobody took the rows.
  if (isWebPage(response, start)) {
    return { code: 'RC6106', reason: 'a web page came back', hint: 'connection.url must be the address that takes the rows', final: true };
  }
  return judgeStatus(response, endpoint, clock());
}

export function isWebPage({ ok, headers }: Pick<Response, 'ok' | 'headers'>, start: string): boolean {
  // Sign-in pages begin with a comment or a script, too; what some frameworks call HTML is a plain `ok`.
  const isMarkup = /^text\/html/i.test(headers.get('content-type') ?? '') && start.startsWith('<');
  return ok && (isMarkup || PAGES.some((page) => start.startsWith(page)));
}

/**
 * The first characters of an answer, behind its blanks and in small letters; the rest is not waited for. They may come in pieces, and server pages begin with
 * a blank line for each of their directives. It may repeat rows of people: it is looked at and never kept.
 */
export async function readStart({ body }: Response): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let start = '';
  for (let bytes = 0; bytes < MAX_BLANKS && PAGES.some((page) => start.length < page.length && page.startsWith(start));) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes += value.byteLength;
    start = (start + decoder.decode(value.subarray(0, MAX_BLANKS), { stream: true })).trimStart().slice(0, START_CHARACTERS).toLowerCase();
  }
  await reader.cancel();
  return start;
}

function explainNetwork(error: unknown): Failure {
  const { code, words } = explainFetchError(error);
  if (isCertificateProblem(code))
    return {
      code: 'RC6101',
      reason: `its certificate does not hold: ${words}`,
      hint: 'renew it, or give the private authority by NODE_EXTRA_CA_CERTS',
      final: true,
    };
  return { code: 'RC6101', reason: words, hint: 'check connection.url and the network of this machine', final: false };
}

function judgeStatus({ status, headers }: Response, endpoint: Endpoint, now: number): Answer | Failure {
  // Of each row by itself, in a body of the endpoint's own making: taken for a yes, whoever was refused would count as delivered.
  if (status === 207) {
    return {
      code: 'RC6107',
      reason: 'it answered 207, which says of each row whether it was taken, and nothing reads that here',
      hint: 'let it answer 200 once every row of the batch is safe, and 400 or 422 to refuse rows',
      final: true,
    };
  }
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 400 || status === 422) return 'rejected';
  if (status === 413) return 'too-large';
  if (status >= 300 && status < 400) {
    const location = headers.get('location');
    const target = location !== null && URL.canParse(location, endpoint.url) ? new URL(location, endpoint.url).origin : 'nowhere';
    return {
      code: 'RC6104',
      reason: `it redirects to ${target}`,
      hint: 'redirects are never followed, since the credentials would travel along: write the final address',
      final: true,
    };
  }
  if (status === 401 || status === 403) return { code: 'RC6103', reason: `it answered ${status}`, hint: 'check connection.auth', final: true };
  const waitMs = retryAfterMs(headers.get('retry-after'), now);
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs };
  return {
    code: 'RC6102',
    reason: `it answered ${status}`,
    hint: HINTS[status] ?? 'look into the endpoint’s own log',
    final: !REPEATABLE.has(status),
    ...wait,
  };
}

function asksForPatience(failure: Failure, waitMs: number): Failure {
  const reason = `${failure.reason} and asks to wait ${Math.ceil(waitMs / 1000)} s`;
  return { ...failure, reason, hint: `a run waits ${MAX_WAIT_MS / 60_000} minutes at most: start it again after that time` };
}

/** What to look at when a status says that it is not the rows. */
const HINTS: Readonly<Record<number, string>> = {
  404: 'check connection.url',
  405: 'check details.method',
  410: 'check connection.url',
  415: 'check details.body',
};

function describeFailure(endpoint: Endpoint, { code, reason, hint }: Failure, attempts: number): AppError {
  const tried = attempts > 1 ? `, tried ${attempts} times` : '';
  return new AppError({ code, message: `the endpoint \`${showUrl(endpoint.url)}\` does not take the rows: ${reason}${tried}`, hint });
}

/** A query may hold a token. */
export function showUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
