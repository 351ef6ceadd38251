import type { AzureBlobStorageSpec } from '../../model/generated/kinds.ts';
import type { SecretRef } from '../../model/resource.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage } from '../storage.ts';
import type { AzureAccess } from './azure-access.ts';
import { createAzureBlobStorage } from './azure-blob-storage.ts';

/** An Azure storage as the manifest describes it; resolves the secrets it names. */
export async function openAzureBlobStorage(spec: AzureBlobStorageSpec, secret: (ref: SecretRef) => Promise<string>, loginMs?: number): Promise<Storage> {
  return createAzureBlobStorage({
    access: await accessOf(spec, secret),
    container: spec.container,
    ...(spec.prefix !== undefined && { prefix: spec.prefix }),
    ...(loginMs !== undefined && { loginMs }),
  });
}

async function accessOf(spec: AzureBlobStorageSpec, secret: (ref: SecretRef) => Promise<string>): Promise<AzureAccess> {
  if (spec.connectionString) return { kind: 'connection-string', connectionString: await secret(spec.connectionString) };
  if (spec.url === undefined) {
    throw new StorageError('configuration', `the storage of container \`${spec.container}\` names no account`, {
      hint: 'set `storage.connectionString`, or `storage.url` with `sasToken`, `accountKey` or neither',
    });
  }
  const url = spec.url.replace(/\/+$/, '');
  if (spec.sasToken) return { kind: 'sas', url, token: (await secret(spec.sasToken)).replace(/^\?/, '') };
  if (spec.accountKey) return { kind: 'account-key', url, key: await secret(spec.accountKey) };
  return { kind: 'default', url };
}
