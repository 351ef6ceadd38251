import type { Run } from '../model/run.ts';
import { SlotWorker, type SlotWorkerDeps } from './slot-worker.ts';
import type { WatchEvent } from './watch-event.ts';

export interface DueOutcome {
  /** What ran and what was recorded as skipped, in order of their ends. */
  readonly runs: readonly Run[];
  /** What could not be started, and why. */
  readonly errors: readonly unknown[];
  readonly interrupted: boolean;
}

/** Handles what is due at `now`, each slot once, and returns (`watch --once`). A signal lets what is in flight end in good order first. */
export async function runDue(deps: Omit<SlotWorkerDeps, 'impatient'>): Promise<DueOutcome> {
  const runs: Run[] = [];
  const errors: unknown[] = [];
  const emit = (event: WatchEvent): void => {
    if (event.type === 'slot-ended' || event.type === 'slots-skipped') runs.push(...event.runs);
    if (event.type === 'slot-refused') errors.push(event.error);
    deps.emit(event);
  };
  const worker = new SlotWorker({ ...deps, emit, impatient: true });
  await worker.scan();
  while (worker.busy) {
    await worker.next();
    if (deps.signal.aborted) break;
    await worker.scan();
  }
  await worker.stop();
  return { runs, errors, interrupted: deps.signal.aborted };
}
