import type { Readable } from 'node:stream';
import { AppError } from '../../src/model/app-error.ts';

/** Rows of a JSON-lines file, as bytes: they are never parsed here, whatever their number. */
export interface Batch {
  /** Number of its first row in the file, from 1. */
  readonly firstRow: number;
  readonly rows: number;
  /** The rows, one a line, without a final line feed. */
  readonly bytes: Buffer;
}

export interface BatchLimits {
  readonly maxRows: number;
  /** A row that alone is longer makes a batch of its own. */
  readonly maxBytes: number;
}

const LINE_FEED = 0x0a;
/** More is no row of an audience, and would have to be held whole. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;

/** Cuts a stream of JSON lines into batches. Holds one batch and one chunk at a time. */
export async function* readBatches(stream: Readable, limits: BatchLimits): AsyncGenerator<Batch> {
  let held: Buffer = Buffer.alloc(0);
  let firstRow = 1;
  for await (const chunk of stream) {
    held = held.length === 0 ? (chunk as Buffer) : Buffer.concat([held, chunk as Buffer]);
    for (let cut = cutBatch(held, limits, false); cut !== undefined; cut = cutBatch(held, limits, false)) {
      yield { firstRow, rows: cut.rows, bytes: held.subarray(0, cut.end) };
      firstRow += cut.rows;
      held = held.subarray(cut.end + 1);
    }
    if (held.length > limits.maxBytes + MAX_ROW_BYTES) throw tooLong(firstRow);
  }
  for (let cut = cutBatch(held, limits, true); cut !== undefined; cut = cutBatch(held, limits, true)) {
    yield { firstRow, rows: cut.rows, bytes: held.subarray(0, cut.end) };
    firstRow += cut.rows;
    held = held.subarray(Math.min(held.length, cut.end + 1));
  }
}

/** Where the first batch of `bytes` ends (before its line feed); undefined when more bytes could still belong to it. */
function cutBatch(bytes: Buffer, { maxRows, maxBytes }: BatchLimits, last: boolean): { readonly end: number; readonly rows: number } | undefined {
  let end = 0;
  let rows = 0;
  while (rows < maxRows) {
    const from = rows === 0 ? 0 : end + 1;
    const found = bytes.indexOf(LINE_FEED, from);
    const stop = found < 0 ? bytes.length : found;
    if (found < 0 && (!last || from >= bytes.length)) {
      const full = rows > 0 && (last || bytes.length > maxBytes);
      return full ? { end, rows } : undefined;
    }
    if (rows > 0 && stop > maxBytes) return { end, rows };
    end = stop;
    rows += 1;
    if (found < 0) break;
  }
  return { end, rows };
}

function tooLong(row: number): AppError {
  return new AppError({
    code: 'RC6108',
    message: `row ${row} of the file is longer than ${MAX_ROW_BYTES / 2 ** 20} MiB: no endpoint takes that`,
    hint: 'take the attribute with the long values out of the mapping',
  });
}

/** The two halves of a batch of at least two rows. */
export function halveBatch({ firstRow, rows, bytes }: Batch): readonly [Batch, Batch] {
  const half = rows >> 1;
  let at = -1;
  for (let row = 0; row < half; row += 1) at = bytes.indexOf(LINE_FEED, at + 1);
  return [
    { firstRow, rows: half, bytes: bytes.subarray(0, at) },
    { firstRow: firstRow + half, rows: rows - half, bytes: bytes.subarray(at + 1) },
  ];
}
