import type sdkModule from '@adobe/acc-js-sdk';
import type { Client, ConnectionParameters, MethodParameter } from '@adobe/acc-js-sdk';
import { AsyncLocalStorage } from 'node:async_hooks';
import { checkHeader } from '../../src/destination/check-header.ts';
import type { ConnectorContext } from '../../src/destination/connector.ts';
import type { AuthSpec, ConnectionSpec } from '../../src/model/generated/kinds.ts';
import { createSecretMask } from '../../src/support/secret-mask.ts';
import { CampaignError, readFailure, type Failure } from './explain-failure.ts';
import { createTokenSource, type TokenSource } from './ims-token.ts';
import { createTransport, type Transport } from './transport.ts';
import { TransportError } from './transport-error.ts';

type Sdk = typeof sdkModule;

/** What the instance says of itself at /r/test, to anybody. */
export interface InstanceFacts {
  readonly status: string;
  readonly instance: string;
  readonly version: string;
  readonly build: string;
  /** The server's clock; undefined when it did not say. */
  readonly at: number | undefined;
}

/** A connection to one instance: logs on when first needed, again when the session or the token ends, and off at the end. */
export interface CampaignSession extends AsyncDisposable {
  /** Needs no login. */
  test(): Promise<InstanceFacts>;
  logon(): Promise<void>;
  /** A SOAP call; the results in order. Throws `CampaignError`, told as `what`. */
  call(
    what: string,
    urn: string,
    method: string,
    isStatic: boolean,
    input: readonly MethodParameter[],
    output?: readonly MethodParameter[],
  ): Promise<readonly unknown[]>;
  /** Runs `work` with every request of it ended by `signal`. */
  within<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** A text of the server's own without the secrets that it may have repeated. */
  clean(text: string): string;
  /** ``escape`@name = ${value}` ``: values quoted for Campaign's expressions. Only after `logon`. */
  escape(strings: TemplateStringsArray, ...values: readonly string[]): string;
}

const TIMEOUT_MS = 60_000;
/** What looks like a token and was never ours: a bearer, a web token, a Campaign session. */
const TOKENS = /\bBearer\s+[^\s"'<>]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\b___[0-9A-Fa-f-]{20,}/g;
/** Schemas and pages of a log stay under one: the SDK's parser takes seconds for each, and many times the memory. */
const MAX_BYTES = 8 * 1024 * 1024;
const RETRIES = 3;

export interface SessionOptions extends Pick<ConnectorContext, 'secret' | 'clock' | 'sleep' | 'log'> {
  readonly connection: ConnectionSpec;
  readonly timeoutMs?: number;
}

/** Opens nothing yet: the SDK (a second to load) and the network are touched by the first call. */
export function createSession(options: SessionOptions): CampaignSession {
  const signals = new AsyncLocalStorage<AbortSignal | undefined>();
  const { learn, clean: withoutSecrets } = createSecretMask();
  const clean = (text: string): string => withoutSecrets(text).replaceAll(TOKENS, '***');
  const transport = createTransport({
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    retries: RETRIES,
    clock: options.clock,
    sleep: options.sleep,
    log: options.log,
    signal: () => signals.getStore(),
  });
  // A trailing slash would give `//nl/jsp/…`, which servers do not know (trap 7).
  const url = options.connection.url.replace(/\/+$/, '');
  const logIn = createLogin({ ...options, url, transport, learn });
  let sdk: Sdk | undefined;
  let open: { readonly sdk: Sdk; readonly client: Client } | undefined;
  let opening: Promise<{ readonly sdk: Sdk; readonly client: Client }> | undefined;

  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const failure = readFailure(error, clean);
      if (failure === undefined) throw error;
      throw new CampaignError(failure, what);
    }
  };
  const logon = async (): Promise<{ readonly sdk: Sdk; readonly client: Client }> => {
    if (open !== undefined && !(await logIn.mustRenew())) return open;
    opening ??= attempt(`logging on to \`${url}\``, logIn.open).finally(() => (opening = undefined));
    open = await opening;
    ({ sdk } = open);
    return open;
  };

  return {
    async test() {
      return await attempt(`asking \`${url}/r/test\``, async () => parseFacts(await transport({ url: `${url}/r/test`, headers: {} })));
    },
    async logon() {
      await logon();
    },
    async call(what, urn, method, isStatic, input, output = []) {
      const { client } = await logon();
      try {
        return await attempt(what, () => send(client, urn, method, isStatic, [...input], copy(output)));
      } catch (error) {
        // A session that has ended was not looked into: once more with a new one is safe, even for an event.
        if (!(error instanceof CampaignError) || !isExpired(error.failure) || !logIn.canRenew) throw error;
        options.log('debug', 'the Campaign session has ended, logging on again');
        open = undefined;
        logIn.discard();
        const { client: next } = await logon();
        return await attempt(what, () => send(next, urn, method, isStatic, [...input], copy(output)));
      }
    },
    within: (signal, work) => signals.run(signal, work),
    clean,
    escape(strings, ...values) {
      // Not by the open client: another segment may be logging on again at this moment.
      if (sdk === undefined) throw new Error('escape before logon');
      return sdk.escapeXtk(strings, ...values);
    },
    async [Symbol.asyncDispose]() {
      const ended = open;
      open = undefined;
      if (ended === undefined) return;
      try {
        // A session that was handed in belongs to someone else.
        if (options.connection.auth?.type !== 'session') await ended.client.logoff();
      } catch (error) {
        const failure = readFailure(error, clean);
        if (failure === undefined) throw error;
        options.log('debug', 'Campaign did not take the logoff', { reason: failure.text });
      }
    },
  };
}

