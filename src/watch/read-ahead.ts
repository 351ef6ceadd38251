import { formatInstant, type Instant } from '../model/instant.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import type { ScheduledPair } from './scheduled-pair.ts';

/**
 * The slot that an incremental pair's members were delivered by, where it lies ahead of `now`: the clock was ahead then, or somebody ran it with `--now`.
 * No slot before it may be delivered any more (contract section 6). A pair without members on record (deleted and applied again, never delivered) is
 * bound by nothing that lies ahead.
 */
export async function readAhead(
  ledger: Pick<RunLedger, 'snapshot'>,
  { activation, segment, mode }: Pick<ScheduledPair, 'activation' | 'segment' | 'mode'>,
  now: Instant,
): Promise<Instant | undefined> {
  if (mode !== 'incremental') return undefined;
  const pointer = await ledger.snapshot(activation, segment);
  return pointer !== undefined && pointer.slot > now ? pointer.slot : undefined;
}

/** What the one on call is told of it. */
export function tellAhead(slot: Instant): string {
  return `slot ${formatInstant(slot)} was delivered already, ahead of the clock: no slot before it runs`;
}

export const BEGIN_ANEW = 'is the clock right? To begin anew with everybody, apply without the activation, then with it again';
