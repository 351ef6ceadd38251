/** How a file is written. Compression of text files is not the engine's work, only that inside Parquet is. */
export type FileFormat =
  | {
      readonly type: 'csv';
      readonly delimiter: string;
      /** Empty: values are never quoted. */
      readonly quote: string;
      readonly escape: string;
      readonly header: boolean;
      readonly quoteAll: boolean;
      readonly nullValue: string;
      readonly lineEnding: 'LF' | 'CRLF';
      /** strftime formats. */
      readonly dateFormat: string;
      readonly timestampFormat: string;
    }
  | { readonly type: 'json'; readonly array: boolean; readonly dateFormat: string; readonly timestampFormat: string }
  /** The query gives one text column that holds finished lines; they are written as they are, with these texts before, between and after them (after each one, without a `prefix`). */
  | { readonly type: 'lines'; readonly prefix: string; readonly separator: string; readonly suffix: string }
  | {
      readonly type: 'parquet';
      readonly compression: 'snappy' | 'gzip' | 'zstd';
      /** Rows that a writer keeps in memory per thread before it writes them; the engine's own measure when absent. */
      readonly rowGroupRows?: number;
    };

/** The format of files that only we read and that are gone with the run: selections, staged rows. */
export const SCRATCH_FORMAT: FileFormat = { type: 'parquet', compression: 'snappy', rowGroupRows: 40_960 };
/** The format of files that only we read and that stay: snapshots. */
export const INTERNAL_FORMAT: FileFormat = { type: 'parquet', compression: 'zstd' };
