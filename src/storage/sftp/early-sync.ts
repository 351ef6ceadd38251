import { statusOf, type SftpSession } from './sftp-session.ts';

const EVERY_BYTES = 16 * 2 ** 20;

/**
 * Has the server write to its disk what has arrived so far, while the rest is still on its way: the sync at the end, which decides, is short then. A
 * second channel of the same connection does it, since the first one would take no data meanwhile. Where the server opens none, nothing is lost.
 */
export class EarlySync implements AsyncDisposable {
  readonly #channel: SftpSession;
  readonly #handle: Buffer;
  #synced = 0;
  #running: Promise<void> | undefined;
  #failure: unknown;

  private constructor(channel: SftpSession, handle: Buffer) {
    this.#channel = channel;
    this.#handle = handle;
  }

  /** Undefined for a file that is too small to matter, and where the server does not take part. */
  static async start(session: SftpSession, path: string, bytes: number): Promise<EarlySync | undefined> {
    if (bytes < EVERY_BYTES || !session.offers('fsync@openssh.com')) return undefined;
    const channel = await session.openChannel().catch(() => undefined);
    const handle = await channel?.openExisting(path, 'r+').catch(() => undefined);
    if (channel && handle) return new EarlySync(channel, handle);
    channel?.endChannel();
    return undefined;
  }

  /** So many bytes have arrived. */
  reached(bytes: number): void {
    if (this.#running || bytes - this.#synced < EVERY_BYTES) return;
    this.#synced = bytes;
    this.#running = this.#sync();
  }

  /** Resolves when no sync is running any more; throws the server's answer to one that failed: its system may tell of a broken disk only once. */
  async settled(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
    await this.#channel.close(this.#handle).catch(() => {});
    this.#channel.endChannel();
  }

  async #sync(): Promise<void> {
    await this.#channel.sync(this.#handle).catch((error: unknown) => {
      // A channel that ended says nothing of the disk.
      if (statusOf(error) !== undefined) this.#failure ??= error;
    });
    this.#running = undefined;
  }
}
