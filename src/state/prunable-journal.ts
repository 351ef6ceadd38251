import type { Instant } from '../model/instant.ts';
import type { JournalEntry } from './state-store.ts';

/** How many entries from the start may go: the longest run of old ones that cuts no apply in two, and none that has not ended. */
export function countPrunable(entries: readonly JournalEntry[], before: Instant): number {
  const old = entries.findIndex(({ at }) => at >= before);
  const limit = old < 0 ? entries.length : old;
  const open = new Set<string>();
  let count = 0;
  for (const [index, { type, applyId }] of entries.slice(0, limit).entries()) {
    if (type === 'end') open.delete(applyId);
    else open.add(applyId);
    if (open.size === 0) count = index + 1;
  }
  return count;
}
