import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { AppError } from '../../model/app-error.ts';
import { printSql } from '../../sql/print-sql.ts';
import type { Sql } from '../../sql/sql.ts';
import type { Cell } from '../engine.ts';
import { OutOfMemoryError } from '../out-of-memory.ts';
import { makeSpillFolder } from './spill-folder.ts';
import { describeUnreadable } from './unreadable-data.ts';

export interface DatabaseOptions {
  /** Within it the engine spills when memory is short, in a folder of its own; made when missing. Never `/tmp`: that may be memory itself. */
  readonly temporaryFolder: string;
  /** Of the engine's own buffers; the process needs about 100 MB more. */
  readonly memoryLimitMb: number;
  /** As much as a statement that writes many columns may have, so that more than one thread writes. */
  readonly wideMemoryMb?: number;
  /** As much as a statement may have that ran out of `memoryLimitMb`: lists of events are kept in memory, none of them goes to disk. */
  readonly mostMemoryMb?: number;
  readonly threads?: number;
  /** Absolute; paths in errors are told relative to it. */
  readonly project?: string;
}

/** From this size of the process on, memory that the last statement left is worth giving back. */
const LARGE_BYTES = 256 << 20;
const GIVE_BACK_MS = 1000;

/** An in-memory DuckDB with bounded memory: nothing is fetched from the network, times are UTC. */
export class Database implements AsyncDisposable {
  readonly #connection: DuckDBConnection;
  /** Beside a statement that runs. */
  readonly #second: DuckDBConnection;
  /** Its own; what is in it goes with the database. */
  readonly folder: string;
  readonly #close: () => Promise<void>;
  readonly #options: DatabaseOptions;
  #memoryLimitMb: number;
  #giving: Promise<void> | undefined;
  #givesUp = false;

  private constructor(
    [connection, second]: readonly [DuckDBConnection, DuckDBConnection],
    folder: string,
    options: DatabaseOptions,
    close: () => Promise<void>,
  ) {
    this.#connection = connection;
    this.#second = second;
    this.folder = folder;
    this.#options = options;
    this.#memoryLimitMb = options.memoryLimitMb;
    this.#close = close;
  }

  static async open(options: DatabaseOptions): Promise<Database> {
    return (await Database.begin(options)).opened;
  }

  /** Resolves as soon as the engine opens on a thread of its own, beside which the caller can go on. */
  static async begin(options: DatabaseOptions): Promise<{ readonly opened: Promise<Database> }> {
    const spill = await makeFolder(options.temporaryFolder);
    const { DuckDBInstance } = await import('./library.ts');
    const creating = DuckDBInstance.create(':memory:', {
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      memory_limit: `${options.memoryLimitMb}MB`,
      threads: String(options.threads ?? availableParallelism()),
      temp_directory: spill,
      // The system caches files already; a second copy grows with the source and makes nothing faster.
      enable_external_file_cache: 'false',
    });
    return { opened: Database.#finish(creating, spill, options) };
  }

  static async #finish(creating: Promise<DuckDBInstance>, spill: string, options: DatabaseOptions): Promise<Database> {
    const instance = await creating;
    const connection = await instance.connect();
    const second = await instance.connect();
    await connection.run("set TimeZone = 'UTC'");
    // A file's footer is read for each view and statement over it otherwise, about 5 ms each for fifty million events.
    await connection.run('set parquet_metadata_cache = true');
    return new Database([connection, second], spill, options, async () => {
      connection.closeSync();
      second.closeSync();
      instance.closeSync();
      // One that cannot be removed is found by the next process.
      await rm(spill, { recursive: true, force: true }).catch(() => undefined);
    });
  }

  async run(statement: Sql, signal?: AbortSignal): Promise<void> {
    await this.#guard(signal, async (text) => void (await this.#connection.run(text)), statement);
  }

