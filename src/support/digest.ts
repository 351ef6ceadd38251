import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** SHA-256 of a text or bytes, as 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** SHA-256 of a value's canonical JSON: equal values, equal digests, whatever the order of their keys. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}
