/** Counts what is on its way to a server, and lets a sender wait until there is room or something failed. */
export class WriteWindow {
  readonly #maxWrites: number;
  readonly #maxBytes: () => number;
  readonly #acknowledged: (bytes: number) => void;
  #writes = 0;
  #bytes = 0;
  #failure: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(maxWrites: number, maxBytes: () => number, acknowledged: (bytes: number) => void) {
    this.#maxWrites = maxWrites;
    this.#maxBytes = maxBytes;
    this.#acknowledged = acknowledged;
  }

  /** Resolves once another write may go; throws the first failure. */
  async room(): Promise<void> {
    while (!this.#failure && (this.#writes >= this.#maxWrites || this.#bytes >= this.#maxBytes())) await this.#change();
    if (this.#failure) throw this.#failure.reason;
  }

  add(bytes: number, write: Promise<void>): void {
    this.#writes += 1;
    this.#bytes += bytes;
    void this.#follow(bytes, write);
  }

  /** Resolves when everything is acknowledged; throws the first failure at once. */
  async drained(): Promise<void> {
    while (!this.#failure && this.#writes > 0) await this.#change();
    if (this.#failure) throw this.#failure.reason;
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake?.();
  }

  async #follow(bytes: number, write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#writes -= 1;
    this.#bytes -= bytes;
    this.#acknowledged(bytes);
    this.#wake?.();
  }

  #change(): Promise<void> {
    return new Promise((go) => {
      this.#wake = go;
    });
  }
}
