import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';

/** What SFTP servers answer (draft-ietf-secsh-filexfer); OpenSSH says `failure` for everything that has no code of its own, a full disk too. */
export const SftpStatus = { eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, unsupported: 8, noSpace: 14, quota: 15 } as const;

export interface DiskSpace {
  readonly freeBytes: number;
  readonly freeFiles: number;
  readonly readOnly: boolean;
}

/** Thrown for all outstanding calls when the connection goes away; `cause` says why where that is known. */
export class ConnectionLost extends Error {
  constructor(cause?: unknown) {
    super('the connection broke', { cause });
    this.name = 'ConnectionLost';
  }
}

type Done<T> = (error: Error | null | undefined, value: T) => void;
const READ_ONLY_FLAG = 1;
const OPEN_NEW = 'wx';

/** One logged-in connection with its SFTP channel, as promises. Every call ends: with the server's answer, or `ConnectionLost`. */
export class SftpSession {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: ConnectionLost | undefined;
  #fastestMs = Infinity;
  readonly #onLost = (error?: unknown): void => this.#lose(error);
  /** `OpenSSH_9.2p1 …`, as the server names itself. */
  readonly software: string;
  /** The channel's largest write that goes out in one message, in bytes. */
  readonly maxWriteBytes: number;

  constructor(client: Client, sftp: SFTPWrapper) {
    this.#client = client;
    this.#sftp = sftp;
    this.software = privateOf(client)._remoteVer ?? '';
    this.maxWriteBytes = privateOf(sftp)._maxWriteLen ?? 32_768;
    client.on('error', this.#onLost);
    client.on('close', this.#onLost);
    sftp.on('error', (error: Error) => this.#lose(error));
    sftp.on('close', () => this.#lose(undefined));
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  /** The shortest time in which the server has answered. */
  get fastestMs(): number {
    return this.#fastestMs;
  }

  /** True when the server offers an extension, e.g. `posix-rename@openssh.com`. */
  offers(extension: string): boolean {
    return privateOf(this.#sftp)._extensions?.[extension] !== undefined;
  }

  openNew(path: string): Promise<Buffer> {
    return this.#call((done) => this.#sftp.open(path, OPEN_NEW, done));
  }
  openExisting(path: string, flags: 'r' | 'r+' | 'w'): Promise<Buffer> {
    return this.#call((done) => this.#sftp.open(path, flags, done));
  }
  close(handle: Buffer): Promise<void> {
    return this.#call((done) => this.#sftp.close(handle, (error) => done(error, undefined)));
  }
  write(handle: Buffer, data: Buffer, position: number): Promise<void> {
    return this.#call((done) => this.#sftp.write(handle, data, 0, data.length, position, (error) => done(error, undefined)));
  }
  /** Up to `length` bytes; fewer, or none at the end of the file. */
  read(handle: Buffer, position: number, length: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(length);
    return this.#call((done) => this.#sftp.read(handle, into, 0, length, position, (error, bytes) => done(error, into.subarray(0, bytes))));
  }
  fstat(handle: Buffer): Promise<Stats> {
    return this.#call((done) => this.#sftp.fstat(handle, done));
  }
  chmodHandle(handle: Buffer, mode: number): Promise<void> {
    return this.#call((done) => this.#sftp.fchmod(handle, mode, (error) => done(error, undefined)));
  }
  chmod(path: string, mode: number): Promise<void> {
    return this.#call((done) => this.#sftp.chmod(path, mode, (error) => done(error, undefined)));
  }
  sync(handle: Buffer): Promise<void> {
    return this.#call((done) => this.#sftp.ext_openssh_fsync(handle, (error) => done(error, undefined)));
  }
  stat(path: string): Promise<Stats> {
    return this.#call((done) => this.#sftp.stat(path, done));
  }
  lstat(path: string): Promise<Stats> {
    return this.#call((done) => this.#sftp.lstat(path, done));
  }
  /** Fails when `to` exists (SFTP version 3). */
  rename(from: string, to: string): Promise<void> {
    return this.#call((done) => this.#sftp.rename(from, to, (error) => done(error, undefined)));
  }
  /** Replaces `to` atomically; an extension of OpenSSH that most servers have. */
  renameOver(from: string, to: string): Promise<void> {
    return this.#call((done) => this.#sftp.ext_openssh_rename(from, to, (error) => done(error, undefined)));
  }
  unlink(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.unlink(path, (error) => done(error, undefined)));
  }
  mkdir(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.mkdir(path, (error) => done(error, undefined)));
  }
  readdir(path: string): Promise<FileEntryWithStats[]> {
    return this.#call((done) => this.#sftp.readdir(path, done as Done<FileEntryWithStats[]>));
  }
  /** Undefined where the server does not tell. */
  async diskSpace(path: string): Promise<DiskSpace | undefined> {
    if (!this.offers('statvfs@openssh.com')) return undefined;
    const found = await this.#call<Readonly<Record<string, number>>>((done) => this.#sftp.ext_openssh_statvfs(path, done));
    const { f_bavail: blocks = 0, f_frsize: blockBytes = 0, f_favail: freeFiles = 0, f_flag: flag = 0 } = found;
    return { freeBytes: blocks * blockBytes, freeFiles, readOnly: (flag & READ_ONLY_FLAG) !== 0 };
  }

  /** Another SFTP channel of the same connection, which another process of the server serves. */
  openChannel(): Promise<SftpSession> {
    return this.#call((done) => this.#client.sftp((error, sftp) => (error ? done(error, this) : done(undefined, new SftpSession(this.#client, sftp)))));
  }

  /** Ends this channel alone; the connection and its other channels stay. */
  endChannel(): void {
    this.#lose(undefined);
    // The connection outlives many channels: it must not gather their listeners.
    this.#client.off('error', this.#onLost);
    this.#client.off('close', this.#onLost);
    this.#sftp.end();
  }

  /** Ends the connection without waiting for anything outstanding. */
  end(): void {
    this.#lose(undefined);
    this.#client.end();
    this.#client.destroy();
  }

  #call<T>(send: (done: Done<T>) => void): Promise<T> {
    if (this.#lost) return Promise.reject(this.#lost);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const sent = performance.now();
      send((error, value) => {
        this.#waiting.delete(reject);
        this.#fastestMs = Math.min(this.#fastestMs, performance.now() - sent);
        if (!error) resolve(value);
        else if (statusOf(error) === undefined) reject(new ConnectionLost(error));
        else reject(error);
      });
    });
  }

  #lose(cause: unknown): void {
    this.#lost ??= new ConnectionLost(cause);
    for (const reject of this.#waiting) reject(this.#lost);
    this.#waiting.clear();
  }
}

/** The server's status code; undefined when the error is not an answer of the server. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** ssh2 keeps these to itself; they are stable since 1.0 and absent only in what its types say. */
function privateOf(object: object): { readonly _remoteVer?: string; readonly _maxWriteLen?: number; readonly _extensions?: Readonly<Record<string, string>> } {
  return object;
}
