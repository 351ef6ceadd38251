import type { S3StorageSpec } from '../../model/generated/kinds.ts';
import type { SecretRef } from '../../model/resource.ts';
import { StorageError } from '../storage-error.ts';
import type { Storage } from '../storage.ts';
import type { UploadJournal } from '../upload-journal.ts';
import type { S3Access } from './s3-client.ts';
import { createS3Storage } from './s3-storage.ts';

/** An S3 storage as the manifest describes it; resolves the secrets it names. */
export async function openS3Storage(spec: S3StorageSpec, secret: (ref: SecretRef) => Promise<string>, journal: UploadJournal): Promise<Storage> {
  const credentials = await credentialsOf(spec, secret);
  return createS3Storage({
    access: {
      forcePathStyle: spec.forcePathStyle ?? false,
      ...(spec.region !== undefined && { region: spec.region }),
      ...(spec.endpoint !== undefined && { endpoint: spec.endpoint }),
      ...(credentials && { credentials }),
    },
    bucket: spec.bucket,
    journal,
    ...(spec.prefix !== undefined && { prefix: spec.prefix }),
    ...(spec.serverSideEncryption !== undefined && { serverSideEncryption: spec.serverSideEncryption }),
    ...(spec.kmsKeyId !== undefined && { kmsKeyId: spec.kmsKeyId }),
    ...(spec.storageClass !== undefined && { storageClass: spec.storageClass }),
  });
}

async function credentialsOf(spec: S3StorageSpec, secret: (ref: SecretRef) => Promise<string>): Promise<S3Access['credentials']> {
  const { accessKeyId, secretAccessKey, sessionToken } = spec;
  if (!accessKeyId && !secretAccessKey) return undefined;
  if (!accessKeyId || !secretAccessKey) {
    throw new StorageError('configuration', `the storage of bucket \`${spec.bucket}\` names one half of a pair of keys`, {
      hint: 'set both `storage.accessKeyId` and `storage.secretAccessKey`, or neither for the default chain',
    });
  }
  return {
    accessKeyId: await secret(accessKeyId),
    secretAccessKey: await secret(secretAccessKey),
    ...(sessionToken && { sessionToken: await secret(sessionToken) }),
  };
}
