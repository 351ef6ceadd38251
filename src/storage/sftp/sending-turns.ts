/** Two files together keep a server's processes and disk busy; more only take the processors' caches from each other. */
const AT_A_TIME = 2;
const PATIENCE_MS = 1000;

/**
 * Lets large files be sent by twos. All at once they would arrive at the same time, and the server would write all of them to its disk while nothing is
 * sent; so it writes two while it receives the next two. A slow line carries more the more files share it: who has waited for a second starts as well.
 */
export class SendingTurns {
  readonly #waiting = new Set<() => void>();
  #sending = 0;

  /** Resolves when the turn has come, or when there is no point in waiting any longer, aborted ones included. Disposing of it ends the turn. */
  async take(signal: AbortSignal | undefined): Promise<Disposable> {
    if (this.#sending >= AT_A_TIME) await this.#wait(signal);
    this.#sending += 1;
    return {
      [Symbol.dispose]: () => {
        this.#sending -= 1;
        const [next] = this.#waiting;
        if (this.#sending < AT_A_TIME) next?.();
      },
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((done) => {
      const go = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', go);
        this.#waiting.delete(go);
        done();
      };
      const timer = setTimeout(go, PATIENCE_MS);
      signal?.addEventListener('abort', go, { once: true });
      this.#waiting.add(go);
    });
  }
}
