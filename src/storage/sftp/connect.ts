import type { AuthenticationType, Client, ConnectConfig, ParsedKey, ServerHostKeyAlgorithm } from 'ssh2';
import { classifyNetworkError } from '../classify-network-error.ts';
import { printable } from '../../support/printable.ts';
import { StorageError } from '../storage-error.ts';
import { describeHostKey, HOST_KEY_ALGORITHMS, loadSsh2, readHostKeys, type HostKey } from './host-key.ts';
import type { SftpAccess } from './sftp-access.ts';
import { connectGathering } from './connect-gathering.ts';
import { sendLean } from './lean-sending.ts';
import { SftpSession } from './sftp-session.ts';

const HANDSHAKE_MS = 20_000;
const KEEPALIVE_MS = 15_000;
const KEEPALIVES = 3;

/** What went wrong before the login, told apart from everything after it. */
class WrongHostKey extends Error {
  readonly shown: HostKey;
  constructor(shown: HostKey) {
    super('wrong host key');
    this.shown = shown;
  }
}

/** What a login tries, in order; `none` asks the server what it takes. */
const METHODS = { password: ['none', 'password', 'keyboard-interactive'], key: ['none', 'publickey'], agent: ['none', 'agent'] } as const;

/** The server took what was shown, and wants more. */
class HalfLogin extends Error {
  readonly besides: readonly string[];
  constructor(besides: readonly string[]) {
    super('the login is not enough');
    this.besides = besides;
  }
}

/**
 * Connects, checks the host key against the pinned one, logs in and opens the SFTP channel. There is no trust on first use: a server that cannot
 * prove the pinned key is not spoken to any further. The signal breaks off what is still on its way. Throws `StorageError`.
 */
export async function connectSftp(access: SftpAccess, signal?: AbortSignal): Promise<SftpSession> {
  const config = await loginOf(access);
  try {
    return await open(access, config, undefined, signal);
  } catch (error) {
    if (!(error instanceof WrongHostKey)) throw await classifyConnectError(error, access);
    // A server has a key per type and shows the client's favourite; the pinned one may be of another type.
    const shown = await readHostKeys(access.host, access.port).catch(() => [error.shown]);
    const pinned = shown.find((key) => key.fingerprint === access.hostKey);
    const algorithms = HOST_KEY_ALGORITHMS.find((group) => group.some((one) => one === pinned?.type));
    if (!pinned || !algorithms) throw changedHostKey(access, shown);
    try {
      return await open(access, config, algorithms, signal);
    } catch (second) {
      throw second instanceof WrongHostKey ? changedHostKey(access, shown) : await classifyConnectError(second, access);
    }
  }
}

async function open(
  access: SftpAccess,
  login: ConnectConfig,
  algorithms: readonly ServerHostKeyAlgorithm[] | undefined,
  signal: AbortSignal | undefined,
): Promise<SftpSession> {
  const { Client } = await loadSsh2();
  const client = new Client();
  const sock = connectGathering(access.host, access.port);
  const breakOff = (): void => void sock.destroy(new Error('interrupted'));
  signal?.addEventListener('abort', breakOff, { once: true });
  try {
    return await new Promise<SftpSession>((done, failed) => {
      let wrong: WrongHostKey | undefined;
      let half: HalfLogin | undefined;
      const methods: AuthenticationType[] = [...METHODS[access.login.kind]];
      const fail = (error?: Error): void => failed(wrong ?? half ?? error ?? new Error('the server closed the connection'));
      client.once('error', fail);
      client.once('close', () => fail());
      // The login's errors are ours by now; later ones belong to the session.
      client.on('error', () => {});
      client.on('ready', () => {
        client.setNoDelay(true);
        sendLean(client, sock);
        client.sftp((error, sftp) => (error ? failed(new NoSftp(error)) : done(new SftpSession(client, sftp))));
      });
      answerPrompts(client, access);
      client.connect({
        ...login,
        host: access.host,
        port: access.port,
        sock,
        username: access.username,
        readyTimeout: HANDSHAKE_MS,
        // `false` ends it; the library's types know only names.
        authHandler: (left, isPartial) => {
          if (isPartial) half = new HalfLogin(left);
          return methods.shift() ?? (false as unknown as AuthenticationType);
        },
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVES,
        ...(algorithms && { algorithms: { serverHostKey: [...algorithms] } }),
        hostVerifier: (blob: Buffer) => {
          const shown = describeHostKey(blob);
          if (shown.fingerprint !== access.hostKey) wrong = new WrongHostKey(shown);
          return wrong === undefined;
        },
      });
    });
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', breakOff);
  }
}

class NoSftp extends Error {
  /** In the server's words, or the library's. */
  readonly reason: string;
  constructor(cause: Error) {
    super('the server opens no SFTP channel', { cause });
    this.reason = printable(cause.message.replace(/^\(SSH\) /, ''));
  }
}

