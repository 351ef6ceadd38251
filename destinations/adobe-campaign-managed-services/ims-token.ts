import { AppError } from '../../src/model/app-error.ts';
import { TransportError } from './transport-error.ts';
import type { Transport } from './transport.ts';

/** Adobe's own token service. */
const TOKEN_URL = 'https://ims-na1.adobelogin.com/ims/token/v3';

/** What others ask for (`domain/campaign.md` 1.2); `auth.scopes` says otherwise. */
const SCOPES: readonly string[] = [
  'AdobeID',
  'openid',
  'read_organizations',
  'additional_info.projectedProductContext',
  'additional_info.roles',
  'adobeio_api',
  'read_client_secret',
  'manage_client_secrets',
  'campaign_sdk',
  'campaign_config_server_general',
  'deliverability_service_general',
];

/** A token is replaced this long before it ends: a call may take that long to be looked at. */
const EARLY_MS = 60_000;

export interface TokenRequest {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[] | undefined;
  readonly tokenUrl: string | undefined;
}

export interface TokenSource {
  /** A token with some life left; the same one until then. */
  get(): Promise<string>;
  /** The server refused it before its time. */
  discard(): void;
}

/** The token service knows this client or its secret no more: asking again changes nothing. */
export class TokenRefusal extends AppError {}

/** OAuth server-to-server of Adobe IMS: fetched when needed, kept, replaced before it ends. `learn` is told each token, so that it can be kept out of texts. */
export function createTokenSource(request: TokenRequest, transport: Transport, clock: () => number, learn: (secret: string) => void): TokenSource {
  let kept: { readonly token: string; readonly endsAt: number } | undefined;
  let fetching: Promise<string> | undefined;
  const fetchToken = async (): Promise<string> => {
    const { access_token: token, expires_in: seconds } = await requestToken(request, transport);
    learn(token);
    const lifeMs = seconds * 1000;
    kept = { token, endsAt: clock() + Math.max(lifeMs - EARLY_MS, lifeMs / 2) };
    return token;
  };
  return {
    async get() {
      if (kept !== undefined && clock() < kept.endsAt) return kept.token;
      fetching ??= fetchToken().finally(() => (fetching = undefined));
      return await fetching;
    },
    discard() {
      kept = undefined;
    },
  };
}

async function requestToken(request: TokenRequest, transport: Transport): Promise<{ access_token: string; expires_in: number }> {
  const url = request.tokenUrl ?? TOKEN_URL;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: request.clientId,
    client_secret: request.clientSecret,
    scope: (request.scopes ?? SCOPES).join(','),
  });
  let text: string;
  try {
    text = await transport({
      method: 'POST',
      url,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
      data: form.toString(),
    });
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const refused = error.status !== undefined && error.status >= 400 && error.status < 500 && error.failure !== 'throttled';
    throw new (refused ? TokenRefusal : AppError)({
      code: 'RC6008',
      message: `Adobe IMS at \`${new URL(url).origin}\` gave no token for client \`${request.clientId}\`: ${error.message}`,
      hint: refused
        ? 'check clientId, clientSecret and scopes in the Adobe Developer Console (OAuth Server-to-Server)'
        : 'check the network and `auth.tokenUrl`, then try again',
    });
  }
  const answer = parseAnswer(text);
  if (answer === undefined) {
    throw new AppError({
      code: 'RC6008',
      message: `\`${new URL(url).origin}\` did not answer with a token`,
      hint: 'check `auth.tokenUrl`; absent, Adobe’s own is used',
    });
  }
  return answer;
}

function parseAnswer(text: string): { access_token: string; expires_in: number } | undefined {
  try {
    const { access_token, expires_in } = JSON.parse(text) as Record<string, unknown>;
    const seconds = Number(expires_in);
    return typeof access_token === 'string' && access_token !== '' && seconds > 0 ? { access_token, expires_in: seconds } : undefined;
  } catch {
    return undefined;
  }
}
