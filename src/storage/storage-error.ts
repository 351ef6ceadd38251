import { AppError } from '../model/app-error.ts';
import { plainCause } from './plain-cause.ts';
import type { StorageErrorKind } from './storage.ts';

const CODES: Readonly<Record<StorageErrorKind, string>> = {
  transient: 'RC5001',
  throttled: 'RC5002',
  authentication: 'RC5003',
  'host-key': 'RC5004',
  permission: 'RC5005',
  'missing-container': 'RC5006',
  'missing-folder': 'RC5007',
  'not-found': 'RC5008',
  exists: 'RC5009',
  'no-space': 'RC5010',
  expired: 'RC5011',
  'clock-skew': 'RC5012',
  corrupt: 'RC5013',
  aborted: 'RC5014',
  configuration: 'RC5015',
};

/** An error of a storage, classified by the adapter; whether to retry is the caller's decision, from `kind` alone. */
export class StorageError extends AppError {
  readonly kind: StorageErrorKind;

  constructor(kind: StorageErrorKind, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super({ code: CODES[kind], message, ...options, ...(options.cause !== undefined && { cause: plainCause(options.cause) }) });
    this.name = 'StorageError';
    this.kind = kind;
  }

  get retryable(): boolean {
    return this.kind === 'transient' || this.kind === 'throttled';
  }
}
