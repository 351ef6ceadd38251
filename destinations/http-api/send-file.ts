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
  /** Called for every row that was refused, in order. Throws to stop. */
  readonly onRejected: (row: { readonly path: string; readonly row: number }) => void;
}

/** Sends a file's rows, batch after batch, and returns how many were accepted. A refused batch is cut in halves until the refused rows are alone. */
export async function sendFile(stream: Readable, file: FileToSend): Promise<number> {
  let accepted = 0;
  for await (const batch of readBatches(stream, file.limits)) accepted += await sendBatch(batch, file);
  return accepted;
}

async function sendBatch(batch: Batch, file: FileToSend): Promise<number> {
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
  if (answer === 'accepted') return batch.rows;
  if (batch.rows === 1) {
    file.onRejected({ path, row: batch.firstRow });
    return 0;
  }
  const [first, second] = halveBatch(batch);
  return (await sendBatch(first, file)) + (await sendBatch(second, file));
}
