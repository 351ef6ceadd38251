import type { Instant } from '../model/instant.ts';
import type { CancelRequest, Claim, RunLedger } from '../state/run-ledger.ts';

/** A run that is cancelled from elsewhere ends within about this time. */
const HEARTBEAT_MS = 5_000;

/**
 * Tells other machines that the run is alive, and looks whether somebody wants it to end. A beat that fails is not an error: the next write of the run
 * itself will say what is wrong.
 */
export function startHeartbeat(ledger: RunLedger, claim: Claim, clock: () => Instant, onCancel: (request: CancelRequest) => void): { stop(): Promise<void> } {
  const beat = async (): Promise<void> => {
    await ledger.advance(claim, { now: clock() });
    const [run] = await ledger.find({ id: claim.runId });
    if (run?.cancel !== undefined) onCancel(run.cancel);
  };
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beat().catch(() => {});
  }, HEARTBEAT_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await beating;
    },
  };
}