function isExpired({ code, transport }: Failure): boolean {
  return code === 'XSV-350008' || transport?.failure === 'unauthorized';
}

async function send(client: Client, ...call: Parameters<Client['makeSoapCall']>): Promise<unknown[]> {
  try {
    return await client.makeSoapCall(...call);
  } catch (error) {
    // The SDK takes a query's result for an element without looking.
    if (error instanceof TypeError) throw new TransportError('not-soap', 'the answer is not that of this call');
    throw error;
  }
}

/** The SDK writes results into the parameters it is given. */
function copy(parameters: readonly MethodParameter[]): MethodParameter[] {
  return parameters.map(({ name, type }) => ({ name, type }));
}

function parseFacts(text: string): InstanceFacts {
  const tag = /<redir\b([^>]*)>/.exec(text)?.[1];
  if (tag === undefined) throw new TransportError('not-campaign', 'the answer is not that of a Campaign instance');
  const read = (name: string): string =>
    new RegExp(`\\b${name}\\s*=\\s*(?:'([^']*)'|"([^"]*)")`)
      .exec(tag)
      ?.slice(1)
      .find((value) => value !== undefined) ?? '';
  const at = Date.parse(read('date'));
  return { status: read('status'), instance: read('instance'), version: read('version'), build: read('build'), at: Number.isNaN(at) ? undefined : at };
}

interface LoginOptions extends SessionOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly learn: (secret: string) => void;
}

interface Login {
  readonly canRenew: boolean;
  /** True when the token behind the client has been replaced. */
  mustRenew(): Promise<boolean>;
  discard(): void;
  readonly open: () => Promise<{ readonly sdk: Sdk; readonly client: Client }>;
}

