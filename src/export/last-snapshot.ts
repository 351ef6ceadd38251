import { join } from 'node:path';
import { primaryIdentity } from '../engine/profile-model.ts';
import type { RunLedger, SnapshotPointer } from '../state/run-ledger.ts';
import type { ExportPaths } from './deps.ts';
import type { SegmentJob } from './segment-job.ts';

type PlaceOfMembers = Pick<SegmentJob, 'target' | 'endpoint' | 'attributes'>;
type JobOfMembers = Pick<SegmentJob, 'activation' | 'segment'> & PlaceOfMembers;

/** Where members were delivered, and the namespace whose ids they are known by: an id of another one may be somebody else's. */
export function snapshotTarget({ target, endpoint, attributes }: PlaceOfMembers): string {
  return [target, primaryIdentity(attributes).namespace, ...(endpoint === undefined ? [] : [endpoint])].join(' ');
}

/** Members as they are delivered at last: files for everybody that were made for an address that was wrong go to the right one. */
export function deliveredTo(pointer: SnapshotPointer, { endpoint }: Pick<SegmentJob, 'endpoint'>): SnapshotPointer {
  const [target, namespace] = pointer.target.split(' ');
  return endpoint === undefined || namespace === undefined ? pointer : { ...pointer, target: [target, namespace, endpoint].join(' ') };
}

/** The members last delivered, as far as they can be compared with those of now; undefined: the next incremental export is everybody. */
export async function lastPointer(ledger: Pick<RunLedger, 'snapshot'>, job: JobOfMembers): Promise<SnapshotPointer | undefined> {
  const pointer = await ledger.snapshot(job.activation, job.segment);
  return pointer !== undefined && isComparable(pointer, job) ? pointer : undefined;
}

/** The same, with the absolute path of their file. */
export async function lastSnapshot(
  { ledger, paths }: { readonly ledger: Pick<RunLedger, 'snapshot'>; readonly paths: Pick<ExportPaths, 'state'> },
  job: JobOfMembers,
): Promise<{ readonly pointer: SnapshotPointer; readonly path: string } | undefined> {
  const pointer = await lastPointer(ledger, job);
  return pointer === undefined ? undefined : { pointer, path: join(paths.state, pointer.path) };
}

/** Why there is nobody to compare with though members have been delivered before: the plan has to say why everybody is new. */
export async function whyStartedOver(ledger: Pick<RunLedger, 'snapshot'>, job: JobOfMembers): Promise<string | undefined> {
  const pointer = await ledger.snapshot(job.activation, job.segment);
  if (pointer === undefined || isComparable(pointer, job)) return undefined;
  const { namespace } = primaryIdentity(job.attributes);
  const [place, before] = pointer.target.split(' ');
  if (place === job.target && before === namespace) return 'they were delivered to another endpoint than `connection.url` is now';
  return place === job.target && before !== undefined
    ? `the primary identity is \`${namespace}\` now, and they were delivered by \`${before}\``
    : 'they were delivered to another place than the destination has now';
}

/** Before endpoints were kept, and namespaces, there are the others alone. */
export function isComparable(pointer: SnapshotPointer, job: PlaceOfMembers): boolean {
  return [snapshotTarget(job), snapshotTarget({ ...job, endpoint: undefined }), job.target].includes(pointer.target);
}