  /** Runs a COPY of so many columns and answers with the count of its rows. `onAgain`: it starts from the beginning, and so does its file. */
  async copy(statement: Sql, columns: number, signal?: AbortSignal, onAgain?: () => void): Promise<number> {
    const before = this.#memoryLimitMb;
    const mb = memoryForColumns(columns, this.#options);
    if (mb > before) await this.#limitTo(mb);
    try {
      return await this.#givingBack(() => this.#guard(signal, async (text) => Number((await this.#connection.run(text)).rowsChanged), statement, onAgain));
    } finally {
      if (mb > before) await this.#limitTo(before);
    }
  }

  async rows(statement: Sql, signal?: AbortSignal): Promise<readonly Readonly<Record<string, Cell>>[]> {
    return this.#guard(
      signal,
      async (text) => {
        const reader = await this.#connection.runAndReadAll(text);
        return reader.getRowObjectsJS().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toCell(value)])));
      },
      statement,
    );
  }

  /** Does something with less of the engine's memory than there might be; with all of it when that is too little. */
  async withMemory<T>(mb: number, work: () => Promise<T>): Promise<T> {
    const before = this.#memoryLimitMb;
    if (mb >= before) return work();
    try {
      await this.#limitTo(mb);
      return await this.#givingBack(work);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'RC2004') throw error;
    } finally {
      await this.#limitTo(before);
    }
    return work();
  }

  /** Does something that is not to be done in the slow way when all memory there is does not suffice: there is a better one. */
  async givingUp<T>(work: () => Promise<T>): Promise<T> {
    this.#givesUp = true;
    try {
      return await work();
    } finally {
      this.#givesUp = false;
    }
  }

  /** Refused when more is in use, or by an engine that has broken down, which the work has reported then: neither is a reason to stop. */
  async #limitTo(mb: number): Promise<void> {
    this.#memoryLimitMb = mb;
    await this.#connection.run(limitOf(mb)).catch(() => undefined);
  }

  /** Rows that the running statement has gone through, or undefined when the engine does not tell. */
  progress(): { readonly percentage: number; readonly rows: number } | undefined {
    const { percentage, rows_processed } = this.#connection.progress;
    return percentage < 0 ? undefined : { percentage, rows: Number(rows_processed) };
  }

  async #givingBack<T>(work: () => Promise<T>): Promise<T> {
    await this.#giveBack();
    const timer = setInterval(() => void this.#giveBack(), GIVE_BACK_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await this.#giving;
    }
  }

  /**
   * What a statement has freed stays with the C library's allocator, in pieces that the next statement cannot use: without this, a run of several
   * large statements grows with each, and a long one with its rows. Saying the limit again makes the engine trim the allocator, which nothing else does
   * in this library.
   */
  async #giveBack(): Promise<void> {
    if (process.memoryUsage.rss() <= LARGE_BYTES) return;
    // Refused while a statement needs all of its memory: then nothing is there to be given back.
    this.#giving ??= this.#second
      .run(limitOf(this.#memoryLimitMb))
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => (this.#giving = undefined));
    await this.#giving;
  }

  async #guard<T>(signal: AbortSignal | undefined, work: (text: string) => Promise<T>, statement: Sql, onAgain?: () => void): Promise<T> {
    if (wasAborted(signal)) throw interrupted();
    const interrupt = (): void => this.#connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    const text = printSql(statement, 'duckdb');
    try {
      return await work(text).catch((error: unknown) =>
        this.#withMoreMemory(error, signal, () => {
          onAgain?.();
          return work(text);
        }),
      );
    } catch (error) {
      throw wasAborted(signal) ? interrupted() : translate(error, this.#options.project);
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  /**
   * Once more what ran out of memory: with more where there is more to be had, and at last by one thread, with joins that go to disk at once: the engine
   * keeps a table that just fits, and has nothing left for the rest of the statement. What was given less than usual on purpose is the caller's affair.
   */
  async #withMoreMemory<T>(error: unknown, signal: AbortSignal | undefined, again: () => Promise<T>): Promise<T> {
    const before = this.#memoryLimitMb;
    const { memoryLimitMb, mostMemoryMb = memoryLimitMb, threads = availableParallelism() } = this.#options;
    const mayTryAgain = (cause: unknown): boolean => isOutOfMemory(cause) && !wasAborted(signal);
    if (before < memoryLimitMb || !mayTryAgain(error)) throw error;
    try {
      if (before < mostMemoryMb) {
        await this.#limitTo(mostMemoryMb);
        try {
          return await again();
        } catch (cause) {
          if (this.#givesUp || !mayTryAgain(cause)) throw cause;
        }
      } else if (this.#givesUp) throw error;
      await this.#connection.run('set threads = 1; set debug_force_external = true');
      return await again();
    } finally {
      await this.#limitTo(before);
      // After a failure that broke the database this one would only hide it.
      await this.#connection.run(`set threads = ${threads}; reset debug_force_external`).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/**
 * The writer starts a thread for each 4 MiB per column that it gets of a quarter of the engine's memory, and one in any case: with too little, exports of
 * many columns take twice the time. As many threads as there is memory for.
 */
function memoryForColumns(columns: number, { memoryLimitMb, wideMemoryMb = memoryLimitMb, threads = availableParallelism() }: DatabaseOptions): number {
  const perThreadMb = (4 * 4 * columns * (1 << 20)) / 1e6;
  const more = Math.min(threads - 1, Math.floor(wideMemoryMb / perThreadMb));
  return Math.max(memoryLimitMb, Math.ceil(more * perThreadMb));
}

function limitOf(mb: number): string {
  return `set memory_limit = '${mb}MB'`;
}

function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return String(value);
}

function wasAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function interrupted(): AppError {
  return new AppError({ code: 'RC2005', message: 'the query was interrupted', hint: 'start the command again; nothing half done is visible' });
}

function outOfRange(what: string, cause: Error): AppError {
  return new AppError({
    code: 'RC2008',
    message: `a rule's arithmetic left the range of its numbers: ${what}`,
    hint: 'compute with doubles, `1e0 * amount`, or leave such values out by a condition of their own',
    cause,
  });
}

/** DuckDB tells of a disk that it may not fill further as of memory. */
const DISK_IS_FULL = /max_temp_directory_size|No space left/i;

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Out of Memory Error');
}

/** What a user can fix is told apart by DuckDB's own class of error; anything else stays a bug of ours. */
function translate(error: unknown, project: string | undefined): unknown {
  if (!(error instanceof Error)) return error;
  const [first = ''] = error.message.split('\n');
  const tooWide =
    /^Conversion Error: Casting value .* to type (DECIMAL\(\d+,\d+\)) failed: value is out of range/.exec(first)?.[1] ??
    /^Conversion Error: Type U?INT\d+ with value .* out of range for the destination type (INT64)/.exec(first)?.[1];
  if (tooWide !== undefined) return outOfRange(`a number does not fit ${tooWide}`, error);
  const unreadable = describeUnreadable(error, project);
  if (unreadable !== undefined) return unreadable;
  // The numbers themselves are somebody's data.
  if (first.startsWith('Out of Range Error')) return outOfRange(first.replace(/^Out of Range Error: /, '').replace(/ ?\(.*$/, ''), error);
  if (/^Invalid Input Error: (invalid|missing|bad|unexpected|trailing|no argument for|pattern too large)/.test(first)) {
    return new AppError({
      code: 'RC1214',
      message: `the engine refuses a pattern of \`matches\` or \`regexGroup\`: ${first.replace(/^Invalid Input Error: /, '')}`,
      hint: 'write it shorter, with fewer repetitions',
      cause: error,
    });
  }
  if (isOutOfMemory(error)) {
    if (!DISK_IS_FULL.test(error.message)) return new OutOfMemoryError(error);
    return new AppError({
      code: 'RC2004',
      message: 'the engine has no disk left for what does not fit in memory',
      hint: 'free disk space where `.reconcile` is, or raise RECONCILE_MEMORY_MB',
      cause: error,
    });
  }
  const gone = /^IO Error: No files found that match the pattern "(.+)"/.exec(first)?.[1];
  if (gone !== undefined) {
    return new AppError({
      code: 'RC2001',
      message: `the file \`${project === undefined ? gone : relative(project, gone)}\` is gone`,
      hint: gone.includes('/snapshots/')
        ? 'it says who was delivered, and belongs to the state: put it back from the same backup as the state; `reconcile state doctor` tells what else is missing. Without one, delete the activation and apply it again: its next export is everybody'
        : 'put it there again, then run again',
      cause: error,
    });
  }
  if (/^(IO Error|Permission Error|HTTP Error)/.test(first)) {
    const space = /No space left/i.test(error.message);
    const plain = first.replace(/^[A-Za-z ]+ Error: /, '');
    return new AppError({
      code: space ? 'RC2004' : 'RC2003',
      message: `the engine could not read or write a file: ${project === undefined ? plain : plain.replaceAll(`${project}/`, '')}`,
      hint: space ? 'free disk space' : 'check the file and its permissions',
      cause: error,
    });
  }
  if (first.startsWith('INTERRUPT Error')) return interrupted();
  return error;
}

async function makeFolder(folder: string): Promise<string> {
  try {
    return await makeSpillFolder(folder);
  } catch (error) {
    const { code = 'unknown error', message } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new AppError({
      code: full ? 'RC2004' : 'RC2003',
      message: `the engine cannot make its folder \`${folder}\`: ${full ? 'the disk is full' : code === 'ENOTDIR' || code === 'EEXIST' ? 'a part of the path is a file, not a folder' : message}`,
      hint: full ? 'free disk space' : 'move what is in the way, or give the user that runs reconcile the right to write there',
      cause: error,
    });
  }
}
