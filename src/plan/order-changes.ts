import type { Change } from '../model/plan.ts';
import { KINDS, resourceKey, type Kind, type ResourceKey } from '../model/resource.ts';

const RANK: Readonly<Record<Kind, number>> = Object.fromEntries(KINDS.map((kind, index) => [kind, index])) as Record<Kind, number>;

/** Names what a resource refers to, as it will be or, of a deletion, as it was. */
export type ReferencesOfChange = (change: Change) => readonly ResourceKey[];

/**
 * The order of execution: creates and updates after what they refer to, then deletes before what they referred to. By kind, within a kind along
 * references, else by name; the same changes always come in the same order.
 */
export function orderChanges(changes: readonly Change[], references: ReferencesOfChange): readonly Change[] {
  const puts = changes.filter(({ action }) => action !== 'delete');
  const deletes = changes.filter(({ action }) => action === 'delete');
  return [...sortAlong(puts, references), ...sortAlong(deletes, references).toReversed()];
}

function sortAlong(changes: readonly Change[], references: ReferencesOfChange): readonly Change[] {
  const byName = changes.toSorted((a, b) => RANK[a.kind] - RANK[b.kind] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const byKey = new Map(byName.map((change) => [keyOf(change), change]));
  const placed = new Set<ResourceKey>();
  const ordered: Change[] = [];
  // Depth first with a stack of its own: a chain of segments may be longer than the call stack.
  for (const first of byName) {
    const stack: { readonly change: Change; readonly rest: ResourceKey[] }[] = [];
    const enter = (change: Change): void => {
      if (placed.has(keyOf(change))) return;
      placed.add(keyOf(change));
      // Other kinds are in order by rank already.
      const rest = references(change).filter((key) => byKey.get(key)?.kind === change.kind);
      stack.push({ change, rest: rest.toReversed() });
    };
    enter(first);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.pop();
      const change = next === undefined ? undefined : byKey.get(next);
      if (change !== undefined) enter(change);
      else if (next === undefined) ordered.push((stack.pop() ?? top).change);
    }
  }
  return ordered;
}

export function keyOf(change: { readonly kind: Kind; readonly name: string }): ResourceKey {
  return resourceKey(change.kind, change.name);
}
