import { SECOND_MS } from '../model/instant.ts';
import { SlotWorker, type SlotWorkerDeps } from './slot-worker.ts';

/** Calls back about once a second until it is stopped. */
export type StartTicks = (onTick: () => void) => { stop(): void };

export interface WatchSlotsDeps extends Omit<SlotWorkerDeps, 'impatient' | 'signal'> {
  readonly ticks: StartTicks;
  /** Milliseconds that no one can set, for telling a clock that was set from time that passed. */
  readonly monotonic: () => number;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** How long runs in flight may go on once the loop is to end; then they are stopped, and go on at the next start. */
  readonly graceMs: number;
}

/** Even when nothing is due the state is looked at so often: somebody may have applied, or run a slot by hand. */
const LOOK_EVERY_MS = 30 * SECOND_MS;
const CLOCK_TOLERANCE_MS = 5 * SECOND_MS;

/**
 * Runs slots as they come due until the signal. The ticks only wake it up: what is due is computed from what is applied and what is on record, so
 * that ticks that come late, twice or not at all, and clocks that are set, neither lose a slot nor repeat one.
 */
export async function watchSlots(deps: WatchSlotsDeps): Promise<void> {
  const { emit, exports, monotonic, signal } = deps;
  const stopRuns = new AbortController();
  let wakeAt = -Infinity;
  const worker = new SlotWorker({
    ...deps,
    impatient: false,
    signal: stopRuns.signal,
    emit: (event) => {
      emit(event);
      if (event.type === 'slot-ended' || event.type === 'slot-refused' || event.type === 'slot-stopped') wakeAt = -Infinity;
    },
  });
  let lookedAt = -Infinity;
  let looking: Promise<void> | undefined;
  let [wall, elapsed] = [exports.clock(), monotonic()];

  const look = async (): Promise<void> => {
    lookedAt = monotonic();
    wakeAt = Infinity;
    try {
      wakeAt = Math.min(wakeAt, (await worker.scan()) ?? Infinity);
    } catch (error) {
      emit({ type: 'look-failed', what: 'state', error });
    } finally {
      looking = undefined;
    }
  };
  const onTick = (): void => {
    const [lastWall, lastElapsed] = [wall, elapsed];
    [wall, elapsed] = [exports.clock(), monotonic()];
    const byMs = wall - lastWall - (elapsed - lastElapsed);
    if (Math.abs(byMs) > CLOCK_TOLERANCE_MS) {
      emit({ type: 'clock-jumped', byMs: Math.round(byMs) });
      wakeAt = -Infinity;
    }
    // While one is looking, an end of a run that comes meanwhile is seen at the next tick.
    if (looking === undefined && (wall >= wakeAt || elapsed - lookedAt >= LOOK_EVERY_MS)) looking = look();
  };
  const ticks = deps.ticks(onTick);
  onTick();
  try {
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      else signal.addEventListener('abort', () => done(), { once: true });
    });
  } finally {
    ticks.stop();
    const timer = setTimeout(() => stopRuns.abort(signal.reason), deps.graceMs);
    const stopping = worker.stop();
    await looking;
    // A look that was under way may have started one more.
    await stopping;
    await worker.stop();
    clearTimeout(timer);
  }
}
