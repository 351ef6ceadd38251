import type { Readable } from 'node:stream';
import { encodeBatch, type BodyShape } from './encode-batch.ts';
import { halveBatch, readBatches, type Batch, type BatchLimits } from './read-batches.ts';
import { sendRequest, type SendRequest } from './send-request.ts';

export interface FileToSend extends Pick<SendRequest, 'endpoint' | 'clock' | 'sleep' | 'log' | 'signal'> {
  readonly limits: BatchLimits;
  readonly shape: BodyShape;
  readonly runId: string;
  readonly segment: string;
  /** The file's path at the storage: part of each batch's key, and what a rejected row is reported by. */
  readonly path: string;
  /** Called for every batch that was taken: what comes later may end the whole, and these rows are there all the same. */
  readonly onAccepted: (rows: number) => void;
  /** Called for every row that was refused, in order. Throws to stop. */
  readonly onRejected: (row: { readonly path: string; readonly row: number }) => void;
}

/** Sends a file's rows, batch after batch. A refused batch is cut in halves until the refused rows are alone. */
export async function sendFile(stream: Readable, file: FileToSend): Promise<void> {
  for await (const batch of readBatches(stream, file.limits)) await sendBatch(batch, file);
}

async function sendBatch(batch: Batch, file: FileToSend): Promise<void> {
  const { endpoint, clock, sleep, log, signal, runId, segment, path } = file;
  const { type, body } = encodeBatch(batch, file.shape, { runId, segment, file: path });
  const answer = await sendRequest({
    endpoint,
    clock,
    sleep,
    log,
    signal,
    type,
    body,
    idempotencyKey: `${runId}/${path}/${batch.firstRow}-${batch.firstRow + batch.rows - 1}`,
  });
  if (answer === 'accepted') file.onAccepted(batch.rows);
  else if (batch.rows === 1) file.onRejected({ path, row: batch.firstRow });
  else for (const half of halveBatch(batch)) await sendBatch(half, file);
}
