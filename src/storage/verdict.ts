import type { StorageErrorKind } from './storage.ts';

/** What an object store's error means, in our words: the vendor's classifier chooses it by the error's name or status. */
export interface Verdict {
  readonly kind: StorageErrorKind;
  readonly what: string;
  readonly hint: string;
}

export const BROKEN: Verdict = { kind: 'transient', what: 'the store failed', hint: 'it was tried several times; look at the provider’s status page' };

export const DAMAGED: Verdict = {
  kind: 'transient',
  what: 'the bytes arrived damaged, and the store refused them',
  hint: 'a proxy in between changes what passes through',
};

export const SKEWED: Verdict = {
  kind: 'clock-skew',
  what: 'this machine’s clock differs from the store’s by more than 15 minutes',
  hint: 'set the clock, for instance with NTP',
};

/** No store redirects what it is sent to another kind of address. */
export function redirected(status: number): Verdict {
  return {
    kind: 'configuration',
    what: `what answers there redirects (${status})`,
    hint: 'redirects are not followed: give the store’s own address, and look whether a proxy or a sign-in page answers in its place',
  };
}

const NO_ROOM: Verdict = { kind: 'no-space', what: 'the store is full', hint: 'make room, or have it enlarged' };

/** What a store that failed (5xx) means: some say only in words that their disk is full, and some say nothing at all (azurite then does). */
export function verdictOfFailure(status: number, message: string): Verdict {
  if (/no space left|disk( is)? full|insufficient (disk )?space/i.test(message)) return NO_ROOM;
  if (!/^(unknown ?error)?$/i.test(message.trim())) return BROKEN;
  return {
    kind: 'transient',
    what: `the store failed: it answered ${status} and gave no reason`,
    hint: 'it was tried several times; a server of your own says why in its log, and its disk may be full; of a provider’s, look at the status page',
  };
}
