import type { Kind, Metadata, ResourceKey } from '../../model/resource.ts';
import { resourceKey } from '../../model/resource.ts';
import { brokenState } from '../state-errors.ts';
import type { RecordedResource } from '../state-store.ts';
import type { Reader } from './connection.ts';
import type { StateTables } from './tables.ts';

export type ResourceRow = StateTables['resource'];

/** All resources, in the order of kind and name. `place` is for messages. */
export async function readResources(db: Reader, place: string): Promise<Map<ResourceKey, RecordedResource>> {
  const rows = await db.selectFrom('resource').selectAll().orderBy('kind').orderBy('name').execute();
  return new Map(rows.map((row) => [resourceKey(row.kind as Kind, row.name), fromResourceRow(row, place)]));
}

/** The digests of all resources. */
export async function readDigests(db: Reader): Promise<Map<ResourceKey, string>> {
  const rows = await db.selectFrom('resource').select(['kind', 'name', 'digest']).execute();
  return new Map(rows.map(({ kind, name, digest }) => [resourceKey(kind as Kind, name), digest]));
}

/** The spec is parsed when somebody looks at it: a plan over thousands of unchanged resources compares digests only. */
export function fromResourceRow(row: ResourceRow, place: string): RecordedResource {
  const parsed: { metadata?: Metadata; spec?: unknown; fingerprints?: Readonly<Record<string, string>> } = {};
  return {
    kind: row.kind as Kind,
    get metadata() {
      return (parsed.metadata ??= parseCell<Metadata>(row, 'metadata', place));
    },
    get spec() {
      return (parsed.spec ??= parseCell<unknown>(row, 'spec', place));
    },
    get fingerprints() {
      return (parsed.fingerprints ??= parseCell<Readonly<Record<string, string>>>(row, 'fingerprints', place));
    },
    digest: row.digest,
    version: row.version,
    source: { file: row.source_file, line: row.source_line },
    appliedAt: row.applied_at,
    ...(row.git_commit === null ? {} : { commit: row.git_commit }),
    ...(row.active_from === null ? {} : { activeFrom: row.active_from }),
    ...(typeof row.first_applied_at === 'number' ? { firstAppliedAt: row.first_applied_at } : {}),
    ...(typeof row.segments_from === 'string' ? { segmentsFrom: parseCell<Readonly<Record<string, number>>>(row, 'segments_from', place) } : {}),
  };
}

export function toResourceRow(resource: Omit<RecordedResource, 'version'>, version: number): ResourceRow {
  return {
    kind: resource.kind,
    name: resource.metadata.name,
    metadata: JSON.stringify(resource.metadata),
    spec: JSON.stringify(resource.spec),
    digest: resource.digest,
    version,
    source_file: resource.source.file,
    source_line: resource.source.line,
    applied_at: resource.appliedAt,
    git_commit: resource.commit ?? null,
    fingerprints: JSON.stringify(resource.fingerprints),
    active_from: resource.activeFrom ?? null,
    first_applied_at: resource.firstAppliedAt ?? null,
    segments_from: resource.segmentsFrom === undefined ? null : JSON.stringify(resource.segmentsFrom),
  };
}

function parseCell<T>(row: ResourceRow, column: 'metadata' | 'spec' | 'fingerprints' | 'segments_from', place: string): T {
  try {
    return JSON.parse(row[column] ?? 'null') as T;
  } catch (error) {
    throw brokenState(place, `the ${column} recorded for ${row.kind}/${row.name} is damaged`, error);
  }
}
