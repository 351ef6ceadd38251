import { createPrivateKey } from 'node:crypto';
import type { GcsStorageSpec } from '../../model/generated/kinds.ts';
import type { SecretRef } from '../../model/resource.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage } from '../storage.ts';
import type { UploadJournal } from '../upload-journal.ts';
import { createGcsStorage } from './gcs-storage.ts';

/** A Google Cloud storage as the manifest describes it; resolves the secrets it names. */
export async function openGcsStorage(spec: GcsStorageSpec, secret: (ref: SecretRef) => Promise<string>, journal: UploadJournal): Promise<Storage> {
  const credentials = spec.credentials && parseCredentials(await secret(spec.credentials), spec.bucket);
  return createGcsStorage({
    access: { ...(credentials && { credentials }), ...(spec.endpoint !== undefined && { endpoint: spec.endpoint }) },
    bucket: spec.bucket,
    journal,
    ...(spec.prefix !== undefined && { prefix: spec.prefix }),
  });
}

function parseCredentials(text: string, bucket: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which is a secret.
    parsed = undefined;
  }
  if (typeof parsed === 'object' && parsed !== null) {
    if ('client_email' in parsed && 'private_key' in parsed) {
      requireKey(parsed.private_key, bucket);
      return { ...parsed };
    }
    // Workload identity federation: no secret in it, but where one is.
    if ('type' in parsed && parsed.type === 'external_account') return { ...parsed };
  }
  throw new StorageError(
    'authentication',
    `the credentials of bucket \`${bucket}\` are neither a service account’s JSON nor the configuration of a workload identity`,
    {
      hint: 'give the whole file that “Create key” downloads, with `client_email` and `private_key`, or that of `gcloud iam workload-identity-pools create-cred-config`',
    },
  );
}

/** A key that is cut or written with other line breaks would be told as one that Google refuses. */
function requireKey(key: unknown, bucket: string): void {
  try {
    createPrivateKey(String(key));
  } catch {
    throw new StorageError('authentication', `the private key in the credentials of bucket \`${bucket}\` is damaged`, {
      hint: 'give the whole file that “Create key” downloads; in its JSON the line breaks of `private_key` are written as \\n, once escaped',
    });
  }
}
