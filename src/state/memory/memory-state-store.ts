import { randomBytes, randomUUID } from 'node:crypto';
import { resourceKey, type ResourceKey } from '../../model/resource.ts';
import { checkChanges } from '../check-changes.ts';
import { countPrunable } from '../prunable-journal.ts';
import { notEmptyState } from '../state-errors.ts';
import type { JournalEntry, RecordedResource, RecordedState, StateChange, StateGeneration, StateStore } from '../state-store.ts';
import { createMemoryLeases } from './memory-lease.ts';

interface MemoryStateStore {
  readonly store: StateStore;
  readonly facts: () => { readonly resources: number; readonly generations: number; readonly journalEntries: number };
}

/** What is applied, in maps that are replaced and never changed: a reader's state stays as it was read. */
export function createMemoryStateStore(clock: () => number): MemoryStateStore {
  const leases = createMemoryLeases(clock);
  const generations: { readonly generation: StateGeneration; readonly state: RecordedState }[] = [];
  const journal: JournalEntry[] = [];
  let state: RecordedState = { lineage: undefined, serial: 0, environment: undefined, resources: new Map() };
  let key: string | undefined;

  const remember = (next: RecordedState, applyId: string | undefined, changes: StateGeneration['changes']): void => {
    const begin = journal.find((entry) => entry.type === 'begin' && entry.applyId === applyId);
    const actor = begin?.type === 'begin' ? begin.actor : '';
    generations.unshift({ generation: { serial: next.serial, at: clock(), actor, applyId, changes }, state: next });
    state = next;
  };

  const store: StateStore = {
    read: async () => state,

    async digests() {
      const { resources, ...meta } = state;
      return { ...meta, digests: new Map([...resources].map(([key, { digest }]) => [key, digest])) };
    },

    lease: (owner, options) => leases.take(owner, options),

    async commit(lease, changes, entries) {
      leases.check(lease.epoch);
      checkChanges(changes, state);
      const restore = changes.find((change) => change.type === 'restore');
      if (restore !== undefined && state.lineage !== undefined) throw notEmptyState('memory');
      journal.push(...structuredClone(entries));
      key ??= randomBytes(32).toString('hex');
      if (restore !== undefined) {
        const restored = restoredState(restore);
        const made = [...restored.resources.keys()].map((one) => ({ key: one, action: 'create' as const }));
        remember(restored, entries[0]?.applyId, made);
        return state;
      }
      if (changes.length === 0) return state;
      const { next, log } = changedState(state, changes);
      remember(next, entries[0]?.applyId, log);
      return state;
    },

    async pruneJournal({ before, dryRun = false }) {
      const count = countPrunable(journal, before);
      if (!dryRun) journal.splice(0, count);
      return count;
    },

    async unfinished() {
      const ended = new Set(journal.filter(({ type }) => type === 'end').map(({ applyId }) => applyId));
      const begun = new Set(journal.filter(({ type }) => type === 'begin').map(({ applyId }) => applyId));
      return journal.filter(({ applyId }) => begun.has(applyId) && !ended.has(applyId));
    },

    history: async (limit) => generations.slice(0, limit).map(({ generation }) => generation),

    async at(serial) {
      const found = generations.find(({ generation }) => generation.serial === serial);
      return found === undefined ? undefined : { ...found.state, environment: state.environment };
    },

    unlock: async (force) => leases.unlock(force),

    fingerprintKey: async () => key,

    async [Symbol.asyncDispose]() {},
  };
  return { store, facts: () => ({ resources: state.resources.size, generations: generations.length, journalEntries: journal.length }) };
}

function changedState(before: RecordedState, changes: readonly StateChange[]): { readonly next: RecordedState; readonly log: StateGeneration['changes'] } {
  const resources = new Map(before.resources);
  const log: StateGeneration['changes'][number][] = [];
  let { environment } = before;
  for (const change of changes) {
    if (change.type === 'environment') environment = change.environment;
    else if (change.type === 'delete') {
      if (resources.delete(change.key)) log.push({ key: change.key, action: 'delete' });
    } else if (change.type === 'put') {
      const key = resourceKey(change.resource.kind, change.resource.metadata.name);
      const version = (before.resources.get(key)?.version ?? 0) + 1;
      resources.set(key, asRecorded({ ...change.resource, version }));
      log.push({ key, action: version === 1 ? 'create' : 'update' });
    }
  }
  return { next: { lineage: before.lineage ?? randomUUID(), serial: before.serial + 1, environment, resources }, log };
}

function restoredState({ lineage, serial, environment, resources }: Extract<StateChange, { readonly type: 'restore' }>): RecordedState {
  const entries = resources.map((resource): [ResourceKey, RecordedResource] => [
    resourceKey(resource.kind, resource.metadata.name),
    asRecorded({ ...resource, fingerprints: {} }),
  ]);
  return { lineage, serial, environment, resources: new Map(entries) };
}

/** As a database would give it back: JSON, and nobody's object. */
function asRecorded(resource: RecordedResource): RecordedResource {
  return JSON.parse(JSON.stringify(resource)) as RecordedResource;
}
