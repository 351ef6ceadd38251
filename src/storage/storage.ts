import type { Readable } from 'node:stream';

/** What a storage can do, as data: callers ask this and never the vendor's name. */
export interface StorageFacts {
  readonly kind: 'local' | 'sftp' | 's3' | 'azure-blob' | 'gcs';
  /** The store verifies a whole-object digest itself, so that `stat` after `publish` proves the bytes; else they are read back. */
  readonly verifiedChecksum: boolean;
  /** The longest key, in bytes of UTF-8. */
  readonly maxKeyBytes: number;
}

/** An object as the store itself describes it. `key` is relative to the storage's `path` or `prefix`, with `/` between folders. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex, only when the store computed or verified it over the whole object. */
  readonly sha256?: string;
  readonly modifiedAt?: number;
}

/** A finished file in the spool: it does not change while it is published. */
export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
}

export interface PublishOptions {
  /** False: an existing object of that key makes `publish` fail with `StorageError` kind `exists`. True: it is replaced atomically. */
  readonly replace: boolean;
  /** Names what is unfinished: the temporary name, the upload to resume. The same token and file resume; stable over restarts. */
  readonly token: string;
  readonly signal?: AbortSignal;
  /** Bytes accepted so far; may be called often and may go back to 0 on a retry. */
  readonly onProgress?: (bytes: number) => void;
}

/** What went wrong, told apart so that the caller and the user know what to do. Only `transient` and `throttled` are retried. */
export type StorageErrorKind =
  | 'transient'
  | 'throttled'
  | 'authentication'
  | 'host-key'
  | 'permission'
  | 'missing-container'
  | 'missing-folder'
  | 'not-found'
  | 'exists'
  | 'no-space'
  | 'expired'
  | 'clock-skew'
  | 'corrupt'
  | 'aborted'
  | 'configuration';

/** What a storage knows of itself beyond its objects; `doctor` turns it into findings. Only what the storage really said is there. */
export interface StorageDiagnosis {
  /** What answered, e.g. `OpenSSH_9.2`. */
  readonly server?: string;
  readonly freeBytes?: number;
  /** The server's clock minus ours, in milliseconds. */
  readonly clockSkewMs?: number;
  /** Credentials that end by themselves, e.g. a shared access signature. */
  readonly expires?: readonly { readonly what: string; readonly at: number }[];
}

/**
 * Where files go. Implementations are small: retry, time limits and concurrency are wrappers of this same port.
 *
 * Every method may be called twice with the same result. All throw `StorageError` (see `storage-error.ts`) and nothing else for what the
 * outside causes. Keys never start with `/` and hold no `.` or `..` segment; the caller guarantees it.
 */
export interface Storage extends AsyncDisposable {
  readonly facts: StorageFacts;
  /** Makes `key` appear whole, with exactly the bytes of `file`, or not at all: a reader never sees a part of it. Missing folders: `local` makes them, others only when configured. */
  publish(key: string, file: LocalFile, options: PublishOptions): Promise<StoredObject>;
  /** Undefined when there is no such object. */
  stat(key: string): Promise<StoredObject | undefined>;
  /** The object's bytes, from `start` on. The stream fails rather than ending early. */
  read(key: string, start?: number): Promise<Readable>;
  /** Objects whose key begins with `prefix`, in any order, without what `publish` has not finished. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Does nothing when the object is not there. */
  remove(key: string): Promise<void>;
  /** Removes what a `publish` with this token left unfinished (temporary names, multipart uploads). */
  abandon(key: string, token: string): Promise<void>;
  /** The absolute place a reader on the server's side would use for `key`, e.g. `/incoming/x.csv` or `s3://bucket/in/x.csv`. */
  address(key: string): string;
  /** What `doctor` can learn without changing anything; absent when the storage knows nothing of itself. */
  diagnose?(): Promise<StorageDiagnosis>;
}
