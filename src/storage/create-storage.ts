import { isAbsolute, join, resolve } from 'node:path';
import type { StorageSpec } from '../model/generated/kinds.ts';
import type { SecretRef } from '../model/resource.ts';
import type { Storage } from './storage.ts';
import { createUploadJournal, type UploadJournal } from './upload-journal.ts';
import { DEFAULT_DEADLINES, withDeadlines, type Deadlines } from './with-deadlines.ts';
import { withLimit } from './with-limit.ts';
import { DEFAULT_RETRY, withRetry, type RetryOptions } from './with-retry.ts';

export interface CreateStorageOptions {
  /** Absolute path of the project: what `path` of a local storage is relative to. */
  readonly root: string;
  /** Resolves `{env}` and `{file}`; throws `AppError` for one that is not set. */
  readonly secret: (ref: SecretRef) => Promise<string>;
  /** Where unfinished uploads are remembered; by default `.reconcile/uploads` of the project. */
  readonly journal?: UploadJournal;
  /** Files that go up at the same time; 4 unless told. */
  readonly concurrentFiles?: number;
  readonly retry?: Partial<RetryOptions>;
  readonly deadlines?: Partial<Deadlines>;
}

const CONCURRENT_FILES = 4;

/**
 * The storage a manifest describes, its variables resolved (`%SEGMENT_…%` in the path too), with retry, deadlines and a limit around it.
 * Vendors' SDKs are loaded here and only for the kind at hand. Opens no connection yet: the first call does.
 */
export async function createStorage(spec: StorageSpec, options: CreateStorageOptions): Promise<Storage> {
  const concurrent = options.concurrentFiles ?? CONCURRENT_FILES;
  const journal = options.journal ?? createUploadJournal(join(options.root, '.reconcile', 'uploads'));
  const adapter = await createAdapter(spec, options, journal, concurrent);
  const patient = withDeadlines(adapter, { ...DEFAULT_DEADLINES, ...options.deadlines });
  return withLimit(withRetry(patient, { ...DEFAULT_RETRY, ...options.retry }), concurrent);
}

async function createAdapter(spec: StorageSpec, options: CreateStorageOptions, journal: UploadJournal, concurrent: number): Promise<Storage> {
  const { secret } = options;
  switch (spec.type) {
    case 'local': {
      const { createLocalStorage } = await import('./local/local-storage.ts');
      return createLocalStorage({ root: isAbsolute(spec.path) ? spec.path : resolve(options.root, spec.path) });
    }
    case 'sftp': {
      const { openSftpStorage } = await import('./sftp/open-sftp-storage.ts');
      return openSftpStorage(spec, secret, concurrent);
    }
    case 's3': {
      const { openS3Storage } = await import('./s3/open-s3-storage.ts');
      return openS3Storage(spec, secret, journal);
    }
    case 'azure-blob': {
      const { openAzureBlobStorage } = await import('./azure-blob/open-azure-blob-storage.ts');
      return openAzureBlobStorage(spec, secret, options.deadlines?.loginMs);
    }
    case 'gcs': {
      const { openGcsStorage } = await import('./gcs/open-gcs-storage.ts');
      return openGcsStorage(spec, secret, journal);
    }
  }
}
