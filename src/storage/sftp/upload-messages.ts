import type { LocalFile, StorageErrorKind, StoredObject } from '../storage.ts';

/** What the main thread and an upload thread say to each other; `id` names an upload. */
export interface ThreadUpload {
  readonly what: 'upload';
  readonly id: number;
  readonly key: string;
  readonly file: LocalFile;
  readonly replace: boolean;
  readonly token: string;
}

export type ToThread = ThreadUpload | { readonly what: 'stop'; readonly id: number };

export type FromThread =
  | { readonly what: 'progress'; readonly id: number; readonly bytes: number }
  | { readonly what: 'done'; readonly id: number; readonly published: StoredObject }
  | { readonly what: 'failed'; readonly id: number; readonly failure: ThreadFailure };

/** A `StorageError` in parts, or something else that was thrown, which is a bug. */
export type ThreadFailure =
  | { readonly kind: StorageErrorKind; readonly message: string; readonly hint: string | undefined; readonly cause: unknown }
  | { readonly bug: unknown };
