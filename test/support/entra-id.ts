import { azureToken } from './login-delivery.ts';
import { startLoginServer, type Certificate, type LoginServer } from './login-server.ts';

export const TENANT = '11111111-2222-3333-4444-555555555555';

interface Accepted {
  /** The form's field that proves who asks, and its only good value. */
  readonly proof: 'client_secret' | 'client_assertion';
  readonly value: string;
  /** What it answers to any other value. */
  readonly refusal: string;
}

/** Stands in for Entra ID behind an HTTPS proxy: what it offers, and tokens for an hour. */
export function startEntraId(certificate: Certificate, { proof, value, refusal }: Accepted): Promise<LoginServer> {
  return startLoginServer(({ path, body }) => {
    const at = `https://login.microsoftonline.com/${TENANT}`;
    if (path.includes('openid-configuration')) {
      const found = {
        issuer: `${at}/v2.0`,
        authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
        token_endpoint: `${at}/oauth2/v2.0/token`,
        jwks_uri: `${at}/keys`,
      };
      return { body: JSON.stringify(found) };
    }
    if (!path.includes('/oauth2/v2.0/token')) return { status: 404, body: '{}' };
    return new URLSearchParams(body).get(proof) === value
      ? { body: JSON.stringify({ access_token: azureToken(3_600_000), token_type: 'Bearer', expires_in: 3600 }) }
      : { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: refusal }) };
  }, certificate);
}
