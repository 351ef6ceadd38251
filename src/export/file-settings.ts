import type { FileSpec } from '../model/generated/kinds.ts';
import type { FileFormat } from '../engine/file-format.ts';
import { strftimeOf } from './strftime.ts';

/** A FileSpec with every default filled in (contract section 6, "Files"). */
export interface FileSettings {
  readonly format: 'csv' | 'json' | 'parquet';
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly maxRows: number;
  readonly checksums: boolean;
  readonly manifest: boolean;
  readonly sort: boolean;
  readonly jsonArray: boolean;
  readonly csv: {
    readonly delimiter: string;
    readonly quote: string;
    readonly escape: string;
    readonly nullValue: string;
    /** Undefined: two quotes, or nothing when values are never quoted. */
    readonly emptyValue: string | undefined;
    readonly header: boolean;
    readonly quoteAll: boolean;
    readonly dateFormat: string;
    readonly timestampFormat: string;
    readonly lineEnding: 'LF' | 'CRLF';
  };
  /** Line breaks inside values become spaces, and are counted (Campaign). */
  readonly spacesForLineBreaks: boolean;
}

/** Most rows of a file; more is refused by `validate` (activation-rules 2.6). */
const MAX_FILE_ROWS = 5_000_000;
const DATE = '%Y-%m-%d';
const TIMESTAMP = '%Y-%m-%dT%H:%M:%SZ';

export function fileSettings(spec: FileSpec | undefined, spacesForLineBreaks: boolean): FileSettings {
  const csv = spec?.csv;
  return {
    format: spec?.format ?? 'csv',
    compression: spec?.compression ?? 'none',
    maxRows: spec?.maxRows ?? MAX_FILE_ROWS,
    checksums: spec?.checksums === true,
    manifest: spec?.manifest === true,
    sort: spec?.sort === true,
    jsonArray: spec?.json?.array === true,
    csv: {
      delimiter: csv?.delimiter ?? ',',
      quote: csv?.quote ?? '"',
      escape: csv?.escape ?? '"',
      nullValue: csv?.nullValue ?? '',
      emptyValue: csv?.emptyValue,
      header: csv?.header !== false,
      quoteAll: csv?.quoteAll === true,
      dateFormat: csv?.dateFormat === undefined ? DATE : strftimeOf(csv.dateFormat),
      timestampFormat: csv?.timestampFormat === undefined ? TIMESTAMP : strftimeOf(csv.timestampFormat),
      lineEnding: csv?.lineEnding ?? 'LF',
    },
    spacesForLineBreaks,
  };
}

/** What the engine's writer is told. `lines`: the query gives finished lines of text (see `row-text.ts`), below this header. */
export function engineFormat(settings: FileSettings, lines: { readonly header: string } | undefined): FileFormat {
  const { csv } = settings;
  if (settings.format === 'parquet') return { type: 'parquet', compression: settings.compression === 'none' ? 'snappy' : settings.compression };
  if (lines !== undefined && settings.format === 'csv') {
    const end = csv.lineEnding === 'CRLF' ? '\r\n' : '\n';
    return { type: 'lines', prefix: csv.header ? `${lines.header}${end}` : '', separator: end, suffix: end };
  }
  if (lines !== undefined)
    return settings.jsonArray
      ? { type: 'lines', prefix: '[\n', separator: ',\n', suffix: '\n]\n' }
      : { type: 'lines', prefix: '', separator: '\n', suffix: '' };
  if (settings.format === 'json') return { type: 'json', array: settings.jsonArray, dateFormat: DATE, timestampFormat: TIMESTAMP };
  return {
    type: 'csv',
    delimiter: csv.delimiter,
    quote: csv.quote,
    escape: csv.escape,
    header: csv.header,
    quoteAll: csv.quoteAll,
    nullValue: csv.nullValue,
    lineEnding: csv.lineEnding,
    dateFormat: csv.dateFormat,
    timestampFormat: csv.timestampFormat,
  };
}

/** What a file without rows holds, where the engine's writer would not write it so: nothing but the header, or an empty array. */
export function emptyFile(settings: FileSettings, format: FileFormat): string | undefined {
  if (settings.format === 'json') return settings.jsonArray ? '[]\n' : '';
  return format.type === 'lines' ? format.prefix : undefined;
}
