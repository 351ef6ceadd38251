import type { GarbageCollected } from '../export/collect-garbage.ts';
import { formatBytes, formatCount } from './format-amount.ts';

const KINDS: Readonly<Record<string, string>> = { runs: 'records of runs', journalEntries: 'journal entries', cacheFiles: 'cache files' };

/** How much of each kind went, and its bytes, in one line. */
export function describeGarbage({ bytes, ...counts }: GarbageCollected): string {
  return [...Object.entries(counts).map(([kind, count]) => `${formatCount(count)} ${KINDS[kind] ?? kind}`), formatBytes(bytes)].join('   ');
}
