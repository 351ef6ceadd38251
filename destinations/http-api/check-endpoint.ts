import type { CheckFinding } from '../../src/destination/connector.ts';
import { explainFetchError } from '../../src/support/network-words.ts';
import { isWebPage, readStart, showUrl, type Endpoint } from './send-request.ts';

/** Asks without sending a row. An answer of an endpoint that may not know OPTIONS proves the way; one that nobody with rows to take would give is told. */
export async function checkEndpoint(endpoint: Endpoint): Promise<CheckFinding> {
  const subject = `endpoint ${showUrl(endpoint.url)}`;
  try {
    const response = await fetch(endpoint.url, {
      method: 'OPTIONS',
      headers: endpoint.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(endpoint.timeoutMs),
    });
    return { subject, ...judge(response.status, isWebPage(response, await readStart(response)), endpoint.method) };
  } catch (error) {
    const { words } =
      (error as { name?: string }).name === 'TimeoutError' ? { words: `no answer within ${endpoint.timeoutMs / 1000} s` } : explainFetchError(error);
    return {
      code: 'RC6101',
      level: 'error',
      subject,
      message: `it cannot be reached: ${words}`,
      hint: 'check connection.url, the certificate and the network of this machine',
    };
  }
}

/** 405 and 501: the address is known, and OPTIONS is not. */
const NO_OPTIONS: ReadonlySet<number> = new Set([405, 501]);

function judge(status: number, isPage: boolean, method: string): Omit<CheckFinding, 'subject'> {
  if (status === 401 || status === 403) return { code: 'RC6103', level: 'error', message: `it refuses the login (${status})`, hint: 'check connection.auth' };
  if (status >= 300 && status < 400)
    return { code: 'RC6104', level: 'error', message: 'it redirects', hint: 'redirects are never followed: write the final address' };
  // Some know an address for one method only, so that it is no certain mistake.
  if (status === 404 || status === 410) {
    return {
      code: 'RC6102',
      level: 'warning',
      message: `it answered ${status}: nothing seems to be at this address`,
      hint: `check the path in connection.url; it is right all the same when the endpoint answers so to all but ${method}`,
    };
  }
  if (status >= 500 && !NO_OPTIONS.has(status))
    return { code: 'RC6102', level: 'warning', message: `it answered ${status}`, hint: 'look into the endpoint’s own log' };
  if (isPage) {
    return {
      code: 'RC6106',
      level: 'warning',
      message: 'a web page came back: of a login, of a proxy, or of something else than the endpoint',
      hint: 'connection.url must be the address that takes the rows: a run ends where a page comes back for them',
    };
  }
  return { code: 'RC6100', level: 'ok', message: 'answers' };
}
