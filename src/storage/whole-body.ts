import { Readable } from 'node:stream';
import { StorageError } from './storage-error.ts';

export interface WholeBodyOptions {
  /** Announced by the store; undefined when it does not say. */
  readonly bytes: number | undefined;
  readonly place: string;
  readonly classify: (error: unknown) => StorageError;
}

/** A download's bytes as a stream that fails when its connection breaks or it ends before its announced length: never a short result. */
export function wholeBody(body: AsyncIterable<unknown>, options: WholeBodyOptions): Readable {
  return Readable.from(checked(body, options), { objectMode: false, highWaterMark: 1 << 20 });
}

async function* checked(body: AsyncIterable<unknown>, { bytes, place, classify }: WholeBodyOptions): AsyncGenerator<Buffer> {
  let got = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      got += chunk.length;
      yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  } catch (error) {
    throw classify(error);
  }
  if (bytes !== undefined && got !== bytes) {
    throw new StorageError('transient', `cannot read \`${place}\`: the answer ended after ${got} of ${bytes} bytes`, { hint: 'the connection broke' });
  }
}
