import { createHash } from 'node:crypto';

/** The longest name that common file systems take, in bytes. */
export const MAX_NAME_BYTES = 255;
const SAFE_TOKEN = /^[A-Za-z0-9_-]{1,64}$/;
const UNFINISHED = /^\..+\.[A-Za-z0-9_-]{1,64}\.part$/;

/**
 * The temporary name beside `name` while it is being written: `.<name>.<token>.part`. Readers that look for the final name or skip dot files
 * never take it. Stable: the same name and token give the same temporary name after a restart, so that an upload is resumed or removed.
 */
export function unfinishedName(name: string, token: string): string {
  const safeToken = safeTokenOf(token);
  const whole = `.${name}.${safeToken}.part`;
  if (Buffer.byteLength(whole) <= MAX_NAME_BYTES) return whole;
  return `.${digest(name)}.${safeToken}.part`;
}

/** True for what `unfinishedName` makes; `list` leaves it out. */
export function isUnfinishedName(name: string): boolean {
  return UNFINISHED.test(name);
}

/** The token itself where it is safe inside names and headers, else its digest. */
export function safeTokenOf(token: string): string {
  return SAFE_TOKEN.test(token) ? token : digest(token);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
