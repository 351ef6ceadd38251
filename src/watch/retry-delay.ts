import { MINUTE_MS, SECOND_MS } from '../model/instant.ts';

const FIRST_MS = 10 * SECOND_MS;
const MOST_MS = 15 * MINUTE_MS;

/** How long after its end an attempt is followed by the next: 10 s, doubled each time up to 15 minutes, less up to half of it by chance. */
export function retryDelayMs(attempt: number, chance: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, attempt - 1)));
  return Math.round(full * (1 - chance / 2));
}
