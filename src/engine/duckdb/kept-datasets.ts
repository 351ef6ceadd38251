import { join } from 'node:path';
import { AppError } from '../../model/app-error.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import { SCRATCH_FORMAT } from '../file-format.ts';
import { copyStatement } from './copy-statement.ts';
import type { Database } from './database.ts';
import type { DatasetFiles } from './dataset-files.ts';
import type { DescribedDataset } from './described-dataset.ts';

/** Text below this is read again in less time than a copy of it takes to be made and opened. */
const WORTH_KEEPING = 4 << 20;
/** What a byte of a compressed file is, about, when it is unpacked. */
const UNPACKED = 4;

export interface KeepDeps {
  readonly database: () => Promise<Database>;
  /** Makes a folder that goes with the engine. */
  readonly folder: () => Promise<string>;
  readonly describe: (name: string, needed: readonly string[]) => Promise<DescribedDataset>;
  /** Names the state that a dataset's files are in now. */
  readonly fingerprint: (name: string) => Promise<string>;
  readonly signal: AbortSignal | undefined;
}

interface Kept {
  readonly fingerprint: string;
  readonly columns: ReadonlySet<string>;
  readonly relation: Sql;
}

/**
 * Copies of datasets of text (CSV, JSON) that several jobs read: parsing is what such a scan costs, and twenty segments would pay for it twenty times. A copy
 * holds the text as it stands, column by column, of all that those jobs need, in the order of the source; it is made when the first of them opens its source.
 */
export class KeptDatasets {
  readonly #deps: KeepDeps;
  readonly #shared = new Map<string, Set<string>>();
  readonly #kept = new Map<string, Kept>();

  constructor(deps: KeepDeps) {
    this.#deps = deps;
  }

  /** Several jobs to come read these columns, each of them some. */
  share(dataset: string, columns: readonly string[]): void {
    this.#shared.set(dataset, new Set([...(this.#shared.get(dataset) ?? []), ...columns]));
  }

  /** What to read a dataset's columns from, after `from`. */
  async relationOf(dataset: DescribedDataset, needed: readonly string[]): Promise<Sql> {
    const { name, files, text, relation } = dataset;
    const shared = this.#shared.get(name);
    if (shared === undefined || !text || sizeOf(files) < WORTH_KEEPING) return relation;
    let kept = this.#kept.get(name);
    if (kept?.fingerprint !== files.fingerprint) {
      kept = await this.#keep(dataset, [...shared, ...needed]);
      this.#kept.set(name, kept);
    }
    return needed.every((column) => kept.columns.has(column)) ? kept.relation : relation;
  }

  async #keep({ name, files, relation }: DescribedDataset, wanted: readonly string[]): Promise<Kept> {
    const { database, folder, describe, fingerprint, signal } = this.#deps;
    const none = { fingerprint: files.fingerprint, columns: new Set<string>(), relation };
    const source = await describe(name, wanted);
    const columns = [...new Set(wanted)].filter((column) => source.columns.has(column));
    const path = join(await folder(), 'kept.parquet');
    const query = sql`select ${joinSql(
      columns.map((column) => ident(column)),
      ', ',
    )} from ${source.relation}`;
    try {
      await (await database()).copy(copyStatement({ query, path, format: SCRATCH_FORMAT }), columns.length, signal);
    } catch (error) {
      // It was to save time only: without room for it each job reads the files themselves.
      if (error instanceof AppError && error.code === 'RC2004') return none;
      throw error;
    }
    // Made while the files were written it is a copy of no state at all.
    if ((await fingerprint(name)) !== files.fingerprint) return none;
    return { fingerprint: files.fingerprint, columns: new Set(columns), relation: sql`read_parquet(${literal(path)}, hive_partitioning => false)` };
  }
}

function sizeOf({ bytes, paths }: DatasetFiles): number {
  return paths.some((path) => /\.(gz|zst)$/i.test(path)) ? bytes * UNPACKED : bytes;
}
