import { AppError } from '../../src/model/app-error.ts';
import { TransportError, type TransportFailure } from './transport-error.ts';

/** The fields of the SDK's CampaignException that are safe to read: the rest carries requests with tokens (`domain/campaign.md` 1.4 and 1.5, trap 3). */
interface CampaignFault {
  readonly name: 'CampaignException';
  readonly statusCode?: number;
  readonly errorCode?: string;
  readonly faultString?: string;
  readonly detail?: string;
  readonly cause?: unknown;
  /** Only to be looked into: what it holds is never told. */
  readonly methodCall?: { readonly response?: string };
}

/** The request may have been carried out. */
const UNCLEAR: ReadonlySet<TransportFailure> = new Set(['cut', 'timeout', 'aborted', 'unavailable', 'not-soap']);
const MALFORMED = 'the answer is not that of this call';
/** How the SDK tells an exception of its parser, or of its own at an answer of another shape. */
const BROKE = /^(?:DOMException|DomException|TypeError|RangeError) \(/;

/** What a failed call came to, in safe words. */
export interface Failure {
  /** Campaign's own code, such as XSV-350012; empty when it said none. */
  readonly code: string;
  readonly text: string;
  readonly transport: TransportError | undefined;
  /** True when the server may have done what was asked. */
  readonly unclear: boolean;
}

/** Takes what is safe from whatever the SDK or the transport threw. `clean` removes the secrets that a server may have repeated. */
export function readFailure(error: unknown, clean: (text: string) => string): Failure | undefined {
  const transport = findTransportError(error);
  if (transport !== undefined) {
    return { code: '', text: clean(transport.message), transport, unclear: UNCLEAR.has(transport.failure) };
  }
  if ((error as { name?: string } | null)?.name !== 'CampaignException') {
    // The XML parser's own exception: what came back is not a SOAP answer at all.
    if ((error as { constructor?: { name?: string } }).constructor?.name?.startsWith('DOM') !== true) return undefined;
    return { code: '', text: 'the answer is not XML', transport: new TransportError('not-soap', 'the answer is not XML'), unclear: true };
  }
  const fault = error as CampaignFault;
  const raw = [fault.faultString ?? '', fault.detail ?? ''].join(' ');
  // Of a fault with another status than 200 the SDK leaves the code in the raw XML.
  const code = fault.errorCode !== undefined && fault.errorCode !== '' ? fault.errorCode : (/[A-Z]{3}-\d{6}/.exec(raw)?.[0] ?? '');
  if (fault.statusCode === 401) return { code: 'XSV-350008', text: 'the session has expired', transport: undefined, unclear: false };
  // Only a fault is Campaign's refusal; else the SDK did not find in the answer what it wanted, or broke at it.
  const isFault = fault.methodCall?.response?.includes('<SOAP-ENV:Fault') === true && !BROKE.test(raw);
  if (code === '' && !isFault) return { code: '', text: MALFORMED, transport: new TransportError('not-soap', MALFORMED), unclear: true };
  return { code, text: clean(shorten(raw)), transport: undefined, unclear: false };
}

/** The error of the transport, which the SDK wraps as the cause. */
function findTransportError(error: unknown): TransportError | undefined {
  for (let found = error, depth = 0; found !== null && typeof found === 'object' && depth < 4; depth += 1) {
    if (found instanceof TransportError) return found;
    found = (found as { cause?: unknown }).cause;
  }
  return undefined;
}

function shorten(text: string): string {
  const words = text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return words.length > 300 ? `${words.slice(0, 300)}…` : words;
}

/** A failed call as an error that a user can act on. Never carries the SDK's exception, not even as its cause. */
export class CampaignError extends AppError {
  readonly failure: Failure;

  constructor(failure: Failure, what: string) {
    const { transport, code, text } = failure;
    const [ours, hint] = transport === undefined ? (FAULT_HINTS[code] ?? OTHER_FAULT) : TRANSPORT_HINTS[transport.failure];
    super({ code: ours, message: transport === undefined ? `${what}: Campaign refused it: ${text === '' ? code : text}` : `${what}: ${text}`, hint });
    this.failure = failure;
  }
}

const OTHER_FAULT = ['RC6017', 'the text is Campaign’s own; its code can be looked up in the Campaign documentation'] as const;

const TRANSPORT_HINTS: Readonly<Record<TransportFailure, readonly [code: string, hint: string]>> = {
  refused: ['RC6001', 'check `connection.url` and the network of this machine'],
  untrusted: ['RC6020', 'renew the certificate, or give the private authority that signed it by NODE_EXTRA_CA_CERTS'],
  cut: ['RC6001', 'the connection broke on the way; try again'],
  timeout: ['RC6002', 'Campaign or something before it does not answer; try again, then ask for the instance’s state'],
  aborted: ['RC6002', 'it was stopped from outside'],
  throttled: ['RC6009', 'Campaign limits how often it is called; run less often, or spread the activations'],
  unavailable: ['RC6001', 'the instance or the gateway before it is down; try again later'],
  unauthorized: ['RC6005', 'the token was refused: check the technical account and its product profile'],
  forbidden: ['RC6006', 'a gateway refuses the call: check the allow list of the instance for the address of this machine'],
  redirect: ['RC6004', 'redirects are never followed, since tokens would travel with them: write the final address into `connection.url`'],
  'not-campaign': ['RC6003', '`connection.url` must be the address of the Campaign instance itself, such as https://acme-mkt-prod1.campaign.adobe.com'],
  'not-soap': ['RC6003', 'look whether `connection.url` is the address of the Campaign instance itself, and whether something before it changes its answers'],
  status: ['RC6003', '`connection.url` must be the address of the Campaign instance itself'],
};

const FAULT_HINTS: Readonly<Record<string, readonly [code: string, hint: string]>> = {
  'XSV-350012': ['RC6005', 'check the user and the password; Campaign v8 takes no native users: use `auth: {type: ims, …}`'],
  'XSV-350013': ['RC6006', 'the address of this machine is not in the operator’s security zone: have it added to the instance’s allow list'],
  'XSV-350008': ['RC6007', 'the session is over; with `auth: {type: session}` give a new token, or use `auth: {type: ims}`'],
};
