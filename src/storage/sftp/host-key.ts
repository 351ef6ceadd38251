import { createHash } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { classifyNetworkError } from '../classify-network-error.ts';
import { StorageError } from '../storage-error.ts';

export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  /** As `ssh-keygen -l` prints it: `SHA256:` and 43 characters. */
  readonly fingerprint: string;
}

/** One entry per type of key; the algorithms of a type differ only in the hash of the signature. */
export const HOST_KEY_ALGORITHMS: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256'],
  ['ecdsa-sha2-nistp384'],
  ['ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
];
const HANDSHAKE_MS = 20_000;

export function describeHostKey(blob: Buffer): HostKey {
  const typeLength = blob.readUInt32BE(0);
  return {
    type: blob.toString('latin1', 4, 4 + typeLength),
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
  };
}

/**
 * The keys that a server shows, strongest first. Proves nothing about whose they are: compare them with what the server's operator says
 * before pinning one. Logs in nowhere.
 */
export async function readHostKeys(host: string, port = 22): Promise<readonly HostKey[]> {
  const found: HostKey[] = [];
  let failure: unknown;
  for (const algorithms of HOST_KEY_ALGORITHMS) {
    try {
      found.push(await readHostKey(host, port, algorithms));
    } catch (error) {
      if (!(error instanceof Error) || !/no matching host key format/.test(error.message)) failure = error;
      // A server that cannot be reached at all need not be tried five times.
      if (failure !== undefined && found.length === 0) break;
    }
  }
  if (found.length > 0) return found;
  const doing = `cannot read the host key of \`${host}:${port}\``;
  throw (
    classifyNetworkError(failure, doing) ??
    new StorageError('transient', `${doing}: ${failure instanceof Error ? failure.message : 'it shows none that is known here'}`, {
      hint: 'look whether an SSH server listens there',
      cause: failure,
    })
  );
}

async function readHostKey(host: string, port: number, algorithms: readonly ServerHostKeyAlgorithm[]): Promise<HostKey> {
  const { Client } = await loadSsh2();
  const client = new Client();
  try {
    return await new Promise<HostKey>((done, failed) => {
      client.on('error', failed);
      client.on('close', () => failed(new Error('the server closed the connection')));
      client.connect({
        host,
        port,
        username: 'reconcile',
        readyTimeout: HANDSHAKE_MS,
        algorithms: { serverHostKey: [...algorithms] },
        hostVerifier: (blob: Buffer) => {
          done(describeHostKey(blob));
          return false;
        },
      });
    });
  } finally {
    client.destroy();
  }
}

/** ssh2 is CommonJS and loads only when a connection is wanted. */
export async function loadSsh2(): Promise<typeof import('ssh2')> {
  const module = await import('ssh2');
  return module.default ?? module;
}
