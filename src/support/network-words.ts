const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name service does not answer',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  EHOSTUNREACH: 'the host cannot be reached from here',
  ENETUNREACH: 'the host cannot be reached from here',
  ETIMEDOUT: 'the host does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the host does not answer',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet, or this machine’s clock is behind',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS there, check https:// and the port',
};

/** A code of Node's network layer in words, the code behind them; the code alone when it is not a known one. */
function networkWords(code: string): string {
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}

/** True for the codes that mean: the server's certificate does not hold. */
export function isCertificateProblem(code: string): boolean {
  return !speaksNoTls(code) && /CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO_VERIFY/.test(code);
}

/** True when something else than TLS answered: nothing of the request was sent. */
export function speaksNoTls(code: string): boolean {
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER';
}

/** Why `fetch` failed, from what stands behind its error: the code (empty for none) and words for people. */
export function explainFetchError(error: unknown): { readonly code: string; readonly words: string; readonly isHttp: boolean } {
  const { code = '', name, message = 'the connection broke' } = (error as { cause?: { code?: string; name?: string; message?: string } }).cause ?? {};
  // Another protocol: the parser's own words quote none of it, and say nothing to who has the wrong port.
  if (name === 'HTTPParserError') return { code, words: 'what answers there is not HTTP', isHttp: false };
  return { code, words: code === '' ? message : networkWords(code), isHttp: true };
}