function createLogin(options: LoginOptions): Login {
  const { connection, transport, url, learn } = options;
  const auth: AuthSpec | undefined = connection.auth;
  let tokens: TokenSource | undefined;
  let used: string | undefined;
  const connect = async (
    describe: (sdk: Sdk, connectionOptions: SdkOptions) => ConnectionParameters | Promise<ConnectionParameters>,
  ): ReturnType<Login['open']> => {
    const sdk = await loadSdk();
    const client = await sdk.init(await describe(sdk, { transport, noStorage: true, noSDKHeaders: true, timeout: options.timeoutMs ?? TIMEOUT_MS }));
    await client.logon();
    return { sdk, client };
  };
  const openByAuth: Record<string, () => ReturnType<Login['open']>> = {
    ims: () =>
      connect(async (sdk, sdkOptions) => {
        if (auth?.type !== 'ims') throw new Error('not ims');
        tokens ??= await createTokens(auth, options);
        used = await tokens.get();
        // Builds before 8.5 take the token once, in a logon of its own (`domain/campaign.md` 1.2).
        const { version } = parseFacts(await transport({ url: `${url}/r/test`, headers: {} }));
        const make = isBefore(version, 8, 5) ? 'ofBearerToken' : 'ofImsBearerToken';
        return sdk.ConnectionParameters[make](url, used, sdkOptions);
      }),
    user: () =>
      connect(async (sdk, sdkOptions) => {
        if (auth?.type !== 'user') throw new Error('not user');
        const password = await options.secret(auth.password);
        learn(password);
        const [session, security] = await logonByPassword(sdk, url, auth.username, password, sdkOptions);
        learn(session);
        learn(security);
        return sdk.ConnectionParameters.ofSessionAndSecurityToken(url, session, security, sdkOptions);
      }),
    session: () =>
      connect(async (sdk, sdkOptions) => {
        if (auth?.type !== 'session') throw new Error('not session');
        const session = await options.secret(auth.token);
        const security = auth.securityToken === undefined ? undefined : await options.secret(auth.securityToken);
        learn(session);
        checkHeader('X-Session-Token', session, '`connection.auth.token`');
        checkHeader('X-Security-Token', security ?? '', '`connection.auth.securityToken`');
        if (security === undefined) return sdk.ConnectionParameters.ofSessionToken(url, session, sdkOptions);
        learn(security);
        return sdk.ConnectionParameters.ofSessionAndSecurityToken(url, session, security, sdkOptions);
      }),
  };
  return {
    canRenew: auth?.type !== 'session',
    async mustRenew() {
      return tokens !== undefined && (await tokens.get()) !== used;
    },
    discard: () => tokens?.discard(),
    open: () => {
      const way = openByAuth[auth?.type ?? ''];
      if (way === undefined) throw new Error(`Campaign has no login of type ${auth?.type ?? 'none'}: the card lets none through`);
      return way();
    },
  };
}

type SdkOptions = Parameters<Sdk['ConnectionParameters']['ofAnonymousUser']>[1];

async function createTokens(auth: Extract<AuthSpec, { type: 'ims' }>, { secret, learn, transport, clock }: LoginOptions): Promise<TokenSource> {
  const clientSecret = await secret(auth.clientSecret);
  learn(clientSecret);
  return createTokenSource({ clientId: auth.clientId, clientSecret, scopes: auth.scopes, tokenUrl: auth.tokenUrl }, transport, clock, learn);
}

/** Not the SDK's own: it cuts a password at its first slash and keeps it in memory (traps 1 and 9). */
async function logonByPassword(sdk: Sdk, url: string, user: string, password: string, options: SdkOptions): Promise<[session: string, security: string]> {
  const client = await sdk.init(sdk.ConnectionParameters.ofAnonymousUser(url, options));
  await client.logon();
  const input: MethodParameter[] = [
    { name: 'login', type: 'string', value: user },
    { name: 'password', type: 'string', value: password },
    { name: 'parameters', type: 'DOMElement', value: {} },
  ];
  const output: MethodParameter[] = [
    { name: 'sessionToken', type: 'string' },
    { name: 'sessionInfo', type: 'DOMDocument' },
    { name: 'securityToken', type: 'string' },
  ];
  const [session, , security] = await client.makeSoapCall('xtk:session', 'Logon', true, input, output);
  if (typeof session !== 'string' || typeof security !== 'string' || session === '' || security === '') {
    throw new TransportError('not-campaign', 'the logon gave no session');
  }
  return [session, security];
}

function isBefore(version: string, major: number, minor: number): boolean {
  const [ours = Number.NaN, oursMinor = 0] = version.split('.').map(Number);
  return Number.isFinite(ours) && (ours < major || (ours === major && oursMinor < minor));
}

let sdkLoading: Promise<Sdk> | undefined;

/** A second and 145 MB: only for who uses this destination. */
async function loadSdk(): Promise<Sdk> {
  sdkLoading ??= import('@adobe/acc-js-sdk').then((module) => module.default);
  return await sdkLoading;
}
