import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startHeartbeat } from '../../../src/export/heartbeat.ts';
import { openMemoryState } from '../../../src/state/memory/open-memory-state.ts';
import { currentOwner, type Owner } from '../../../src/state/owner.ts';
import type { CancelRequest, Claim, ClaimOutcome, RunLedger } from '../../../src/state/run-ledger.ts';

const STALE_AFTER_MS = 5 * 60_000;
const MINUTE_MS = 60_000;
const SLOT = Date.UTC(2026, 11, 1);
/** On other machines: only time can tell who lives. */
const HERE: Owner = { ...currentOwner(), host: 'machine-a' };
const THERE: Owner = { ...currentOwner(), host: 'machine-b' };

beforeEach(() => void vi.useFakeTimers({ now: SLOT }));
afterEach(() => void vi.useRealTimers());

function claimBy(ledger: RunLedger, owner: Owner): Promise<ClaimOutcome> {
  const pair = { activation: 'a', segment: 's', slot: SLOT, mode: 'full' } as const;
  return ledger.claim({ ...pair, owner, now: Date.now(), newId: 'r-1', staleAfterMs: STALE_AFTER_MS });
}

async function claimed(ledger: RunLedger): Promise<Claim> {
  const outcome = await claimBy(ledger, HERE);
  if (outcome.outcome !== 'claimed') throw new Error(outcome.outcome);
  return outcome.claim;
}

test('a run that takes hours is nobody else’s; once it is silent somebody takes it over, and its beats do no harm', async () => {
  const { ledger } = openMemoryState();
  const claim = await claimed(ledger);
  const first = startHeartbeat(ledger, claim, Date.now, () => {});
  await vi.advanceTimersByTimeAsync(120 * MINUTE_MS);
  expect((await claimBy(ledger, THERE)).outcome).toBe('busy');
  await first.stop();

  await vi.advanceTimersByTimeAsync(STALE_AFTER_MS + 1);
  expect((await claimBy(ledger, THERE)).outcome).toBe('claimed');
  const late = startHeartbeat(ledger, claim, Date.now, () => {});
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  await late.stop();
  await expect(ledger.advance(claim, { now: Date.now() })).rejects.toMatchObject({ code: 'RC4006' });
});

test('whoever wants the run to end is heard within seconds', async () => {
  const { ledger } = openMemoryState();
  const claim = await claimed(ledger);
  const heard: CancelRequest[] = [];
  const heartbeat = startHeartbeat(ledger, claim, Date.now, (request) => heard.push(request));
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(heard).toEqual([]);
  await ledger.requestCancel('r-1', { by: 'jo', at: Date.now() });
  await vi.advanceTimersByTimeAsync(5_000);
  await heartbeat.stop();
  expect(heard.map(({ by }) => by)).toEqual(['jo']);
});

test('who stops it waits for the beat on its way: none writes after the run’s end', async () => {
  const { ledger } = openMemoryState();
  const claim = await claimed(ledger);
  let beats = 0;
  const slow: RunLedger = {
    ...ledger,
    advance: async () => {
      await new Promise((go) => setTimeout(go, 2_000));
      beats += 1;
    },
  };
  const heartbeat = startHeartbeat(slow, claim, Date.now, () => {});
  await vi.advanceTimersByTimeAsync(5_500);
  let stopped = false;
  const stopping = heartbeat.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(1_000);
  expect([beats, stopped]).toEqual([0, false]);
  await vi.advanceTimersByTimeAsync(1_000);
  await stopping;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(beats).toBe(1);
});
