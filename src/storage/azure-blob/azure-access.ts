import type { TokenCredential } from '@azure/identity';
import type { ContainerClient } from '@azure/storage-blob';
import { StorageError } from '../storage-error.ts';
import { MUTE_LOGIN } from './judge-azure-login.ts';

/** How to enter a storage account, secrets in clear: it lives in memory only. */
export type AzureAccess =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'sas'; readonly url: string; readonly token: string }
  | { readonly kind: 'account-key'; readonly url: string; readonly key: string }
  | { readonly kind: 'default'; readonly url: string };

/** Ours resumes uploads; the SDK's own retry would only delay it. */
const CLIENT_OPTIONS = { retryOptions: { maxTries: 1 } };
/** For so long a login that did not answer is not asked again. */
const MUTE_MS = 60_000;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** `loginMs`: after so long without an answer a login is given up; the library waits for ever. */
export async function openContainer(access: AzureAccess, container: string, loginMs: number): Promise<ContainerClient> {
  const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  switch (access.kind) {
    case 'connection-string':
      try {
        return BlobServiceClient.fromConnectionString(access.connectionString, CLIENT_OPTIONS).getContainerClient(container);
      } catch {
        // The SDK's message may quote the text, which is a secret.
        throw new StorageError('configuration', 'the connection string of the storage account cannot be read', {
          hint: 'copy it whole from the portal: DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…;EndpointSuffix=…',
        });
      }
    case 'sas':
      return new BlobServiceClient(`${access.url}?${access.token}`, undefined, CLIENT_OPTIONS).getContainerClient(container);
    case 'account-key': {
      if (!BASE64.test(access.key)) {
        throw new StorageError('authentication', `the account key for \`${access.url}\` is not in base64`, {
          hint: 'copy `storage.accountKey` whole from the portal',
        });
      }
      return new BlobServiceClient(access.url, new StorageSharedKeyCredential(accountOf(access.url), access.key), CLIENT_OPTIONS).getContainerClient(container);
    }
    case 'default': {
      const { DefaultAzureCredential } = await import('@azure/identity');
      return new BlobServiceClient(access.url, withinTime(new DefaultAzureCredential(), loginMs), CLIENT_OPTIONS).getContainerClient(container);
    }
  }
}

function withinTime(credential: TokenCredential, ms: number): TokenCredential {
  let muteUntil = 0;
  return {
    async getToken(scopes, options) {
      // What follows a failure, such as tidying up, need not wait as long again.
      if (Date.now() < muteUntil) throw muteLogin();
      const stop = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          muteUntil = Date.now() + MUTE_MS;
          reject(muteLogin());
          stop.abort();
        }, ms);
      });
      return Promise.race([credential.getToken(scopes, { ...options, abortSignal: stop.signal }), late]).finally(() => clearTimeout(timer));
    },
  };
}

function muteLogin(): StorageError {
  return new StorageError(MUTE_LOGIN.kind, MUTE_LOGIN.what, { hint: MUTE_LOGIN.hint });
}

export interface Validity {
  readonly startsAt?: number | undefined;
  readonly expiresAt?: number | undefined;
}

/** From when to when the access holds by itself: the `st` and `se` of a shared access signature, wherever it stands. */
export function validityOf(access: AzureAccess): Validity {
  const query = new URLSearchParams(sasOf(access));
  const time = (name: string): number | undefined => {
    const at = Date.parse(query.get(name) ?? '');
    return Number.isNaN(at) ? undefined : at;
  };
  return { startsAt: time('st'), expiresAt: time('se') };
}

function sasOf(access: AzureAccess): string | undefined {
  if (access.kind === 'sas') return access.token;
  if (access.kind === 'connection-string') return /SharedAccessSignature=([^;]+)/.exec(access.connectionString)?.[1];
  return undefined;
}

/** `https://acme.blob.core.windows.net` is of `acme`; `http://127.0.0.1:10000/acme` too. */
function accountOf(url: string): string {
  const { hostname, pathname } = new URL(url);
  const first = pathname.split('/').find((part) => part !== '') ?? '';
  return /^[\d.]+$|^localhost$|^\[/.test(hostname) ? first : (hostname.split('.')[0] ?? '');
}
