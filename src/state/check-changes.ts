import { KINDS, resourceKey, type ResourceKey } from '../model/resource.ts';
import type { RecordedState, StateChange } from './state-store.ts';

/**
 * Checks before a commit what must hold after it, whatever the caller did wrong: one change per key, names that a key can hold, relative places.
 * Throws a plain error: a wrong change is a bug of ours, and nothing of it is written.
 */
export function checkChanges(changes: readonly StateChange[], recorded: RecordedState): void {
  const seen = new Set<ResourceKey>();
  for (const change of changes) {
    if (change.type === 'environment') continue;
    if (change.type === 'restore') {
      if (changes.length > 1) throw new Error('a restore is the only change of its commit');
      if (change.serial < 1 || change.lineage === '') throw new Error('a restored state has a lineage and a serial');
      for (const resource of change.resources) checkKey(resourceKey(resource.kind, resource.metadata.name), seen);
      continue;
    }
    const key = change.type === 'put' ? resourceKey(change.resource.kind, change.resource.metadata.name) : change.key;
    checkKey(key, seen);
    if (change.type !== 'put') continue;
    const { source, digest, appliedAt } = change.resource;
    if (/^(?:[/\\~]|[A-Za-z]:)/.test(source.file)) throw new Error(`the place of \`${key}\` is not relative to the project`);
    if (digest === '' || !Number.isSafeInteger(appliedAt)) throw new Error(`\`${key}\` has no digest or no time`);
    const version = recorded.resources.get(key)?.version;
    if (version !== undefined && !Number.isSafeInteger(version + 1)) throw new Error(`the version of \`${key}\` cannot rise`);
  }
}

function checkKey(key: ResourceKey, seen: Set<ResourceKey>): void {
  const [kind = '', name = '', ...rest] = key.split('/');
  if (!(KINDS as readonly string[]).includes(kind) || name === '' || rest.length > 0) throw new Error(`\`${key}\` is no key of a resource`);
  if (seen.has(key)) throw new Error(`one commit changes \`${key}\` twice`);
  seen.add(key);
}
