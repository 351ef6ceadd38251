import { DAY_MS, type Instant } from '../model/instant.ts';
import { parseFileNameTemplate, type NamePart } from './file-name-template.ts';

/** Bytes of a name that common file systems take, and Campaign's limit in characters (activation-rules 2.5). */
export const MAX_FILE_NAME_LENGTH = 255;
/** Room that is kept for the number of a part: `_99999`. */
const LONGEST_PART_SUFFIX = '_99999';
/** The last of ten digits, in the year 2286. */
const LAST_TIMESTAMP_MS = 9_999_999_999_000;

export interface FileNaming {
  /** `file.name` of the activation. */
  readonly template: string;
  /** Names of the manifests. */
  readonly destination: string;
  readonly segment: string;
  /** The segment's title; its name stands for a missing one. */
  readonly segmentTitle: string | undefined;
  readonly format: 'csv' | 'json' | 'parquet';
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** The destination's files are encrypted: `.pgp` comes last. */
  readonly encrypted: boolean;
}

export interface FileNameRequest extends FileNaming {
  /** What time tokens show, in UTC: the slot; without one `--now`, else the start of the run (contract sections 2 and 6). */
  readonly instant: Instant;
  /** From 1; the first part has no suffix, the second `_2` (activation-rules 2.6). */
  readonly part?: number;
}

/** The name of a part of an export, its extension included. Throws `TypeError` for a template that `checkFileName` would have refused. */
export function renderFileName({ instant, part = 1, ...naming }: FileNameRequest): string {
  const stem = partsOf(naming.template)
    .map((one) => renderPart(one, naming, instant))
    .join('');
  return `${stem}${part > 1 ? `_${part}` : ''}${fileExtension(naming)}`;
}

/** What the name is but for its time: equal patterns are the same file names at the same instant. */
export function fileNamePattern(naming: FileNaming): string {
  const stem = partsOf(naming.template)
    .map((one) => (one.type === 'timestamp' ? one.text : one.type === 'datetime' ? one.text.replaceAll('dd', 'DD') : renderPart(one, naming, 0)))
    .join('');
  return `${stem}${fileExtension(naming)}`;
}

/** The longest that a name can get, in UTF-8 bytes: with the number of a late part. */
export function longestFileNameBytes(naming: FileNaming): number {
  return Buffer.byteLength(renderFileName({ ...naming, instant: LAST_TIMESTAMP_MS })) + LONGEST_PART_SUFFIX.length;
}

/** True when the name holds no time: each export replaces the one before. */
export function isStaticName(template: string): boolean {
  return !partsOf(template).some(({ type }) => type === 'datetime' || type === 'timestamp');
}

/** How far apart slots have to be for their names to differ: by what stands for the time, a name lasts for a day, a month, a year, or for ever. Hours suffice. */
export function nameLastsMs(template: string): number {
  if (isStaticName(template)) return Infinity;
  const parts = partsOf(template);
  if (parts.some(({ type }) => type === 'timestamp')) return 0;
  const letters = new Set(parts.flatMap((part) => (part.type === 'datetime' ? part.format.map((piece) => ('letters' in piece ? piece.letters : '')) : [])));
  if (letters.has('dd') || letters.has('DD')) return letters.has('HH') ? 0 : DAY_MS;
  if (letters.has('MM')) return 28 * DAY_MS;
  return letters.has('YYYY') ? 365 * DAY_MS : Infinity;
}

/** Parquet is compressed inside, so that it still ends in `.parquet` (activation-rules 2.14). */
export function fileExtension({ format, compression, encrypted }: Pick<FileNaming, 'format' | 'compression' | 'encrypted'>): string {
  const packed = { none: '', gzip: '.gz', zstd: '.zst' }[compression];
  return `${format === 'parquet' ? `${packed}.parquet` : `.${format}${packed}`}${encrypted ? '.pgp' : ''}`;
}

/** SEGMENT_NAME: the title, else the name, with all outside `[A-Za-z0-9._-]` as `_` (contract section 6). */
export function segmentNameToken(segment: string, title: string | undefined): string {
  return (title ?? segment).replaceAll(/[^A-Za-z0-9._-]/gu, '_');
}

function partsOf(template: string): readonly NamePart[] {
  const { parts, problems } = parseFileNameTemplate(template);
  if (problems[0] !== undefined) throw new TypeError(`\`${template}\`: ${problems[0].message}`);
  return parts;
}

function renderPart(part: NamePart, naming: FileNaming, instant: Instant): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'destination':
      return naming.destination;
    case 'segment-id':
      return naming.segment;
    case 'segment-name':
      return segmentNameToken(naming.segment, naming.segmentTitle);
    case 'timestamp':
      return String(Math.floor(instant / 1000));
    case 'datetime': {
      const iso = new Date(instant).toISOString();
      return part.format.map((piece) => ('letters' in piece ? digitsOf(piece.letters, iso) : piece.text)).join('');
    }
  }
}

function digitsOf(letters: string, iso: string): string {
  switch (letters) {
    case 'YYYY':
      return iso.slice(0, 4);
    case 'MM':
      return iso.slice(5, 7);
    case 'HH':
      return iso.slice(11, 13);
    case 'mm':
      return iso.slice(14, 16);
    case 'ss':
      return iso.slice(17, 19);
    default:
      return iso.slice(8, 10);
  }
}
