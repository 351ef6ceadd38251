import type { Batch } from './read-batches.ts';

export type BodyShape = 'array' | 'object' | 'lines';

export interface EncodedBatch {
  readonly type: string;
  readonly body: Buffer;
}

const LINE_FEED = 0x0a;
const COMMA = 0x2c;

/** A batch as a request's body. JSON lines hold no line feed inside a row, so an array is the same bytes with commas between. */
export function encodeBatch(batch: Batch, shape: BodyShape, about: Readonly<Record<string, string>>): EncodedBatch {
  if (shape === 'lines') return { type: 'application/x-ndjson', body: Buffer.concat([batch.bytes, Buffer.from('\n')]) };
  const rows = Buffer.from(batch.bytes);
  for (let at = rows.indexOf(LINE_FEED); at >= 0; at = rows.indexOf(LINE_FEED, at + 1)) rows[at] = COMMA;
  const [before, after] = shape === 'array' ? ['[', ']'] : [`${JSON.stringify(about).slice(0, -1)},"rows":[`, ']}'];
  return { type: 'application/json', body: Buffer.concat([Buffer.from(before), rows, Buffer.from(after)]) };
}
