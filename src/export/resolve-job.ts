import { effectiveActivation, type EffectiveSegment } from '../activation/effective.ts';
import { renderFileName } from '../activation/file-name.ts';
import { renderFolder } from '../activation/folder-path.ts';
import { AppError } from '../model/app-error.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ActivationSpec, AttributesSpec, DestinationSpec, SegmentSpec, SourceSpec, StorageSpec } from '../model/generated/kinds.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { ProfileModel } from '../engine/profile-model.ts';
import { digestOf } from '../support/digest.ts';
import { nearest } from '../support/nearest.ts';
import { compileAudience, compileExpressions } from './compile-job.ts';
import type { AppliedResources } from './deps.ts';
import { findApplied } from './find-applied.ts';
import { fileSettings } from './file-settings.ts';
import type { AllowOnce } from './guards.ts';
import type { SegmentJob } from './segment-job.ts';

export interface ResolveRequest {
  readonly resources: AppliedResources;
  readonly activation: string;
  /** All of the activation's when undefined. */
  readonly segments?: readonly string[] | undefined;
  readonly slot: Instant | null;
  /** What `now` means without a slot. */
  readonly now: Instant;
  /** Guards that this run may pass. */
  readonly allow?: AllowOnce | undefined;
}

export interface ResolvedJob {
  readonly job: SegmentJob;
  readonly settings: EffectiveSegment;
  readonly model: ProfileModel;
  /** The destination's storage, its path's tokens resolved. */
  readonly storage: StorageSpec;
}

/** Settles everything about an activation's exports that needs no data: settings, names, compiled segments. */
export function resolveJobs(request: ResolveRequest, cardOf: (type: string) => DestinationCard | undefined): readonly ResolvedJob[] {
  const { resources, activation, slot, now } = request;
  const { spec } = findApplied<ActivationSpec>(resources, 'Activation', activation);
  const destination = findApplied<DestinationSpec>(resources, 'Destination', spec.destination).spec;
  const card = cardOf(destination.type);
  const effective = effectiveActivation(activation, spec, card);
  const time = slot ?? now;
  const chosen = chooseSegments(effective.segments, request.segments, activation);
  // Some types keep what they send in a place of their own (http-api).
  const storageSpec = destination.storage ?? card?.storage.default;
  if (storageSpec === undefined)
    throw new AppError({
      code: 'RC4016',
      message: `the Destination \`${spec.destination}\` has no storage`,
      hint:
        card === undefined
          ? `the card of its type \`${destination.type}\` is missing or does not hold: reconcile validate`
          : 'declare `storage` in its manifest and apply',
    });
  const mapping = effective.mapping.map(({ entry, target }) => ({ entry, target }));
  return chosen.map((settings) => {
    const segment = findApplied<SegmentSpec>(resources, 'Segment', settings.name);
    const attributesName = segment.spec.attributes;
    const attributes = findApplied<AttributesSpec>(resources, 'Attributes', attributesName).spec;
    const source = findApplied<SourceSpec>(resources, 'Source', attributes.source).spec;
    const { compiled, join, rows, paths } = compileExpressions(resources, attributesName, mapping, time);
    const storage = resolveStoragePath(storageSpec, settings.name, segment.metadata.title);
    const naming = {
      destination: spec.destination,
      segment: settings.name,
      segmentTitle: segment.metadata.title,
      template: settings.file.name,
      format: settings.file.format,
      compression: settings.file.compression,
      encrypted: destination.encryption !== undefined,
    };
    const job: SegmentJob = {
      activation,
      segment: settings.name,
      // An export now is full, whatever the schedule's mode (activation-rules 2.4).
      mode: slot === null ? 'full' : settings.mode,
      slot,
      time,
      attributesName,
      attributes,
      destinationName: spec.destination,
      destination,
      audience: compileAudience(resources, settings.name, time),
      mapping,
      expressions: compiled,
      expressionPaths: paths,
      calculated: join,
      calculatedRows: rows,
      file: fileSettings(settings.file, card?.file?.lineBreaksInValues === 'space'),
      guards: effective.guards,
      stages: [],
      partKey: (part) => renderFileName({ ...naming, instant: time, part }),
      folder: '',
      target: targetOf(spec.destination, storage),
      endpoint: endpointOf(destination, card),
      allow: request.allow,
      again: againCommand(activation, settings, slot),
    };
    return { job, settings, storage, model: { name: attributesName, attributes, sourceName: attributes.source, source } };
  });
}

/** Slots that an evaluation fires are on no grid: they are taken up by the run's id. */
function againCommand(activation: string, { name, schedule }: EffectiveSegment, slot: Instant | null): string {
  if (slot !== null && schedule !== undefined && 'after' in schedule) return 'reconcile runs retry RUN';
  return `reconcile run ${activation} --segment ${name}${slot === null ? '' : ` --slot ${formatInstant(slot)}`}`;
}

/** Where files go, as a digest of the destination's name and the storage's place; credentials do not count. */
export function targetOf(destination: string, storage: StorageSpec): string {
  const place = Object.entries(storage).filter(([key]) =>
    ['type', 'path', 'host', 'port', 'bucket', 'prefix', 'endpoint', 'container', 'url', 'region'].includes(key),
  );
  return digestOf([destination, Object.fromEntries(place)]);
}

/**
 * Where rows go that a connector takes itself, as a digest; undefined where the files are what is delivered. Of such a destination the storage is but a place to keep what was sent:
 * behind another address nobody was delivered yet.
 */
export function endpointOf({ connection }: Pick<DestinationSpec, 'connection'>, card: DestinationCard | undefined): string | undefined {
  return card?.storage.default === undefined || connection === undefined ? undefined : digestOf(connection.url);
}

/** `path` and `prefix` may end in %SEGMENT_NAME% or %SEGMENT_ID% (activation-rules 2.5). */
function resolveStoragePath(storage: StorageSpec, segment: string, title: string | undefined): StorageSpec {
  const changed = Object.entries(storage).map(([key, value]) => [
    key,
    (key === 'path' || key === 'prefix') && typeof value === 'string' ? renderFolder(value, segment, title) : value,
  ]);
  return Object.fromEntries(changed) as StorageSpec;
}

function chooseSegments(all: readonly EffectiveSegment[], wanted: readonly string[] | undefined, activation: string): readonly EffectiveSegment[] {
  if (wanted === undefined || wanted.length === 0) return all;
  return [...new Set(wanted)].map((name) => {
    const found = all.find((segment) => segment.name === name);
    if (found !== undefined) return found;
    const near = nearest(
      name,
      all.map((segment) => segment.name),
    );
    throw new AppError({
      code: 'RC4015',
      message: `the activation \`${activation}\` has no segment \`${name}\``,
      hint: near === undefined ? `it has ${all.map((segment) => segment.name).join(', ')}` : `did you mean \`${near}\`?`,
      exit: ExitCode.badUsage,
    });
  });
}
