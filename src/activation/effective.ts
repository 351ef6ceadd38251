import type { DestinationCard } from '../model/destination-card.ts';
import type {
  ActivationGuardsSpec,
  ActivationSegmentSpec,
  ActivationSpec,
  CsvWriteSpec,
  ExportModeSpec,
  FileSpec,
  JsonWriteSpec,
  ScheduleOverrideSpec,
  ScheduleSpec,
} from '../model/generated/kinds.ts';
import { resolveMapping, type ResolvedColumn } from './resolve-mapping.ts';

const DEFAULT_FILE_NAME = '%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%';
/** Most rows of one file, and the default (activation-rules 2.6). */
const MAX_FILE_ROWS = 5_000_000;

/** What a file is, every default filled in. Still a legal `FileSpec`. */
export interface EffectiveFile extends FileSpec {
  readonly name: string;
  readonly format: 'csv' | 'json' | 'parquet';
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** `emptyValue` is absent when nobody says it: two quotes, or nothing where values are never quoted. */
  readonly csv: Required<Omit<CsvWriteSpec, 'emptyValue'>> & Pick<CsvWriteSpec, 'emptyValue'>;
  readonly json: { readonly array: boolean };
  readonly maxRows: number;
  readonly checksums: boolean;
  readonly manifest: boolean;
  readonly sort: boolean;
}

/** The settings of one segment of an activation. */
export interface EffectiveSegment {
  readonly name: string;
  /** Its place in `spec.segments`. */
  readonly index: number;
  /** Its own overrides; empty for a bare name. */
  readonly override: Omit<ActivationSegmentSpec, 'name'>;
  readonly mode: ExportModeSpec;
  /** Undefined: it runs on command only. */
  readonly schedule: ScheduleSpec | undefined;
  readonly file: EffectiveFile;
}

export interface EffectiveActivation {
  readonly name: string;
  readonly destination: string;
  readonly segments: readonly EffectiveSegment[];
  /** The columns in file order, the status column that a card adds included. */
  readonly mapping: readonly ResolvedColumn[];
  readonly missed: 'latest' | 'skip' | 'all';
  readonly guards: ActivationGuardsSpec & { readonly maxRemovedPercent: number; readonly minMembers: number };
  readonly suspend: boolean;
}

/**
 * What an Activation's manifest means: overrides of each segment merged key by key, then the defaults of contract section 2, then what the
 * destination's card fixes. Without a card (none is known yet) nothing of a card applies. Total: what the rules forbid is merged as it stands,
 * `checkActivation` tells it.
 */
export function effectiveActivation(name: string, spec: ActivationSpec, card?: DestinationCard): EffectiveActivation {
  return {
    name,
    destination: spec.destination,
    segments: spec.segments.map((entry, index) => effectiveSegment(spec, typeof entry === 'string' ? { name: entry } : entry, index, card)),
    mapping: resolveMapping(spec.mapping, card),
    missed: spec.missed ?? 'latest',
    guards: { ...spec.guards, maxRemovedPercent: spec.guards?.maxRemovedPercent ?? 50, minMembers: spec.guards?.minMembers ?? 0 },
    suspend: spec.suspend === true,
  };
}

function effectiveSegment(
  spec: ActivationSpec,
  { name, ...override }: ActivationSegmentSpec,
  index: number,
  card: DestinationCard | undefined,
): EffectiveSegment {
  return {
    name,
    index,
    override,
    mode: override.export ?? spec.export ?? 'full',
    schedule: mergeSchedule(spec.schedule, override.schedule),
    file: effectiveFile([card?.file?.defaults, spec.file, override.file, card?.file?.fixed], card),
  };
}

/** Later settings win, key by key, also inside `csv` and `json`. */
function effectiveFile(layers: readonly (FileSpec | undefined)[], card: DestinationCard | undefined): EffectiveFile {
  const merged: FileSpec = Object.assign({}, ...layers);
  const csv: CsvWriteSpec = Object.assign({}, ...layers.map((layer) => layer?.csv));
  const json: JsonWriteSpec = Object.assign({}, ...layers.map((layer) => layer?.json));
  return {
    name: merged.name ?? DEFAULT_FILE_NAME,
    format: merged.format ?? 'csv',
    compression: merged.compression ?? 'none',
    csv: {
      delimiter: ',',
      quote: '"',
      escape: '"',
      nullValue: '',
      header: true,
      quoteAll: false,
      dateFormat: 'YYYY-MM-DD',
      timestampFormat: 'YYYY-MM-DDTHH:mm:ssZ',
      lineEnding: 'LF',
      encoding: 'UTF-8',
      ...csv,
    },
    json: { array: json.array === true },
    maxRows: merged.maxRows ?? Math.min(MAX_FILE_ROWS, card?.limits?.rowsPerFile?.value ?? MAX_FILE_ROWS),
    checksums: merged.checksums === true,
    manifest: merged.manifest === true,
    sort: merged.sort === true,
  };
}

const SCHEDULE_KINDS = ['every', 'once', 'cron', 'after'] as const;

/**
 * An override's keys replace the activation's one by one; naming another of `every`, `once`, `cron`, `after` replaces the whole. What results may
 * hold keys that do not go together (`end` on a `once`): a rule tells it.
 */
function mergeSchedule(schedule: ScheduleSpec | undefined, override: ScheduleOverrideSpec | undefined): ScheduleSpec | undefined {
  if (override === undefined) return schedule;
  const kind = SCHEDULE_KINDS.find((key) => override[key] !== undefined);
  const replaces = schedule === undefined || (kind !== undefined && !(kind in schedule));
  return { ...(replaces ? {} : schedule), ...override } as ScheduleSpec;
}
