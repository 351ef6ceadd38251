import type { TransportRequest } from '@adobe/acc-js-sdk';
import type { ConnectorContext } from '../../src/destination/connector.ts';
import { retryAfterMs } from '../../src/support/retry-after.ts';
import { TransportError } from './transport-error.ts';

export interface TransportOptions extends Pick<ConnectorContext, 'clock' | 'sleep' | 'log'> {
  /** Of one request, from the first byte sent to the last received. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** How often a request is sent again, where that is safe. */
  readonly retries: number;
  /** Ends waiting; the request in flight is aborted. */
  readonly signal?: () => AbortSignal | undefined;
}

/** The SDK's transport: `(request) => body`. */
export type Transport = (request: TransportRequest) => Promise<string>;

const MAX_WAIT_MS = 60_000;

/**
 * HTTP of our own instead of the SDK's (axios), which follows redirects to other origins with tokens and passwords, obeys proxy variables
 * silently and hangs with no deadline over the whole body (`domain/campaign.md` 1.5, traps 2, 5 and 8). Node's `fetch` uses no proxy unless
 * NODE_USE_ENV_PROXY asks for it.
 *
 * A SOAP fault comes back as a body whatever its status, so that the SDK reads its code. Throws `TransportError`.
 */
export function createTransport(options: TransportOptions): Transport {
  return async (request) => {
    const method = soapMethod(request);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await sendOnce(request, method, options);
      } catch (error) {
        if (!(error instanceof TransportError) || attempt >= options.retries || !mayRepeat(error, method)) throw error;
        const waitMs = error.retryAfterMs ?? 500 * 2 ** attempt;
        if (waitMs > MAX_WAIT_MS) throw error;
        options.log('debug', `Campaign answered \`${error.failure}\`, trying again`, { method, attempt: attempt + 1, waitMs });
        await options.sleep(waitMs, options.signal?.());
      }
    }
  };
}

function soapMethod(request: TransportRequest): string {
  return (request.headers['SoapAction'] ?? '').replace(/^.*#/, '');
}

/** What the server refused to look at may be sent again; what it may have done already only where doing it twice changes nothing. */
function mayRepeat(error: TransportError, method: string): boolean {
  if (error.failure === 'throttled' || error.failure === 'refused') return true;
  if (method === 'PostEvent' || method === 'CreateInstanceFromModel') return false;
  return error.failure === 'cut' || error.failure === 'unavailable';
}

async function sendOnce(request: TransportRequest, method: string, options: TransportOptions): Promise<string> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const stop = options.signal?.();
  const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
  let response: Response;
  let body: string;
  try {
    response = await fetch(request.url, {
      method: request.method ?? 'GET',
      headers: request.headers,
      redirect: 'manual',
      signal,
      ...(request.data === undefined ? {} : { body: request.data }),
    });
    body = await readText(response, options.maxBytes);
  } catch (error) {
    if (error instanceof TransportError) throw error;
    if (stop?.aborted === true) throw new TransportError('aborted', 'the request was stopped');
    if (timeout.aborted) throw new TransportError('timeout', `no answer within ${options.timeoutMs / 1000} s`);
    throw TransportError.ofNetwork(error);
  }
  if (method !== '' && (isFault(body) || (response.ok && isAnswerTo(method, body)))) return body;
  if (response.status >= 300 && response.status < 400) throw TransportError.ofRedirect(request.url, response.headers.get('location'));
  if (response.ok) {
    if (looksLikeHtml(body)) throw new TransportError('not-campaign', 'a web page came back');
    if (method !== '') throw new TransportError('not-soap', 'the answer is not SOAP');
    return body;
  }
  throw TransportError.ofStatus(response.status, retryAfterMs(response.headers.get('retry-after'), options.clock()));
}

/**
 * The SDK takes any envelope for an answer: that of another call would be a signal that was taken. What is none must not reach its parser at all,
 * which writes of a page's style sheets to stderr and takes document types. Real servers answer with exactly these names (`domain/campaign.md` 1.6).
 */
function isAnswerTo(method: string, body: string): boolean {
  return isEnvelope(body) && body.includes(`<${method}Response`);
}

/** Faults come with any status. The SDK reads both texts without looking. */
function isFault(body: string): boolean {
  return isEnvelope(body) && ['<SOAP-ENV:Fault', '<faultcode', '<faultstring'].every((tag) => body.includes(tag));
}

function isEnvelope(body: string): boolean {
  return /^\s*(?:<\?xml[^>]*\?>\s*)?<SOAP-ENV:Envelope\s/.test(body);
}

function looksLikeHtml(body: string): boolean {
  return /^\s*(?:<\?xml[^>]*\?>\s*)?(?:<!doctype html|<html)/i.test(body);
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new TransportError('not-campaign', `the answer is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