/** Many servers ask for the password by keyboard-interactive only. */
function answerPrompts(client: Client, access: SftpAccess): void {
  const { login } = access;
  if (login.kind !== 'password') return;
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) => answer(prompts.map(() => login.password)));
}

async function loginOf(access: SftpAccess): Promise<ConnectConfig> {
  const { login } = access;
  if (login.kind === 'password') return { password: login.password, tryKeyboard: true };
  if (login.kind === 'agent') return { agent: login.socket };
  const { utils } = await loadSsh2();
  const parsed = utils.parseKey(login.privateKey, login.passphrase);
  if (parsed instanceof Error) throw unreadableKey(parsed, access, login.passphrase !== undefined);
  return { privateKey: login.privateKey, ...(login.passphrase !== undefined && { passphrase: login.passphrase }) };
}

function unreadableKey(error: Error, access: SftpAccess, hasPassphrase: boolean): StorageError {
  const encrypted = /passphrase|decrypt|integrity/i.test(error.message);
  if (!encrypted) {
    return new StorageError('authentication', `cannot read the private key for \`${access.name}\``, {
      hint: 'give an OpenSSH or PEM private key, whole, with its BEGIN and END lines',
      cause: error,
    });
  }
  return hasPassphrase
    ? new StorageError('authentication', `the passphrase does not open the private key for \`${access.name}\``, {
        hint: 'check `storage.passphrase`',
        cause: error,
      })
    : new StorageError('authentication', `the private key for \`${access.name}\` is locked with a passphrase`, {
        hint: 'give it in `storage.passphrase`',
        cause: error,
      });
}

function changedHostKey(access: SftpAccess, shown: readonly HostKey[]): StorageError {
  return new StorageError(
    'host-key',
    `the host key of \`${access.host}:${access.port}\` is not the pinned one: pinned ${access.hostKey}, shown ${shown.map((key) => `${key.fingerprint} (${key.type})`).join(', ')}`,
    {
      hint: 'ask the server’s operator whether the key was changed; if so, put the new one into `storage.hostKey`, else somebody stands in between; nothing was sent, not even the login',
    },
  );
}

async function publicKeyOf(access: SftpAccess): Promise<string> {
  if (access.login.kind !== 'key') return '';
  const { utils } = await loadSsh2();
  const parsed: ParsedKey | Error = utils.parseKey(access.login.privateKey, access.login.passphrase);
  return parsed instanceof Error ? '' : describeHostKey(parsed.getPublicSSH()).fingerprint;
}

async function classifyConnectError(error: unknown, access: SftpAccess): Promise<StorageError> {
  if (error instanceof StorageError) return error;
  const doing = `cannot connect to \`${access.name}\``;
  const network = classifyNetworkError(error, doing);
  if (network) return network;
  const level = error instanceof Error && 'level' in error ? error.level : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof HalfLogin) {
    const besides = printable(error.besides.join(' or '));
    return new StorageError('authentication', `\`${access.name}\` took ${TAKEN[access.login.kind]}, and wants ${besides} besides`, {
      hint: 'a login is one of key, password and agent here: ask its operator to let one of them do for this user',
      cause: error,
    });
  }
  if (level === 'client-authentication' || level === 'agent') return refusedLogin(access, await publicKeyOf(access), error);
  if (error instanceof NoSftp) {
    const by = `sftp ${access.port === 22 ? '' : `-P ${access.port} `}${access.username}@${access.host}`;
    return new StorageError('configuration', `${doing}: the login holds, but it opens no SFTP channel (${error.reason})`, {
      hint: `log in once by hand, which shows what it says: ${by}; a password may have to be changed first, or too many sessions of this user be open, or SFTP not be allowed`,
      cause: error,
    });
  }
  if (/no matching/.test(message)) {
    return new StorageError('configuration', `${doing}: ${message}`, {
      hint: 'the server speaks only outdated algorithms; ask its operator to update it',
      cause: error,
    });
  }
  return new StorageError('transient', `${doing}: ${message}`, { hint: 'look whether an SSH server listens there and lets this machine in', cause: error });
}

const TAKEN = { password: 'the password', key: 'the private key', agent: 'a key of the agent' } as const;

function refusedLogin(access: SftpAccess, fingerprint: string, cause: unknown): StorageError {
  switch (access.login.kind) {
    case 'password':
      return new StorageError('authentication', `\`${access.name}\` refused the password`, {
        hint: 'check `storage.username` and `storage.password`; passwords of hosted servers expire',
        cause,
      });
    case 'key':
      return new StorageError('authentication', `\`${access.name}\` refused the private key${fingerprint === '' ? '' : ` (its public half: ${fingerprint})`}`, {
        hint: 'register its public half with the server, or check `storage.username` and `storage.privateKey`',
        cause,
      });
    case 'agent':
      return new StorageError('authentication', `\`${access.name}\` refused every key of the agent`, {
        hint: 'load the right key with `ssh-add`; `ssh-add -l` lists what the agent holds',
        cause,
      });
  }
}
