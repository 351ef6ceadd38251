import { AppError } from '../model/app-error.ts';
import { formatInstant, parseInstant, type Instant } from '../model/instant.ts';
import { KINDS, resourceKey, type Kind, type Metadata } from '../model/resource.ts';
import { digestOf } from '../support/digest.ts';
import type { RecordedResource, RecordedState, StateChange } from './state-store.ts';

/**
 * What is applied, as a file: what a plan needs, and nothing of people. No runs, no members, no actors, no fingerprints and no key of theirs. Equal
 * states give equal texts, so it can be committed and compared.
 */
export interface ExportedState {
  readonly formatVersion: 1;
  readonly lineage: string;
  readonly serial: number;
  readonly environment: string | null;
  readonly resources: readonly ExportedResource[];
  /** SHA-256 of the canonical JSON of everything above. */
  readonly digest: string;
}

interface ExportedResource {
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: unknown;
  readonly digest: string;
  readonly version: number;
  readonly source: { readonly file: string; readonly line: number };
  /** ISO 8601, as all times in a file. */
  readonly appliedAt: string;
  readonly commit?: string;
  readonly activeFrom?: string;
  readonly firstAppliedAt?: string;
  readonly segmentsFrom?: Readonly<Record<string, string>>;
}

/** Undefined while nothing was ever applied. Resources stand in the order of their kinds and names. */
export function exportState(state: RecordedState): ExportedState | undefined {
  if (state.lineage === undefined) return undefined;
  const body: Omit<ExportedState, 'digest'> = {
    formatVersion: 1,
    lineage: state.lineage,
    serial: state.serial,
    environment: state.environment ?? null,
    resources: sortResources(state.resources.values()).map(exportResource),
  };
  return { ...body, digest: digestOf(body) };
}

function exportResource({ kind, metadata, spec, digest, version, source, appliedAt, commit, ...instants }: RecordedResource): ExportedResource {
  const { activeFrom, firstAppliedAt, segmentsFrom } = instants;
  return {
    kind,
    metadata,
    spec,
    digest,
    version,
    source,
    appliedAt: formatInstant(appliedAt),
    ...(commit === undefined ? {} : { commit }),
    ...(activeFrom === undefined ? {} : { activeFrom: formatInstant(activeFrom) }),
    ...(firstAppliedAt === undefined ? {} : { firstAppliedAt: formatInstant(firstAppliedAt) }),
    ...(segmentsFrom === undefined ? {} : { segmentsFrom: mapValues(segmentsFrom, formatInstant) }),
  };
}

/** In the order in which kinds are applied, then by name: the same for everybody. */
export function sortResources(resources: Iterable<RecordedResource>): readonly RecordedResource[] {
  return [...resources].sort((one, other) => KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) || (one.metadata.name < other.metadata.name ? -1 : 1));
}

/** Reads an exported file. Throws RC3008 for anything but a whole one that nobody has changed; `place` names it. */
export function parseExport(text: string, place: string): Extract<StateChange, { readonly type: 'restore' }> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notAnExport(place, `it is not JSON: ${(error as Error).message}`, error);
  }
  if (!isRecord(value)) throw notAnExport(place, 'it is no JSON object');
  const { digest, ...body } = value;
  if (typeof body['formatVersion'] === 'number' && body['formatVersion'] > 1) {
    throw notAnExport(place, `its format is ${body['formatVersion']}, this version knows 1: update audience-reconciler`);
  }
  if (body['formatVersion'] !== 1) throw notAnExport(place, 'it has no `formatVersion`');
  if (digest !== digestOf(body)) throw notAnExport(place, 'it was changed or cut off: its digest differs');
  const { lineage, serial, environment, resources } = body;
  if (typeof lineage !== 'string' || !Number.isSafeInteger(serial) || !Array.isArray(resources)) throw notAnExport(place, 'a field is missing');
  const seen = new Set<string>();
  return {
    type: 'restore',
    lineage,
    serial: serial as number,
    environment: typeof environment === 'string' ? environment : undefined,
    resources: resources.map((one: unknown) => {
      const resource = parseResource(one, place);
      const key = resourceKey(resource.kind, resource.metadata.name);
      if (seen.has(key)) throw notAnExport(place, `\`${key}\` stands in it twice`);
      seen.add(key);
      return resource;
    }),
  };
}

function parseResource(value: unknown, place: string): Omit<RecordedResource, 'fingerprints'> {
  const one = value as ExportedResource;
  const kind = isRecord(value) ? KINDS.find((known) => known === value['kind']) : undefined;
  const name = isRecord(value) && isRecord(value['metadata']) ? value['metadata']['name'] : undefined;
  if (kind === undefined || typeof name !== 'string') throw notAnExport(place, 'a resource has no kind or no name');
  const { metadata, spec, digest, version, source, commit } = one;
  if (digestOf({ metadata, spec }) !== digest) throw notAnExport(place, `the digest of \`${kind}/${name}\` differs`);
  const appliedAt = toInstant(one.appliedAt);
  const activeFrom = one.activeFrom === undefined ? undefined : toInstant(one.activeFrom);
  const firstAppliedAt = one.firstAppliedAt === undefined ? undefined : toInstant(one.firstAppliedAt);
  const segmentsFrom = isRecord(one.segmentsFrom) ? mapValues(one.segmentsFrom, (text) => toInstant(text) ?? Number.NaN) : undefined;
  const isWhole = Number.isSafeInteger(version) && version > 0 && typeof source?.file === 'string' && Number.isSafeInteger(source.line);
  if (!isWhole || appliedAt === undefined || Number.isNaN(activeFrom) || Object.values(segmentsFrom ?? {}).some(Number.isNaN))
    throw notAnExport(place, `\`${kind}/${name}\` is not whole`);
  return {
    kind,
    metadata,
    spec,
    digest,
    version,
    source: { file: source.file, line: source.line },
    appliedAt,
    ...(commit === undefined ? {} : { commit }),
    ...(activeFrom === undefined ? {} : { activeFrom }),
    ...(firstAppliedAt === undefined ? {} : { firstAppliedAt }),
    ...(segmentsFrom === undefined ? {} : { segmentsFrom }),
  };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function toInstant(text: unknown): Instant | undefined {
  return typeof text === 'string' ? parseInstant(text) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notAnExport(place: string, why: string, cause?: unknown): AppError {
  return new AppError({
    code: 'RC3008',
    message: `\`${place}\` is not an exported state: ${why}`,
    hint: 'make it anew where the state is:  reconcile state export --out FILE',
    cause,
  });
}
