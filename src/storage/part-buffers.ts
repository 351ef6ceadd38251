import { Gate } from './gate.ts';

/**
 * The memory of uploads in parts: so many buffers of one size, over all files of a storage, used again and again. Fresh ones for every part would lie
 * around until the garbage collector comes by, several times what is needed.
 */
export class PartBuffers {
  readonly #gate: Gate;
  readonly #size: number;
  readonly #free: Buffer[] = [];

  constructor(count: number, size: number) {
    this.#gate = new Gate(count);
    this.#size = size;
  }

  /** Waits for a buffer of exactly `bytes` and lends it to `work`. After a failure it is not lent again: a request that was given up may still read it. */
  use<T>(bytes: number, work: (buffer: Buffer) => Promise<T>): Promise<T> {
    return this.#gate.use(async () => {
      if (bytes > this.#size) return work(Buffer.allocUnsafeSlow(bytes));
      const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
      const result = await work(whole.subarray(0, bytes));
      this.#free.push(whole);
      return result;
    });
  }
}
