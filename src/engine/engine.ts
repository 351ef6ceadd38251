import type { DialectName } from '../sql/print-sql.ts';
import type { Sql } from '../sql/sql.ts';
import type { FileFormat } from './file-format.ts';

/** Which attribute and event columns a run reads; only these are looked at and must be there. Paths as PQL and mappings name them. */
export interface ColumnNeed {
  /** Attribute paths, and `identityMap.NAMESPACE` for identities. */
  readonly profile: readonly string[];
  /** Field paths of events; `undefined` when no event is read at all. */
  readonly event: readonly string[] | undefined;
}

/** A column of the relation `profile` or `event` as the engine offers it. */
export interface LogicalColumn {
  readonly name: string;
  /** As declared: string, integer, decimal, decimal(p,s), double, boolean, date, timestamp, array, map, object. */
  readonly type: string;
  /** The column `<name>#text` holds the value as the source writes it (decimals keep their digits). */
  readonly hasText: boolean;
}

/** A value that is not of its declared type. */
export interface BadValue {
  readonly column: string;
  readonly path: string;
  readonly type: string;
  /** How many there are. */
  readonly count: number;
  /** The first one, as it stands in the source, and its row counted from 1 without the header. */
  readonly value: string;
  readonly row: number;
  /**
   * Of an array, a map or an object: where in it `value` stands, such as `[3].price` (nothing: it is the whole), and the type that it should have there, `JSON`
   * when the whole is none. `value` is JSON then, and may be cut.
   */
  readonly inside?: { readonly path: string; readonly type: string };
  readonly of: 'profile' | 'event';
}

/** What was found out about the source in its present state. */
export interface SourceHealth {
  readonly rows: number;
  readonly withoutIdentity: number;
  /** How many primary identities occur more than once, and the first three of them. */
  readonly duplicates: number;
  readonly duplicateExamples: readonly string[];
  readonly badValues: readonly BadValue[];
  /** Undefined when events are not read. */
  readonly events: number | undefined;
}

/** A source whose relations `profile` and `event` can be queried. */
export interface OpenedSource {
  /** Names this very state of the source's data; another state, another text. */
  readonly fingerprint: string;
  readonly columns: ReadonlyMap<string, LogicalColumn>;
  readonly health: SourceHealth;
}

/** Into so many parts profiles are divided at first; a part may be divided further, by a finer hash. */
export const FIRST_PARTS = 64;

/** The `number`th (from 0) of `of` parts: profiles by the hash of their key. `of` is FIRST_PARTS or a multiple of it, and parts `number` + n · FIRST_PARTS come of `number`. */
export interface ProfilePart {
  readonly number: number;
  readonly of: number;
}

export type Cell = string | number | bigint | boolean | null;

export interface WriteRequest {
  readonly query: Sql;
  /** How many columns it has; said of exports, which may have many. */
  readonly columns?: number;
  /** Absolute path; whatever is there is replaced. */
  readonly path: string;
  readonly format: FileFormat;
  readonly signal?: AbortSignal;
  /** Rows written so far, as far as the engine tells; called a few times a second. */
  readonly onProgress?: (rows: number) => void;
  /** The engine writes the file once more from its beginning, because memory was short: what was read of it until then does not count. */
  readonly onAgain?: () => void;
}

export interface RowsOptions {
  /**
   * Joins are made in the order in which they are written, each with its right side as the one that is kept in memory. For a query that knows better than
   * statistics which side is small.
   */
  readonly joinsAsWritten?: boolean;
}

/**
 * Where profiles and events are, for one Attributes resource. The engine evaluates and writes; rows do not pass through JavaScript.
 *
 * `open` makes two relations available to the statements that follow:
 * - `profile`: one row per profile: `#key` (the primary identity in its own type, for joins), `id` (the same as text), one column per needed
 *   attribute path (`attributeColumn`) and per `identityMap.NAMESPACE`;
 *   A column of which `health.badValues` reports something has a companion `<path>#bad`, true on the rows in question;
 * - `event`: `#key`, `timestamp`, `eventType` and the needed fields.
 *
 * All methods throw `AppError`: RC2001 a file is missing, RC2002 a column is missing, RC2003 cannot be read as declared, RC2004 the engine ran out
 * of disk or of memory (`OutOfMemoryError`), RC2005 interrupted, RC2006 a dataset is not declared.
 */
export interface Engine extends AsyncDisposable {
  readonly dialect: DialectName;
  /** May be called again with other needs; costs nothing for what is known already. */
  open(need: ColumnNeed): Promise<OpenedSource>;
  /** Says what several jobs to come read together: files of text are then parsed once for all of them, by the first that is opened. Nothing is read yet. */
  share(needs: readonly ColumnNeed[]): void;
  /**
   * Makes `profile` and `event` hold only this part of what was opened last, until `open` makes them whole again. The first time all parts are written
   * to the engine's own folder, so that each of them is read once. For what does not fit in memory at once.
   */
  openPart(part: ProfilePart): Promise<void>;
  /** Does work whose statements fail early when memory does not suffice, instead of being done in a way that is slow and needs less: the caller has a better one. */
  givingUp<T>(work: () => Promise<T>): Promise<T>;
  /** Makes an empty folder that goes with the engine, or with the next process when this one is killed. */
  scratchFolder(): Promise<string>;
  /** The columns that a dataset has now, whether anything reads them or not; `looked` are those of interest. Opens no row. None: the file is empty. */
  columns(dataset: string, looked: readonly string[]): Promise<readonly string[]>;
  /** The source's state now, to be compared with `OpenedSource.fingerprint`. */
  fingerprint(): Promise<string>;
  /** A small result: counts, samples. Not for exports. */
  rows(query: Sql, signal?: AbortSignal, options?: RowsOptions): Promise<readonly Readonly<Record<string, Cell>>[]>;
  /** Writes the query's rows to a file with the engine's own writer and returns their number. */
  write(request: WriteRequest): Promise<number>;
  /** A relation over Parquet files that `write` made (snapshots, selections), for use after `from`. */
  files(paths: readonly string[]): Sql;
}
