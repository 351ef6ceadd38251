import type { Instant } from '../model/instant.ts';
import type { Claim, RunLedger } from '../state/run-ledger.ts';

const HEARTBEAT_MS = 10_000;

/** Tells other machines that the run is alive. A beat that fails is not an error: the next write of the run itself will say what is wrong. */
export function startHeartbeat(ledger: RunLedger, claim: Claim, clock: () => Instant): { stop(): Promise<void> } {
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = ledger.advance(claim, { now: clock() }).catch(() => {});
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await beating;
    },
  };
}
