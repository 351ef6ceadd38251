import type { Verdict } from '../verdict.ts';

const NO_LOGIN: Verdict = {
  kind: 'authentication',
  what: 'the default credential found no login',
  hint: 'log in with `az login`, set AZURE_CLIENT_ID and its secret, or give the machine an identity',
};
// A machine without an identity looks the same.
const LOOK_HINT = `${NO_LOGIN.hint}; if it has one, look whether IDENTITY_ENDPOINT or 169.254.169.254, or login.microsoftonline.com (AZURE_AUTHORITY_HOST), answers from here`;
/** Not `transient`: it has been waited for, and the next attempt would wait as long. */
export const MUTE_LOGIN: Verdict = {
  kind: 'authentication',
  what: 'the default credential found no login: what hands it out does not answer',
  hint: LOOK_HINT,
};
const REFUSED_HINT =
  'check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, the certificate or the token of AZURE_FEDERATED_TOKEN_FILE: secrets and certificates expire';
const MOST_SAID = 200;

/**
 * What the chain of default credentials says. It lists what it tried, one sentence each, and hides a refusal behind what was not to be had; undefined
 * when it is no error of a login.
 */
export function judgeAzureLogin(error: Error): Verdict | undefined {
  const isRefused = error.name === 'AuthenticationError';
  if (!isRefused && !/CredentialUnavailable|AuthenticationRequired|AggregateAuthentication/.test(error.name)) return undefined;
  // Entra ID answered, and did not let it in. Its sentence names the application, the subject or the audience, never a token.
  const said = /AADSTS\d+:[^\n]*?(?= - Correlation ID| Trace ID|\n|$)/.exec(error.message)?.[0].slice(0, MOST_SAID);
  if (said !== undefined || isRefused) {
    return {
      kind: 'authentication',
      what: `the login of the default credential was refused${said === undefined ? '' : ` (${said.trim()})`}`,
      hint: REFUSED_HINT,
    };
  }
  if (/ENOENT|EACCES/.test(error.message)) {
    return { kind: 'authentication', what: 'the default credential cannot read its token', hint: 'check the file that AZURE_FEDERATED_TOKEN_FILE names' };
  }
  // Not `transient`: the library has tried for some time already.
  if (/network_error|network unreachable/i.test(error.message)) {
    return {
      kind: 'authentication',
      what: 'the default credential found no login: what hands it out cannot be reached',
      hint: LOOK_HINT,
    };
  }
  return NO_LOGIN;
}
