import { StorageError } from './storage-error.ts';
import type { StorageErrorKind } from './storage.ts';

interface Verdict {
  readonly kind: StorageErrorKind;
  readonly what: string;
  readonly hint: string;
}

const REACH_HINT = 'look whether the address and port are right, the server runs, and no firewall or allow list stands in between';
/** It answered before: the address is right, or somebody stands in between. */
const BREAK_HINT = `${REACH_HINT}; a server that breaks off on its way says why in its own log: its disk may be full`;
const CERTIFICATE_HINT = 'the server’s certificate must be valid for its name; give Node a company’s own authority with NODE_EXTRA_CA_CERTS';

const VERDICTS: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: { kind: 'transient', what: 'the connection was refused', hint: REACH_HINT },
  ECONNRESET: { kind: 'transient', what: 'the connection broke', hint: BREAK_HINT },
  ECONNABORTED: { kind: 'transient', what: 'the connection broke', hint: REACH_HINT },
  EPIPE: { kind: 'transient', what: 'the connection broke', hint: BREAK_HINT },
  ETIMEDOUT: { kind: 'transient', what: 'the server did not answer in time', hint: REACH_HINT },
  ESOCKETTIMEDOUT: { kind: 'transient', what: 'the server did not answer in time', hint: REACH_HINT },
  UND_ERR_SOCKET: { kind: 'transient', what: 'the connection broke', hint: REACH_HINT },
  UND_ERR_CONNECT_TIMEOUT: { kind: 'transient', what: 'the server did not answer in time', hint: REACH_HINT },
  UND_ERR_HEADERS_TIMEOUT: { kind: 'transient', what: 'the server did not answer in time', hint: REACH_HINT },
  UND_ERR_BODY_TIMEOUT: { kind: 'transient', what: 'the server stopped sending', hint: REACH_HINT },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { kind: 'transient', what: 'the answer ended early', hint: REACH_HINT },
  HPE_INVALID_CONSTANT: { kind: 'transient', what: 'the answer is not HTTP', hint: REACH_HINT },
  EHOSTUNREACH: { kind: 'transient', what: 'the server cannot be reached', hint: REACH_HINT },
  ENETUNREACH: { kind: 'transient', what: 'the network cannot be reached', hint: REACH_HINT },
  EAI_AGAIN: { kind: 'transient', what: 'the server’s name could not be looked up', hint: 'look whether the name server works' },
  ENOTFOUND: { kind: 'transient', what: 'no server has that name', hint: 'check the host name; if it is right, the name server does not know it yet' },
  CERT_HAS_EXPIRED: { kind: 'expired', what: 'the server’s certificate has expired', hint: 'its operator must renew it; check this machine’s clock too' },
  CERT_NOT_YET_VALID: { kind: 'clock-skew', what: 'the server’s certificate is not valid yet', hint: 'check this machine’s clock' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { kind: 'configuration', what: 'the server’s certificate is signed by itself', hint: CERTIFICATE_HINT },
  SELF_SIGNED_CERT_IN_CHAIN: { kind: 'configuration', what: 'the server’s certificate is signed by an unknown authority', hint: CERTIFICATE_HINT },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { kind: 'configuration', what: 'the server’s certificate is signed by an unknown authority', hint: CERTIFICATE_HINT },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { kind: 'configuration', what: 'the server’s certificate is signed by an unknown authority', hint: CERTIFICATE_HINT },
  ERR_TLS_CERT_ALTNAME_INVALID: { kind: 'configuration', what: 'the server’s certificate is for another name', hint: CERTIFICATE_HINT },
  EPROTO: { kind: 'configuration', what: 'the server does not speak TLS there', hint: 'check http:// or https:// and the port' },
  ERR_SSL_WRONG_VERSION_NUMBER: { kind: 'configuration', what: 'the server does not speak TLS there', hint: 'check http:// or https:// and the port' },
};

/** What every HTTP or TCP client may meet; undefined when it is no matter of the network. `doing` names the action and the place. */
export function classifyNetworkError(error: unknown, doing: string): StorageError | undefined {
  for (const code of codesOf(error)) {
    const verdict = VERDICTS[code];
    if (verdict) return new StorageError(verdict.kind, `${doing}: ${verdict.what}`, { hint: verdict.hint, cause: error });
  }
  return undefined;
}

/** The `code` of an error and of what caused it (`fetch failed` hides the reason there), the outermost first. */
function* codesOf(error: unknown): Generator<string> {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') yield at.code;
    if (at instanceof AggregateError) for (const one of at.errors) yield* codesOf(one);
  }
}
