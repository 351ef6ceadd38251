import type { SftpStorageSpec } from '../../model/generated/kinds.ts';
import type { SecretRef } from '../../model/resource.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage } from '../storage.ts';
import type { SftpLogin } from './sftp-access.ts';
import { createSftpStorage, type SftpStorageOptions } from './sftp-storage.ts';
import { withUploadThreads } from './upload-threads.ts';

const DEFAULT_PORT = 22;

/** An SFTP storage as the manifest describes it; resolves the secrets it names. `connections` is how many files go up at a time. */
export async function openSftpStorage(spec: SftpStorageSpec, secret: (ref: SecretRef) => Promise<string>, connections: number): Promise<Storage> {
  const port = spec.port ?? DEFAULT_PORT;
  // An IPv6 address as it stands in URLs.
  const host = spec.host.replace(/^\[(.*)\]$/, '$1');
  const options: SftpStorageOptions = {
    access: {
      host,
      port,
      username: spec.username,
      hostKey: spec.hostKey.replace(/=+$/, ''),
      login: await loginOf(spec, secret),
      name: `sftp://${spec.username}@${host.includes(':') ? `[${host}]` : host}${port === DEFAULT_PORT ? '' : `:${port}`}`,
    },
    path: spec.path,
    mkdir: spec.mkdir ?? false,
    connections,
  };
  return withUploadThreads(createSftpStorage(options), options);
}

async function loginOf(spec: SftpStorageSpec, secret: (ref: SecretRef) => Promise<string>): Promise<SftpLogin> {
  if (spec.privateKey) {
    const privateKey = await secret(spec.privateKey);
    return spec.passphrase ? { kind: 'key', privateKey, passphrase: await secret(spec.passphrase) } : { kind: 'key', privateKey };
  }
  if (spec.password) return { kind: 'password', password: await secret(spec.password) };
  if (spec.agent !== true) {
    throw new StorageError('configuration', `the storage on \`${spec.host}\` names no way to log in`, {
      hint: 'set one of `storage.privateKey`, `storage.password` and `storage.agent: true`',
    });
  }
  const socket = process.env['SSH_AUTH_SOCK'];
  if (socket === undefined || socket === '') {
    throw new StorageError('authentication', `the storage on \`${spec.host}\` uses the SSH agent, and none runs: SSH_AUTH_SOCK is not set`, {
      hint: 'start one with `eval "$(ssh-agent)"` and load the key with `ssh-add`',
    });
  }
  return { kind: 'agent', socket };
}
