import type { GarbageCollected } from '../export/collect-garbage.ts';
import type { Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';

/** What `watch` tells while it runs. The names are stable: logs are searched by them. */
export type WatchEvent =
  | { readonly type: 'slot-started'; readonly activation: string; readonly segments: readonly string[]; readonly slot: Instant }
  | { readonly type: 'slot-ended'; readonly activation: string; readonly slot: Instant; readonly runs: readonly Run[] }
  /** Recorded as skipped; `before` more had passed before those. */
  | { readonly type: 'slots-skipped'; readonly activation: string; readonly segment: string; readonly runs: readonly Run[]; readonly before: number }
  /** It could not be started, and left no record. */
  | {
      readonly type: 'slot-refused';
      readonly activation: string;
      readonly segments: readonly string[];
      readonly slot: Instant;
      readonly error: unknown;
      readonly retryAt: Instant | undefined;
    }
  /** A signal came while it ran; it goes on at the next start. */
  | { readonly type: 'slot-stopped'; readonly activation: string; readonly segments: readonly string[]; readonly slot: Instant }
  /** It was delivered already, though it lies ahead of the clock: no slot before it runs. */
  | { readonly type: 'slot-ahead'; readonly activation: string; readonly segment: string; readonly slot: Instant }
  | { readonly type: 'files-changed' }
  /** Somebody or something set the clock; slots are looked at anew. */
  | { readonly type: 'clock-jumped'; readonly byMs: number }
  /** Reading the state or the manifests, or cleaning up, failed; it is tried again. */
  | { readonly type: 'look-failed'; readonly what: 'state' | 'manifests' | 'garbage'; readonly error: unknown }
  /** What ended runs had left behind is gone; its kinds with their counts. */
  | { readonly type: 'garbage-collected'; readonly collected: GarbageCollected }
  /** Git's index.lock is there for so long: was a git killed? */
  | { readonly type: 'git-locked'; readonly forMs: number }
  | { readonly type: 'file-events-limited'; readonly reason: string };
