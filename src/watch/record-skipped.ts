import type { ExportDeps } from '../export/deps.ts';
import { toRun } from '../export/to-run.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { ScheduledPair } from './scheduled-pair.ts';

const STALE_AFTER_MS = 5 * 60_000;
const ZERO = { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} };
/** The code of the error on a slot that passed while nothing ran. */
const SLOT_MISSED = 'RC7010';

/**
 * Writes down that slots passed and will not be made up for: silence would leave whoever looks to guess. Slots that somebody has run meanwhile stay
 * as they are. Returns the runs that were recorded.
 */
export async function recordSkipped(
  deps: Pick<ExportDeps, 'ledger' | 'owner' | 'clock' | 'newId'>,
  pair: ScheduledPair,
  { slots, before, now }: { readonly slots: readonly Instant[]; readonly before: number; readonly now: Instant },
): Promise<readonly Run[]> {
  const { ledger, owner, clock, newId } = deps;
  const { activation, segment, mode, missed } = pair;
  const runs: Run[] = [];
  for (const [index, slot] of slots.entries()) {
    const claimed = await ledger.claim({ activation, segment, slot, mode, owner, now: clock(), newId: newId(), staleAfterMs: STALE_AFTER_MS });
    if (claimed.outcome !== 'claimed') continue;
    const more = index === 0 && before > 0 ? `, and so did ${before} before it` : '';
    const error = {
      code: SLOT_MISSED,
      message: `the slot passed while nothing ran${more}; it was noticed at ${formatInstant(now)}`,
      hint:
        missed === 'skip'
          ? `\`missed: skip\` makes up for none; run it by hand: reconcile run ${activation} --segment ${segment} --slot ${formatInstant(slot)}`
          : '`missed: latest` makes up for the last one only',
    };
    const record = await ledger.finish(claimed.claim, { status: 'skipped', counts: ZERO, files: [], error, endedAt: clock(), work: claimed.run.work });
    runs.push(toRun(record));
  }
  return runs;
}
