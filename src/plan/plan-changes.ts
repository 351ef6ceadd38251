import { formatInstant } from '../model/instant.ts';
import type { Because, Change, ResourceBody } from '../model/plan.ts';
import { resourceKey, type ResourceKey } from '../model/resource.ts';
import { diffResource } from './diff-resource.ts';
import type { DesiredInput, RecordedBase, RecordedInput, SecretVerdict } from './plan-input.ts';
import { haveSameMeaning } from './same-meaning.ts';

export interface ChangesOptions {
  /** What comparing secrets gave; resources without an entry have none, or are not compared. */
  readonly secrets?: ReadonlyMap<ResourceKey, readonly SecretVerdict[]>;
  /** Why, when it is not because somebody edited a file. */
  readonly reason?: Because;
}

export interface FoundChanges {
  /** Not ordered. */
  readonly changes: readonly Change[];
  /** Applied and wanted as they are. */
  readonly unchanged: number;
}

/**
 * What turns the applied resources into the wanted ones. Digests are compared first: only what differs is looked into, so that the cost goes with
 * the number of changes.
 */
export function planChanges(desired: readonly DesiredInput[], recorded: RecordedInput, options: ChangesOptions = {}): FoundChanges {
  const changes: Change[] = [];
  const wanted = new Set<ResourceKey>();
  let unchanged = 0;
  for (const resource of desired) {
    const key = resourceKey(resource.kind, resource.metadata.name);
    wanted.add(key);
    const base = recorded.resources.get(key);
    const change = base === undefined ? createOf(resource, options) : updateOf(resource, base, options.secrets?.get(key) ?? [], options);
    if (change === undefined) unchanged += 1;
    else changes.push(change);
  }
  for (const [key, base] of recorded.resources) {
    if (!wanted.has(key)) changes.push(deleteOf(base, options));
  }
  return { changes, unchanged };
}

function createOf(resource: DesiredInput, { reason }: ChangesOptions): Change {
  const { kind, digest, source } = resource;
  const after = bodyOf(resource);
  return {
    action: 'create',
    kind,
    name: resource.metadata.name,
    source: placeOf(source),
    after,
    digest,
    // Contract section 6: a create's patch is one `add` at the empty path.
    patch: [{ op: 'add', path: '', value: after }],
    because: [reason ?? { rule: 'not-applied' }],
  };
}

function updateOf(resource: DesiredInput, base: RecordedBase, secrets: readonly SecretVerdict[], { reason }: ChangesOptions): Change | undefined {
  const { kind, digest, source } = resource;
  const moved = secrets.filter(({ state }) => state === 'changed');
  // A body is parsed when it is looked at: not those of thousands that have not changed.
  if (digest === base.digest && moved.length === 0) return undefined;
  const before = bodyOf(base);
  const after = bodyOf(resource);
  const edited = digest !== base.digest && !haveSameMeaning(kind, before, after);
  if (!edited && moved.length === 0) return undefined;
  const { patch, fields } = edited ? diffResource(before, after) : { patch: [], fields: [] };
  const appliedAt = formatInstant(base.appliedAt);
  const because: Because[] = moved.map(({ path }) => ({ rule: 'secret-changed', path, appliedAt }));
  if (edited) {
    const commit = base.commit === undefined ? {} : { commit: base.commit };
    because.unshift(reason ?? { rule: 'edited', paths: [...new Set(fields.map(({ path }) => path))], appliedAt, ...commit });
  }
  return {
    action: 'update',
    kind,
    name: resource.metadata.name,
    source: placeOf(source),
    before,
    base: { version: base.version, digest: base.digest },
    after: edited ? after : before,
    digest: edited ? digest : base.digest,
    patch,
    because,
  };
}

function deleteOf(base: RecordedBase, { reason }: ChangesOptions): Change {
  const commit = base.commit === undefined ? {} : { commit: base.commit };
  return {
    action: 'delete',
    kind: base.kind,
    name: base.metadata.name,
    source: placeOf(base.source),
    before: bodyOf(base),
    base: { version: base.version, digest: base.digest },
    patch: [{ op: 'remove', path: '' }],
    because: [reason ?? { rule: 'not-declared', appliedAt: formatInstant(base.appliedAt), ...commit }],
  };
}

function bodyOf({ metadata, spec }: ResourceBody): ResourceBody {
  return { metadata, spec };
}

function placeOf({ file, line }: { readonly file: string; readonly line: number }): { readonly file: string; readonly line: number } {
  return { file, line };
}
