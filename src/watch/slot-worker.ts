import type { AppliedResources, ExportDeps } from '../export/deps.ts';
import type { RunActivationRequest } from '../export/run-activation.ts';
import { ALREADY_RUNNING } from '../export/to-run.ts';
import { AppError } from '../model/app-error.ts';
import type { Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { StateStore } from '../state/state-store.ts';
import { judgePair, type Judgement } from './judge-pair.ts';
import { readAhead } from './read-ahead.ts';
import { recordSkipped } from './record-skipped.ts';
import { retryDelayMs } from './retry-delay.ts';
import { listPairs, pairKey, type ScheduledPair } from './scheduled-pair.ts';
import type { WatchEvent } from './watch-event.ts';

export interface SlotWorkerDeps {
  readonly store: Pick<StateStore, 'read'>;
  readonly exports: Pick<ExportDeps, 'ledger' | 'owner' | 'clock' | 'newId' | 'card'>;
  /** `runActivation` of the export room. */
  readonly run: (request: RunActivationRequest) => Promise<readonly Run[]>;
  /** What `now` means for slots; moves with the wall clock unless it is frozen. */
  readonly now: () => Instant;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly emit: (event: WatchEvent) => void;
  /** Stops runs in flight. */
  readonly signal: AbortSignal;
  /** Activations that are exported at the same time. */
  readonly parallel: number;
  /** True with `--once`. */
  readonly impatient: boolean;
}

/** What is on record of a pair. */
interface Known {
  readonly records: readonly RunRecord[];
  readonly ahead: Instant | undefined;
}

interface Trouble {
  readonly attempts: number;
  readonly at: Instant;
}

/** How many of a pair's latest runs are read: enough for a full list of skipped slots and a few runs by hand. */
const RECORDS_READ = 150;
/** How long a pair is left alone while another process is at it. */
const BUSY_WAIT_MS = 30_000;

/**
 * Brings pairs to what the ledger says is due, a bounded number at a time. Level-triggered: every `scan` reads what is applied and what is on
 * record anew, so that events that were lost, doubled or out of order do no harm. A pair that waits, fails or is busy elsewhere holds no worker.
 */
export class SlotWorker {
  readonly #deps: SlotWorkerDeps;
  readonly #inFlight = new Map<string, Promise<void>>();
  /** What could not even be started: config errors and bugs leave no record to judge by. */
  readonly #troubles = new Map<string, Trouble>();
  /** With `--once`: what has had its one try. */
  readonly #tried = new Map<string, Set<Instant>>();
  readonly #known = new Map<string, Known>();
  /** Slots ahead of the clock that have been told. */
  readonly #toldAhead = new Map<string, Instant>();
  #stopped = false;

  constructor(deps: SlotWorkerDeps) {
    this.#deps = deps;
  }

  /** Starts what is due, up to the bound. Returns when to look again by the wall clock; undefined when nothing is to come. */
  async scan(): Promise<Instant | undefined> {
    const { store, exports, emit } = this.#deps;
    const { resources } = await store.read();
    const wall = exports.clock();
    const now = this.#deps.now();
    const ready = new Map<string, { readonly activation: string; readonly slot: Instant; readonly pairs: ScheduledPair[] }>();
    let wake = Infinity;
    for (const pair of listPairs(resources, exports.card)) {
      if (this.#stopped) return undefined;
      if (this.#inFlight.has(pair.activation) || pair.schedule === undefined || pair.suspended) continue;
      const trouble = this.#troubles.get(pairKey(pair));
      const judged = this.#judge(pair, await this.#look(pair, now), now, this.#deps.impatient, this.#deps.chance());
      if (judged.next !== undefined) wake = Math.min(wake, wall + (judged.next - now));
      if (judged.retryAt !== undefined) wake = Math.min(wake, judged.retryAt);
      if (judged.ahead !== undefined && this.#toldAhead.get(pairKey(pair)) !== judged.ahead) {
        this.#toldAhead.set(pairKey(pair), judged.ahead);
        emit({ type: 'slot-ahead', activation: pair.activation, segment: pair.segment, slot: judged.ahead });
      }
      if (judged.skipped.length > 0) {
        const runs = await recordSkipped(exports, pair, { slots: judged.skipped, before: judged.skippedBefore, now });
        this.#forget(pair);
        if (runs.length > 0) emit({ type: 'slots-skipped', activation: pair.activation, segment: pair.segment, runs, before: judged.skippedBefore });
      }
      if (judged.run === undefined) continue;
      if (trouble !== undefined && trouble.at > wall && trouble.at - wall <= 15 * 60_000) {
        wake = Math.min(wake, trouble.at);
        continue;
      }
      const key = `${pair.activation}\n${judged.run}`;
      const task = ready.get(key) ?? { activation: pair.activation, slot: judged.run, pairs: [] };
      task.pairs.push(pair);
      ready.set(key, task);
    }
    // The oldest slot first: whoever has waited longest is served first, and one that fails goes to the end by its delay.
    for (const { activation, slot, pairs } of [...ready.values()].toSorted((a, b) => a.slot - b.slot)) {
      if (this.#inFlight.size >= this.#deps.parallel) break;
      if (!this.#inFlight.has(activation)) this.#start(resources, activation, pairs, slot, now);
    }
    return Number.isFinite(wake) ? wake : undefined;
  }

  get busy(): boolean {
    return this.#inFlight.size > 0;
  }

  /** Until one of the runs in flight has ended; only while `busy`. */
  async next(): Promise<void> {
    await Promise.race(this.#inFlight.values());
  }

  /** Starts nothing any more, and waits for what is in flight. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#inFlight.values());
  }

  #start(resources: AppliedResources, activation: string, pairs: readonly ScheduledPair[], slot: Instant, now: Instant): void {
    const work = this.#run(resources, activation, pairs, slot, now).finally(() => {
      this.#inFlight.delete(activation);
      for (const pair of pairs) this.#forget(pair);
    });
    this.#inFlight.set(activation, work);
    if (!this.#deps.impatient) return;
    for (const pair of pairs) this.#tried.set(pairKey(pair), (this.#tried.get(pairKey(pair)) ?? new Set()).add(slot));
  }

  async #run(resources: AppliedResources, activation: string, pairs: readonly ScheduledPair[], slot: Instant, now: Instant): Promise<void> {
    const { exports, emit, signal } = this.#deps;
    const segments = pairs.map(({ segment }) => segment);
    // While another process is at it this one looks every while, which is no news.
    const left = new Set(pairs.map(pairKey).filter((key) => this.#troubles.get(key)?.attempts === 0));
    if (left.size < pairs.length) emit({ type: 'slot-started', activation, segments, slot });
    try {
      const runs = await this.#deps.run({ resources, activation, segments, slot, now, signal });
      for (const pair of pairs) this.#troubles.delete(pairKey(pair));
      for (const run of runs) {
        // Another process is at it: its record decides, after a while.
        if (isBusy(run)) this.#troubles.set(pairKey(run), { attempts: 0, at: exports.clock() + BUSY_WAIT_MS });
      }
      emit({ type: 'slot-ended', activation, slot, runs: runs.filter((run) => !isBusy(run) || !left.has(pairKey(run))) });
    } catch (error) {
      if (signal.aborted) return emit({ type: 'slot-stopped', activation, segments, slot });
      // One segment that cannot be started must not hold the others of its activation.
      if (pairs.length > 1 && error instanceof AppError) {
        for (const pair of pairs) await this.#run(resources, activation, [pair], slot, now);
        return;
      }
      for (const pair of pairs) this.#noteTrouble(pair);
      emit({ type: 'slot-refused', activation, segments, slot, error, retryAt: this.#troubles.get(pairKey(pairs[0] ?? { activation, segment: '' }))?.at });
    }
  }

  #noteTrouble(pair: ScheduledPair): void {
    const key = pairKey(pair);
    const attempts = (this.#troubles.get(key)?.attempts ?? 0) + 1;
    this.#troubles.set(key, { attempts, at: this.#deps.exports.clock() + retryDelayMs(attempts, this.#deps.chance()) });
  }

  /** What is on record of a pair, read again once a slot may be due that it does not decide. */
  async #look(pair: ScheduledPair, now: Instant): Promise<Known> {
    const key = pairKey(pair);
    const known = this.#known.get(key);
    // What lies ahead may be given up by an apply, which leaves no record.
    if (known !== undefined && known.ahead === undefined) {
      const { run, retryAt, skipped } = this.#judge(pair, known, now, true, 0);
      if (run === undefined && retryAt === undefined && skipped.length === 0) return known;
    }
    const { activation, segment } = pair;
    const { ledger } = this.#deps.exports;
    const records = await ledger.find({ activation, segment, limit: RECORDS_READ });
    const read = { records, ahead: await readAhead(ledger, pair, now) };
    this.#known.set(key, read);
    return read;
  }

  #judge(pair: ScheduledPair, { records, ahead }: Known, now: Instant, impatient: boolean, chance: number): Judgement {
    const givenUp = this.#tried.get(pairKey(pair));
    return judgePair({ pair, records, ahead, now, wall: this.#deps.exports.clock(), impatient, chance, ...(givenUp === undefined ? {} : { givenUp }) });
  }

  #forget(pair: { readonly activation: string; readonly segment: string }): void {
    this.#known.delete(pairKey(pair));
  }
}

function isBusy(run: Run): boolean {
  return run.status === 'skipped' && run.error?.code === ALREADY_RUNNING;
}
