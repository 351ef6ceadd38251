import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector } from '../destination/connector.ts';
import type { Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import type { Retries, RunCounts, RunFile, RunStatus } from '../model/run.ts';
import { asUserError } from '../model/system-refusal.ts';
import { RUN_STEPS, type CancelRequest, type Claim, type RunRecord, type RunStep } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { deliverRun, importEnd } from './deliver-run.ts';
import type { ExportDeps, ExportProgress } from './deps.ts';
import type { Encryption } from './encryption.ts';
import { endCancelled } from './end-cancelled.ts';
import { HeldError } from './guards.ts';
import { keepOnlyFiles } from './keep-spool.ts';
import { startHeartbeat } from './heartbeat.ts';
import { deliveredTo } from './last-snapshot.ts';
import { placeSnapshot, removeOtherSnapshots } from './place-snapshot.ts';
import { whyOutdated } from './outdated-work.ts';
import { prepareRun } from './prepare-run.ts';
import { noteRefused, withRejected } from './note-refused.ts';
import { landedAs, planAgain, publishFile, publishLost, verifyFile } from './publish-parts.ts';
import { reportProgress, type ProgressMade } from './report-progress.ts';
import { asRecord, besideFiles, workOf, type PlannedFile, type RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { isSpoolWhole } from './spool-is-whole.ts';
import { readSuppressions } from './suppression.ts';
import { fromProject, recordable, stopped, tellError } from './told-error.ts';
import { withSignal } from '../storage/with-signal.ts';
import { abandonUploads } from './withdraw-files.ts';

export interface RunSegmentInput {
  readonly deps: ExportDeps;
  readonly job: SegmentJob;
  /** Asked for once the run is claimed: what cannot be opened is its failure, and on record. */
  readonly open: () => Promise<RunEnds>;
  /** Asked for before anything is written. */
  readonly encryption: () => Promise<Encryption>;
  /** What the storage had to be asked again so far, for this run or for others before it. */
  readonly retries: () => Retries;
  /** Opened on first use: a run that goes on from its spool reads no source. */
  readonly engine: () => Engine;
  readonly signal: AbortSignal | undefined;
}

/** Where files go, and who is told. */
export interface RunEnds {
  readonly storage: Storage;
  readonly connector: Connector | undefined;
}

export type SegmentOutcome = { readonly outcome: 'ended' | 'done' | 'busy'; readonly run: RunRecord };

/** A holder on another machine that was silent for so long is taken over. */
const STALE_AFTER_MS = 5 * 60_000;
/** A run that takes longer hangs: it is ended as failed, and tried again like any other failure. */
const deadlineOf = ({ deadlineMs = 12 * 3_600_000 }: ExportDeps): number => deadlineMs;
const ZERO: RunCounts = { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} };

/**
 * Runs one segment through its steps: claimed → selected → written → published → verified → delivered → recorded. Each step is journaled before the
 * effects that follow it and may be repeated. Before `written` nothing is visible and everything is made anew; from `written` on only the spool is
 * used, so that a slot's files are the same bytes under the same names whatever kills the process.
 */
export async function runSegment(input: RunSegmentInput): Promise<SegmentOutcome> {
  const { deps, job } = input;
  const { ledger, clock } = deps;
  const claimed = await ledger.claim({
    activation: job.activation,
    segment: job.segment,
    slot: job.slot,
    mode: job.mode,
    owner: deps.owner,
    now: clock(),
    newId: deps.newId(),
    staleAfterMs: STALE_AFTER_MS,
  });
  if (claimed.outcome !== 'claimed') return claimed;
  deps.crashPoint?.('claimed');
  const { claim, run } = claimed;
  const cancelling = new AbortController();
  const signals = [cancelling.signal, AbortSignal.timeout(deadlineOf(deps)), ...(input.signal === undefined ? [] : [input.signal])];
  const segmentRun = new SegmentRun({ ...input, signal: AbortSignal.any(signals) }, claim, run);
  const heartbeat = startHeartbeat(ledger, claim, clock, (request) => segmentRun.cancel(request, cancelling));
  try {
    return { outcome: 'ended', run: await segmentRun.finish() };
  } finally {
    await heartbeat.stop();
  }
}

class SegmentRun {
  readonly #input: RunSegmentInput;
  readonly #claim: Claim;
  readonly #run: RunRecord;
  readonly #folder: string;
  #counts: RunCounts;
  #work: RunWork;
  #step: RunStep;
  #cancel: CancelRequest | undefined;
  #opened: RunEnds | undefined;
  readonly #retriedBefore: number;

  constructor(input: RunSegmentInput, claim: Claim, run: RunRecord) {
    this.#input = input;
    this.#claim = claim;
    this.#run = run;
    this.#folder = join(input.deps.paths.spool, run.id);
    this.#work = workOf(run);
    this.#counts = this.#work.counts ?? ZERO;
    this.#step = run.step;
    this.#retriedBefore = input.retries().times;
  }

  /** Once everything is verified it is too late: the other side may have been told. */
  cancel(request: CancelRequest, cancelling: AbortController): void {
    if (this.#reached('verified')) return;
    this.#cancel = request;
    cancelling.abort();
  }

  /** Goes on from where the run stands. What a user can fix ends in the record, as failed or held; a bug of ours ends there and is thrown on. */
  async finish(): Promise<RunRecord> {
    try {
      // Taken up again after its end (a retry or replay that was killed): everything had been delivered and recorded.
      if (this.#reached('recorded')) return await this.#endAgain();
      this.#opened = await this.#input.open();
      const { storage } = this.#ends;
      if (this.#reached('written')) this.#report('connecting', {});
      const outdated = this.#reached('written') ? await whyOutdated(this.#input.deps, this.#input.job, this.#work, async () => storage) : undefined;
      if (outdated !== undefined || !this.#reached('written') || !(await this.#hasSpool())) await this.#prepare(outdated);
      else if (!this.#reached('published')) this.#work = await planAgain(this.#input.deps.ledger, storage, this.#input.job, this.#run.id, this.#work);
      const changed = this.#work.parts?.length ?? 0;
      if (changed > 0) {
        await this.#publish();
        await this.#verify();
        await this.#deliver();
      }
      return await this.#record();
    } catch (error) {
      return await this.#fail(error);
    } finally {
      this.#report('done', {});
    }
  }

  #hasSpool(): Promise<boolean> {
    const { state } = this.#input.deps.paths;
    return isSpoolWhole({ folder: this.#folder, state, work: this.#work, landed: this.#reached('verified'), told: this.#isTold() });
  }

  #endAgain(): Promise<RunRecord> {
    const { ledger, clock } = this.#input.deps;
    const { import: imported, files } = this.#run;
    return ledger.finish(this.#claim, {
      status: 'success',
      counts: withRejected(this.#counts, this.#work.delivery?.receipt?.rejected),
      files,
      endedAt: clock(),
      work: asRecord(this.#work),
      ...(imported === undefined ? {} : { import: imported }),
    });
  }

  get #ends(): RunEnds {
    if (this.#opened === undefined) throw new TypeError('nothing is opened yet');
    return { ...this.#opened, storage: withSignal(this.#opened.storage, this.#input.signal) };
  }

  #reached(step: RunStep): boolean {
    return RUN_STEPS.indexOf(this.#step) >= RUN_STEPS.indexOf(step);
  }

  async #advance(step: RunStep, work: RunWork): Promise<void> {
    const { ledger, clock } = this.#input.deps;
    await ledger.advance(this.#claim, { step, work: asRecord(work), counts: this.#counts, files: this.#files(work), now: clock() });
    this.#work = work;
    this.#step = step;
    this.#crashPoint(`journaled-${step}`);
  }

  async #prepare(outdated: string | undefined): Promise<void> {
    const { deps, job, engine, signal } = this.#input;
    const { storage, connector } = this.#ends;
    const before = this.#reached('written') ? (this.#work.parts ?? []) : [];
    // Before the spool goes, which a later slot needs to know who is in what is visible.
    if (outdated !== undefined && this.#work.target === job.target) await this.#refuseChangedBytes(before, [], outdated);
    const prepared = await prepareRun({
      // Read once the run is claimed: from then on `forget` sees that it is at work.
      job: { ...job, ...(await this.#input.encryption()), suppressions: await readSuppressions(deps.paths) },
      runId: this.#run.id,
      engine: engine(),
      ledger: deps.ledger,
      storage,
      paths: deps.paths,
      signal,
      who: connector?.namesRefused === true && connector.delivers !== false,
      step: (name, progress) => this.#report(name, progress),
      rowsPerPart: deps.rowsPerPart,
      crashPoint: (name) => this.#crashPoint(name),
    });
    const why = outdated ?? 'its spool is lost, and the source would give other bytes now';
    await this.#refuseChangedBytes(before, prepared.work.parts ?? [], why);
    this.#counts = prepared.counts;
    this.#crashPoint('written');
    await this.#advance('written', { ...prepared.work, counts: prepared.counts });
  }

  /** A file that has become visible never changes its bytes within its slot, even when the files have to be made anew. */
  async #refuseChangedBytes(before: readonly PlannedFile[], now: readonly PlannedFile[], why: string): Promise<void> {
    for (const file of before) {
      if (now.some(({ key, sha256 }) => key === file.key && sha256 === file.sha256)) continue;
      if (!(await landedAs(this.#ends.storage, file))) continue;
      throw new AppError({
        code: 'RC4012',
        message: `\`${this.#ends.storage.address(file.key)}\` is visible already, and ${why}`,
        hint: 'a visible file never changes within its slot: take it away to export the slot anew, or export now with `reconcile run` without --slot',
      });
    }
  }

  async #publish(): Promise<void> {
    const { deps, signal } = this.#input;
    const { storage } = this.#ends;
    const parts = this.#work.parts ?? [];
    if (!this.#reached('published')) {
      let bytes = 0;
      const totalBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      for (const [index, part] of parts.entries()) {
        signal?.throwIfAborted();
        const report = (some: number): void => this.#report('publishing', { bytes: bytes + some, totalBytes, files: index });
        report(0);
        await publishFile(storage, this.#folder, part, this.#run.id, signal, report);
        bytes += part.bytes;
        this.#work = { ...this.#work, visible: index + 1 };
        this.#crashPoint(`published-part-${index + 1}`);
      }
      for (const key of this.#work.surplus ?? []) await storage.remove(key);
      this.#crashPoint('published');
      await this.#advance('published', this.#work);
    } else if (!this.#reached('verified')) await publishLost(storage, this.#folder, parts, this.#run.id, signal);
    deps.log('debug', 'published', { run: this.#run.id, parts: parts.length });
  }

  async #verify(): Promise<void> {
    if (this.#reached('verified')) return;
    const { signal } = this.#input;
    const { storage } = this.#ends;
    const { parts = [] } = this.#work;
    this.#report('verifying', {});
    for (const part of parts) await verifyFile(storage, this.#folder, part);
    this.#crashPoint('read-back');
    for (const file of besideFiles(this.#work)) {
      await publishFile(storage, this.#folder, file, this.#run.id, signal);
      await verifyFile(storage, this.#folder, file);
      this.#crashPoint(file === this.#work.manifest ? 'manifest' : 'checksums');
    }
    await this.#advance('verified', this.#work);
  }

  /** An import that failed is told again when the run is tried again; anything else that was delivered is not. */
  #isTold(): boolean {
    return this.#reached('delivered') && this.#work.delivery?.receipt?.status !== 'import-failed';
  }

  async #deliver(): Promise<void> {
    const { deps, job, signal } = this.#input;
    const { connector, storage } = this.#ends;
    if (connector === undefined || connector.delivers === false) return;
    if (this.#isTold()) return;
    this.#report('importing', {});
    const delivery = await deliverRun({
      connector,
      job,
      runId: this.#run.id,
      work: this.#work,
      storage,
      folder: this.#folder,
      signal,
      // The token is durable before the other side is told, so that a later attempt can look for this very batch.
      journal: async (work) => this.#advance('verified', work),
    });
    this.#crashPoint('delivered');
    const noted = await noteRefused({
      engine: this.#input.engine,
      paths: deps.paths,
      job,
      runId: this.#run.id,
      folder: this.#folder,
      work: { ...this.#work, delivery },
      signal,
    });
    this.#crashPoint('refused-noted');
    await this.#advance('delivered', noted);
  }

  async #record(): Promise<RunRecord> {
    const { deps, job } = this.#input;
    const { ledger, paths } = deps;
    const imported = importEnd(this.#work.delivery?.receipt, this.#run.id);
    if (imported.failed !== undefined) throw imported.failed;
    const snapshot = this.#work.snapshot;
    const previous = snapshot === undefined ? undefined : await ledger.snapshot(job.activation, job.segment);
    if (snapshot !== undefined) await placeSnapshot(paths, this.#folder, snapshot);
    this.#crashPoint('snapshot-placed');
    const run = await ledger.finish(this.#claim, {
      status: 'success',
      counts: withRejected(this.#counts, this.#work.delivery?.receipt?.rejected),
      files: this.#files(this.#work),
      endedAt: deps.clock(),
      work: asRecord(this.#endedWork),
      ...(imported.status === undefined ? {} : { import: imported.status }),
      ...(snapshot === undefined ? {} : { snapshot: deliveredTo(snapshot.pointer, job) }),
      delivered: { target: job.target, put: this.#putFiles(), removed: this.#work.surplus ?? [] },
    });
    this.#crashPoint('recorded');
    if (snapshot !== undefined) await removeOtherSnapshots(paths, snapshot.pointer.path);
    if (previous !== undefined && previous.runId !== run.id) await rm(join(paths.spool, previous.runId), { recursive: true, force: true });
    // The latest slot's files stay for `runs replay`, until the next one's or `gc`; on a local destination they are hard links and cost nothing.
    if (job.slot === null) await rm(this.#folder, { recursive: true, force: true });
    else await keepOnlyFiles(this.#folder, this.#work);
    return run;
  }

  async #fail(thrown: unknown): Promise<RunRecord> {
    const error = asUserError(thrown) ?? thrown;
    const { deps, job, signal } = this.#input;
    const held = error instanceof HeldError;
    const known = error instanceof AppError ? error : undefined;
    const aborted = signal?.aborted === true && !held;
    if (aborted && this.#cancel !== undefined) {
      return endCancelled({
        deps,
        claim: this.#claim,
        run: this.#run,
        step: this.#step,
        work: this.#endedWork,
        counts: this.#counts,
        cancel: this.#cancel,
        storage: async () => this.#opened?.storage,
      });
    }
    const told = aborted ? stopped(signal.reason, deadlineOf(deps), this.#step) : tellError(error);
    // Once files are written some may be visible: they stay on record as ours, and no row counts as activated.
    const visible = this.#reached('written');
    const status: Exclude<RunStatus, 'running'> = held ? 'held' : 'failed';
    const imported = importEnd(this.#work.delivery?.receipt, this.#run.id);
    try {
      const run = await deps.ledger.finish(this.#claim, {
        status,
        counts: visible ? { ...this.#counts, activated: 0, failed: this.#counts.activated } : ZERO,
        files: visible ? this.#files(this.#work) : [],
        error: recordable(told, deps.paths),
        endedAt: deps.clock(),
        work: asRecord(this.#endedWork),
        ...(imported.status === undefined ? {} : { import: imported.status }),
      });
      // Before `written` the spool is of no use to anybody; afterwards it is what the slot goes on from.
      if (!visible || job.slot === null) {
        if (this.#opened !== undefined) await abandonUploads(this.#opened.storage, this.#work, this.#run.id);
        await rm(this.#folder, { recursive: true, force: true });
      }
      if (known === undefined && !aborted) throw error;
      return run;
    } catch (second) {
      if (second === error || second instanceof AppError) throw second;
      throw new AggregateError([error, second], `run ${this.#run.id} could not be recorded as ${status}`, { cause: second });
    }
  }

  /** As it is recorded at the end: with how often the storage had to be asked again. */
  get #endedWork(): RunWork {
    const { retries: _before, ...work } = this.#work;
    const { times, last } = this.#input.retries();
    return times === this.#retriedBefore ? work : { ...work, retries: { times: times - this.#retriedBefore, last: fromProject(last, this.#input.deps.paths) } };
  }

  #files(work: RunWork): readonly RunFile[] {
    return (work.parts ?? []).map(({ key, rows, bytes, sha256 }) => ({ path: key, rows, bytes, sha256 }));
  }

  #putFiles(): readonly RunFile[] {
    const beside = besideFiles(this.#work).map(({ key, bytes, sha256 }) => ({ path: key, rows: 0, bytes, sha256 }));
    return [...this.#files(this.#work), ...beside];
  }

  #report(step: ExportProgress['step'], made: ProgressMade): void {
    reportProgress(this.#input.deps, { run: this.#run, counts: this.#counts, work: this.#work }, step, made);
  }

  #crashPoint(name: string): void {
    this.#input.deps.crashPoint?.(name);
  }
}
