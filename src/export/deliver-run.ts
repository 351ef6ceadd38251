import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Connector, DeliveredBatch, NotToldError, Receipt } from '../destination/connector.ts';
import { AppError } from '../model/app-error.ts';
import type { Run } from '../model/run.ts';
import type { Storage } from '../storage/storage.ts';
import { durationMs } from '../support/duration.ts';
import { isInSpool, publishFile, verifyFile } from './publish-parts.ts';
import type { RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** How long a trace is looked for where nobody waits for the import's end. */
const TRACE_MS = 60_000;

export interface DeliverInput {
  readonly connector: Connector;
  readonly job: SegmentJob;
  readonly runId: string;
  readonly work: RunWork;
  readonly storage: Storage;
  /** The run's folder in the spool. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly journal: (work: RunWork) => Promise<void>;
}

/**
 * Tells the other side that the files are there, once. After an unclear end (a crash, an unknown answer) it first looks whether the batch is known
 * there and signals again only when it is not (contract section 6, "Campaign's answer"): not when nobody could look.
 */
export async function deliverRun(input: DeliverInput): Promise<NonNullable<RunWork['delivery']>> {
  const { connector, job, work, signal, journal } = input;
  const batch = batchOf(input);
  const wait = job.destination.import?.wait;
  const waitMs = durationMs(wait) ?? TRACE_MS;
  const earlier = work.delivery;
  if (earlier !== undefined) {
    const token = earlier.token === undefined ? {} : { token: earlier.token };
    const found = await connector.settle(batch, { status: 'unknown', ...token }, waitMs, signal);
    // Known there: it is not told twice. A failure that had been told before is what a retry is for.
    if (found.status === 'imported') return { ...earlier, receipt: found };
    // At work on it, and the wait is over: how it ended can be asked again.
    if (found.status === 'signalled') return { ...earlier, receipt: wait === undefined ? found : { ...found, status: 'unknown' } };
    if (found.status === 'import-failed' && earlier.receipt?.status !== 'import-failed') return { ...earlier, receipt: found };
    // That the import had failed is known, whatever can be looked at now.
    if (found.looked === false && earlier.receipt?.status !== 'import-failed') return { ...earlier, receipt: notToldAgain(found, input.runId) };
    await putBack(input);
  }
  const token = await connector.prepare(batch);
  await journal({ ...work, delivery: token === undefined ? {} : { token } });
  const receipt = await tell(input, batch, token);
  const settled = receipt.status === 'signalled' && wait !== undefined ? await connector.settle(batch, receipt, waitMs, signal) : receipt;
  return { ...(token === undefined ? {} : { token }), receipt: settled };
}

/** An attempt that certainly told nobody leaves the journal as it was: the next one need not look for it. */
async function tell({ connector, work, signal, journal }: DeliverInput, batch: DeliveredBatch, token: Receipt['token']): Promise<Receipt> {
  try {
    return await connector.deliver(batch, token, signal);
  } catch (error) {
    if ((error as Partial<NotToldError> | null)?.told === false) await journal(work);
    throw error;
  }
}

function notToldAgain({ message, ...receipt }: Receipt, runId: string): Receipt {
  const why = message ?? 'the other side could not be looked into';
  return {
    ...receipt,
    message: `${why}; it was not told again, since it may have been told before: to tell it anew all the same, reconcile runs replay ${runId}`,
  };
}

/** Whoever reads the files may have removed them when the import failed: what is told again must be there again, byte for byte. */
async function putBack({ work, storage, folder, runId, signal }: DeliverInput): Promise<void> {
  for (const part of work.parts ?? []) {
    if ((await storage.stat(part.key))?.bytes === part.bytes) continue;
    if (!(await isInSpool(folder, part, true))) {
      throw new AppError({
        code: 'RC4041',
        message: `\`${storage.address(part.key)}\` is not there any more, and its bytes are not kept: the other side was not told again`,
        hint: `build and deliver it again: reconcile runs replay ${runId}, or export now: reconcile run`,
      });
    }
    await publishFile(storage, folder, { ...part, replace: true }, runId, signal);
    await verifyFile(storage, folder, part);
  }
}

/** What an answer means for the run: a failed import fails it, an unknown one does not (contract section 6). */
export function importEnd(receipt: Receipt | undefined, runId: string): { readonly status: Run['import']; readonly failed: AppError | undefined } {
  if (receipt === undefined) return { status: undefined, failed: undefined };
  const status = {
    status: receipt.status,
    ...(receipt.message === undefined ? {} : { message: receipt.message }),
    ...(receipt.rows === undefined ? {} : { rows: receipt.rows }),
  };
  const failed =
    receipt.status === 'import-failed'
      ? new AppError({
          code: 'RC4014',
          message: `the files were delivered, but their import failed${receipt.message === undefined ? '' : `: ${receipt.message}`}`,
          hint: `correct it on the other side, then: reconcile runs retry ${runId}`,
        })
      : undefined;
  return { status, failed };
}

function batchOf({ job, runId, work, storage, folder }: DeliverInput): DeliveredBatch {
  const parts = work.parts ?? [];
  return {
    runId,
    activation: job.activation,
    segment: job.segment,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    files: parts.map(({ key, file, rows, bytes, sha256 }) => ({
      path: key,
      address: storage.address(key),
      rows,
      bytes,
      sha256,
      open: async () => {
        const path = join(folder, file);
        return existsSync(path) ? createReadStream(path) : storage.read(key);
      },
    })),
    columns: work.columns ?? [],
  };
}
