import { StorageError } from './storage-error.ts';

/** Throws `StorageError` kind `aborted` once the caller has said stop; a `StorageError` as reason (a deadline's) is thrown as it is. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal);
}

/** What an adapter throws for an aborted signal, whatever the vendor's own error looks like. */
export function abortedError(signal: AbortSignal): StorageError {
  if (signal.reason instanceof StorageError) return signal.reason;
  return new StorageError('aborted', 'interrupted', { cause: signal.reason });
}
