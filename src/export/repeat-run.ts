import { join } from 'node:path';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import { hasSucceeded } from '../state/claim-rules.ts';
import type { Claim, FinishRun, RunRecord } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { deliverRun, importEnd } from './deliver-run.ts';
import { overtakenBy } from './check-slot.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { encryptionOf, receiverKeys } from './encryption.ts';
import { findRun } from './find-run.ts';
import type { AllowOnce } from './guards.ts';
import { openOnce, type OpenOnce } from './open-once.ts';
import { withoutRows } from './note-refused.ts';
import { encryptionDigest } from './outdated-work.ts';
import { prepareRun } from './prepare-run.ts';
import { isInSpool, planFiles, publishFile, surplusFiles, verifyFile } from './publish-parts.ts';
import { resolveJobs, type ResolvedJob } from './resolve-job.ts';
import { runActivation } from './run-activation.ts';
import { asRecord, besideFiles, workOf, type PlannedFile, type RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { readSuppressions } from './suppression.ts';
import { ALREADY_RUNNING, toRun } from './to-run.ts';
import { asApplied } from './where-it-went.ts';

export interface RepeatRequest {
  readonly resources: AppliedResources;
  readonly runId: string;
  readonly now: Instant;
  /** Guards that this run may pass. */
  readonly allow?: AllowOnce | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayedRun {
  readonly run: Run;
  /** Where the bytes came from: kept since the run, or built again from the source and found equal. */
  readonly from: 'spool' | 'rebuilt';
}

const STALE_AFTER_MS = 5 * 60_000;

/**
 * Tries a run again that did not end well: a slot goes on where it stands, an export now is made anew, an import whose end is unknown is looked up on
 * the other side and signalled again only when nothing is known of it there. Throws RC4023 (64) for a run that needs no retry.
 */
export async function retryRun(deps: ExportDeps, request: RepeatRequest): Promise<Run> {
  const record = await findRun(deps, request.runId);
  const { activation, segment, slot } = record;
  const isImported = record.import?.status !== 'unknown' && record.import?.status !== 'import-failed';
  if (record.status === 'success' && isImported) {
    throw new AppError({
      code: 'RC4023',
      message: `run ${record.id} ended in success`,
      hint: `to deliver its files again: reconcile runs replay ${record.id}`,
      exit: ExitCode.badUsage,
    });
  }
  if (!hasSucceeded(record)) {
    // What had to be brought to its end before it comes first.
    const runs = await runActivation(deps, { ...request, activation, segments: [segment], slot, evaluation: slot !== null && record.mode === 'full' });
    const run = runs.at(-1);
    if (run === undefined) throw new TypeError('an activation ran no segment');
    return run;
  }
  return withClaim(deps, request, record, async (open, one, claim) => {
    const work = workOf(record);
    // What was killed is a repetition of what everybody knows to have arrived.
    if (isImported) return finishAgain(deps, claim, record, work);
    const connector = await open.connector(one);
    if (connector === undefined || connector.delivers === false) return finishAgain(deps, claim, record, work);
    const delivery = await deliverRun({
      connector,
      job: one.job,
      runId: record.id,
      work,
      storage: await open.storage(one),
      folder: join(deps.paths.spool, record.id),
      signal: request.signal,
      journal: (next) => deps.ledger.advance(claim, { work: asRecord(next), now: deps.clock() }),
    });
    return finishAgain(deps, claim, record, { ...work, delivery });
  });
}

/**
 * Delivers the files of a run again, byte for byte, and tells the other side again. From the spool when it is kept; else the files are built again
 * from the source and sent only when their digests are those on record (RC4021 otherwise: nothing is sent, the record stays).
 */
export async function replayRun(deps: ExportDeps, request: RepeatRequest): Promise<ReplayedRun> {
  const record = await findRun(deps, request.runId);
  if (!hasSucceeded(record)) throw await notReplayable(deps, request, record);
  let from: ReplayedRun['from'] = 'spool';
  const run = await withClaim(deps, request, record, async (open, one, claim) => {
    const { delivery: _before, ...work } = workOf(record);
    const folder = join(deps.paths.spool, record.id);
    if (work.encryption !== encryptionDigest(one.job)) {
      throw new AppError({
        code: 'RC4021',
        message: `the files of run ${record.id} were made before the destination's \`encryption\` was changed, and do not leave like that any more`,
        hint: 'nothing was sent; export now with `reconcile run` to send what holds today',
      });
    }
    if (work.keys !== undefined && work.keys !== (await receiverKeys(one.job.destination, deps.secret))) {
      throw new AppError({
        code: 'RC4021',
        message: `the files of run ${record.id} are encrypted to keys that were replaced since, and do not leave like that any more`,
        hint: 'nothing was sent; export now with `reconcile run` to send what holds today',
      });
    }
    const storage = await open.storage(one);
    const files = [...(work.parts ?? []), ...besideFiles(work)];
    // Before anything is sent: without it, nobody could be told.
    const connector = files.length === 0 ? undefined : await open.connector(one);
    if (!(await Promise.all(files.map((file) => isInSpool(folder, file, true)))).every(Boolean)) {
      from = 'rebuilt';
      await rebuild(deps, request, record, one, open);
    }
    // A name may be another run's by now: what is not ours stays, and of a longer set of files nothing is left over.
    await planFiles(deps.ledger, storage, one.job.target, files);
    const surplus = await surplusOf(deps, storage, one.job, work);
    const send = async (some: readonly PlannedFile[]): Promise<void> => {
      for (const file of some) {
        await publishFile(storage, folder, { ...file, replace: true }, record.id, request.signal);
        await verifyFile(storage, folder, file);
      }
    };
    await send(work.parts ?? []);
    for (const key of surplus) await storage.remove(key);
    await send(besideFiles(work));
    const delivered = { target: one.job.target, put: files.map(({ key, rows, bytes, sha256 }) => ({ path: key, rows, bytes, sha256 })), removed: surplus };
    if (connector === undefined || connector.delivers === false) return finishAgain(deps, claim, record, work, delivered);
    const delivery = await deliverRun({
      connector,
      job: one.job,
      runId: record.id,
      work,
      storage,
      folder,
      signal: request.signal,
      journal: (next) => deps.ledger.advance(claim, { work: asRecord(next), now: deps.clock() }),
    });
    return finishAgain(deps, claim, record, { ...work, delivery }, delivered);
  });
  return { run, from };
}

async function notReplayable(deps: ExportDeps, { resources }: RepeatRequest, record: RunRecord): Promise<AppError> {
  const one = asApplied(deps, resources, record);
  const later = one === undefined || record.slot === null ? undefined : await overtakenBy(deps.ledger, one, record.slot);
  return new AppError({
    code: 'RC4023',
    message: `run ${record.id} did not end in success${later === undefined ? '' : `, and ${later.why}`}`,
    hint: later?.hint ?? `to try it again: reconcile runs retry ${record.id}`,
    exit: ExitCode.badUsage,
  });
}

/** Parts of a longer set under the same names, which another run has written since. */
async function surplusOf({ ledger }: Pick<ExportDeps, 'ledger'>, storage: Storage, job: SegmentJob, { parts = [] }: RunWork): Promise<readonly string[]> {
  return parts[0]?.key === job.partKey(1) ? surplusFiles(ledger, storage, job.target, job.partKey, parts.length) : [];
}

async function rebuild(deps: ExportDeps, request: RepeatRequest, record: RunRecord, one: ResolvedJob, open: OpenOnce): Promise<void> {
  const work = workOf(record);
  const different = (why: string): AppError =>
    new AppError({
      code: 'RC4021',
      message: `the files of run ${record.id} are not kept any more and cannot be built again: ${why}`,
      hint: 'nothing was sent; export now with `reconcile run` to send what holds today',
    });
  if (work.changesOnly === true) throw different('they hold what had changed since the run before, which the source does not tell');
  const job = {
    ...one.job,
    slot: null,
    // Everybody went out, with nobody to compare with; what the guards let pass then needs no second leave.
    mode: 'full' as const,
    guards: undefined,
    suppressions: await readSuppressions(deps.paths),
    ...(await encryptionOf(one.job.destination, deps)),
  };
  if (job.stages.length > 0) throw different('they were encrypted, and encrypting again gives other bytes');
  const prepared = await prepareRun({
    job,
    runId: record.id,
    engine: open.engine(one),
    ledger: { ...deps.ledger, snapshot: async () => undefined },
    storage: await open.storage(one),
    paths: deps.paths,
    signal: request.signal,
    // Staged rows come in an order of their own, now as then.
    who: (await open.connector(one))?.namesRefused === true,
    recordedAs: { slot: record.slot, mode: record.mode },
    step: () => {},
    crashPoint: () => {},
  });
  if (digestsOf(prepared.work) !== digestsOf(work)) throw different('the source would give other bytes now');
}

function digestsOf(work: RunWork): string {
  return [...(work.parts ?? []), ...besideFiles(work)].map(({ key, sha256 }) => `${key} ${sha256}`).join('\n');
}

async function withClaim(
  deps: ExportDeps,
  request: RepeatRequest,
  record: RunRecord,
  work: (open: OpenOnce, one: ResolvedJob, claim: Claim) => Promise<RunRecord>,
): Promise<Run> {
  const { activation, segment, slot, mode } = record;
  const time = workOf(record).time ?? slot ?? record.startedAt;
  const [one] = resolveJobs({ resources: request.resources, activation, segments: [segment], slot, now: time }, deps.card);
  if (one === undefined) throw new TypeError('an activation resolved to no segment');
  const claimed = await deps.ledger.claim({
    activation,
    segment,
    slot,
    mode,
    owner: deps.owner,
    now: deps.clock(),
    newId: record.id,
    runId: record.id,
    staleAfterMs: STALE_AFTER_MS,
  });
  if (claimed.outcome !== 'claimed') {
    throw new AppError({
      code: ALREADY_RUNNING,
      message: `\`${segment}\` of \`${activation}\` is being exported already, in run ${claimed.run.id}`,
      hint: 'wait for it to end',
      exit: ExitCode.locked,
    });
  }
  deps.crashPoint?.('taken-up');
  await using open = openOnce(deps, request.signal);
  try {
    return toRun(await work(open, one, claimed.claim));
  } catch (error) {
    // What was recorded stays recorded: the repetition failed, not the run.
    await finishAgain(deps, claimed.claim, record, workOf(record));
    throw error;
  }
}

function finishAgain(deps: ExportDeps, claim: Claim, record: RunRecord, work: RunWork, delivered?: FinishRun['delivered']): Promise<RunRecord> {
  const { delivery } = work;
  const imported = importEnd(delivery?.receipt, record.id).status ?? record.import;
  // Whom the next slot sends again is settled by the slot itself.
  const noted = delivery?.receipt === undefined ? work : { ...work, delivery: { ...delivery, receipt: withoutRows(delivery.receipt) } };
  return deps.ledger.finish(claim, {
    status: 'success',
    counts: record.counts,
    files: record.files,
    endedAt: deps.clock(),
    work: asRecord(noted),
    ...(imported === undefined ? {} : { import: imported }),
    ...(delivered === undefined ? {} : { delivered }),
  });
}
