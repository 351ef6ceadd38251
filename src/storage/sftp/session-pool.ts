import type { SftpSession } from './sftp-session.ts';

/**
 * Connections, made when wanted and kept for the next use: each file has its own while it goes up, so that several use several cores of the server
 * and a broken one takes only its own file with it.
 */
export class SessionPool implements AsyncDisposable {
  readonly #connect: (signal: AbortSignal) => Promise<SftpSession>;
  readonly #keep: number;
  readonly #idle: SftpSession[] = [];
  readonly #busy = new Set<SftpSession>();
  readonly #closing = new AbortController();

  constructor(connect: (signal: AbortSignal) => Promise<SftpSession>, keep: number) {
    this.#connect = connect;
    this.#keep = keep;
  }

  async use<T>(work: (session: SftpSession) => Promise<T>): Promise<T> {
    const session = await this.take();
    try {
      return await work(session);
    } finally {
      this.give(session);
    }
  }

  async take(): Promise<SftpSession> {
    if (this.#closing.signal.aborted) throw new Error('the storage is closed');
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (!session.alive) continue;
      this.#busy.add(session);
      return session;
    }
    const session = await this.#connect(this.#closing.signal);
    this.#busy.add(session);
    return session;
  }

  give(session: SftpSession): void {
    this.#busy.delete(session);
    if (session.alive && !this.#closing.signal.aborted && this.#idle.length < this.#keep) this.#idle.push(session);
    else session.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const session of [...this.#idle.splice(0), ...this.#busy]) session.end();
  }
}
