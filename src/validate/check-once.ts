import { resourceKey, type DigestedResource, type Kind, type ResourceKey } from '../model/resource.ts';
import { checkResource, type CheckContext, type ResourceFacts } from './check-resource.ts';
import type { ResourceIndex } from './resource-index.ts';

/** What the checks of a resource came to. */
interface CheckedResource {
  readonly facts: ResourceFacts;
  /** Every other resource that was looked at; absent when something was found wrong. */
  readonly lookedAt?: () => readonly ResourceKey[];
}

export interface CheckedResources {
  get(key: ResourceKey): CheckedResource | undefined;
  /** How many were checked this time and found right. */
  readonly checkedCount: number;
  /** What to give to `checkOnce` the next time. */
  store(): StoredChecks;
}

/** What was found, and the positions of what was looked at. All of one run: so a digest tells whether a resource has changed since. */
export type StoredChecks = readonly (readonly [key: ResourceKey, digest: string, facts: ResourceFacts | null, lookedAt: readonly number[] | null])[];

const NO_FACTS: ResourceFacts = {};

/**
 * `checkResource` for every resource, but for those that found nothing wrong the last time and have not changed since, nor has anything they looked at.
 * `cards` names the destinations' cards; with others everything is checked.
 */
export function checkOnce(resources: readonly DigestedResource[], stored: StoredChecks, cards: string, context: CheckContext): CheckedResources {
  const known = recallChecks(resources, stored, cards);
  let checkedCount = 0;
  const checked = new Map<ResourceKey, CheckedResource>();
  for (const resource of resources) {
    const key = keyOf(resource);
    const result = known.get(key) ?? checkNow(resource, context);
    if (result.lookedAt !== undefined && !known.has(key)) checkedCount += 1;
    checked.set(key, result);
  }
  return { get: (key) => checked.get(key), checkedCount, store: () => storeChecks(resources, checked, cards) };
}

/** The cards are looked at by all and stand among the resources, under a key that none has. */
const CARDS = '' as ResourceKey;

function recallChecks(resources: readonly DigestedResource[], stored: StoredChecks, cards: string): ReadonlyMap<ResourceKey, CheckedResource> {
  const known = new Map<ResourceKey, CheckedResource>();
  if (stored[0]?.[0] !== CARDS || stored[0][1] !== cards) return known;
  const digests = new Map(resources.map((resource) => [keyOf(resource), resource.digest]));
  const isSame = stored.map(([key, digest]) => digests.get(key) === digest);
  for (let position = 1; position < stored.length; position += 1) {
    const [key, , facts, lookedAt] = stored[position] ?? [CARDS, '', null, null];
    if (isSame[position] !== true || lookedAt?.every((other) => isSame[other]) !== true) continue;
    known.set(key, { facts: facts ?? NO_FACTS, lookedAt: () => lookedAt.flatMap((other) => stored[other]?.[0] ?? []) });
  }
  return known;
}

function storeChecks(resources: readonly DigestedResource[], checked: ReadonlyMap<ResourceKey, CheckedResource>, cards: string): StoredChecks {
  const positions = new Map(resources.map((resource, position) => [keyOf(resource), position + 1]));
  return [
    [CARDS, cards, null, null],
    ...resources.map((resource): StoredChecks[number] => {
      const key = keyOf(resource);
      const { facts = NO_FACTS, lookedAt } = checked.get(key) ?? {};
      return [key, resource.digest, facts === NO_FACTS ? null : facts, lookedAt?.().flatMap((other) => positions.get(other) ?? []) ?? null];
    }),
  ];
}

function keyOf({ kind, metadata }: DigestedResource): ResourceKey {
  return resourceKey(kind, metadata.name);
}

function checkNow(resource: DigestedResource, context: CheckContext): CheckedResource {
  const found = context.report.diagnostics.length;
  const { index, lookedAt } = watchIndex(context.index);
  const facts = checkResource(resource, { ...context, index });
  const clean = context.report.diagnostics.length === found ? lookedAt() : undefined;
  return { facts, ...(clean === undefined ? {} : { lookedAt: () => clean }) };
}

/** Notes what is looked at; undefined when it was not there, or everything of a kind: then no digest tells whether it has changed. */
function watchIndex(index: ResourceIndex): { readonly index: ResourceIndex; readonly lookedAt: () => readonly ResourceKey[] | undefined } {
  const keys = new Set<ResourceKey>();
  let isWhole = true;
  return {
    lookedAt: () => (isWhole ? [...keys] : undefined),
    index: {
      all(kind) {
        isWhole = false;
        return index.all(kind);
      },
      find<K extends Kind>(kind: K, name: string) {
        const found = index.find(kind, name);
        isWhole &&= found !== undefined;
        keys.add(resourceKey(kind, name));
        return found;
      },
    },
  };
}
