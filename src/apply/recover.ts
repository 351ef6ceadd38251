import type { ActivationSpec } from '../model/generated/kinds.ts';
import type { ResourceKey } from '../model/resource.ts';
import type { JournalEntry, Lease, RecordedState } from '../state/state-store.ts';
import type { ApplyDeps } from './deps.ts';

/** How far back the generation of an unfinished apply is looked for. */
const MAX_GENERATIONS = 50;

/**
 * Ends what a killed apply left. Its changes are in the state or they are not: one transaction. What may be missing is what follows the
 * transaction, dropping the snapshots of deleted activations and removed segments; doing that twice does no harm. Returns how many applies it ended.
 */
export async function recover(deps: ApplyDeps, lease: Lease): Promise<number> {
  const entries = await deps.store.unfinished();
  const applies = Map.groupBy(entries, ({ applyId }) => applyId);
  for (const [applyId, own] of applies) {
    const recorded = own
      .filter((entry) => entry.type === 'outcome' && entry.status === 'done')
      .map((entry) => (entry as Extract<JournalEntry, { type: 'outcome' }>).key);
    const { before, after } = await aroundApply(deps, applyId);
    if (before !== undefined && after !== undefined) await dropSnapshots(recorded, before, after, deps);
    await deps.store.commit(lease, [], [{ type: 'end', applyId, at: deps.clock(), status: 'interrupted' }]);
  }
  return applies.size;
}

/** The resources before and after an apply's transaction; undefined when it never came to it. */
async function aroundApply(
  deps: ApplyDeps,
  applyId: string,
): Promise<{ readonly before?: RecordedState['resources']; readonly after?: RecordedState['resources'] }> {
  const generation = (await deps.store.history(MAX_GENERATIONS)).find((one) => one.applyId === applyId);
  if (generation === undefined) return {};
  const [before, after] = [await deps.store.at(generation.serial - 1), await deps.store.at(generation.serial)];
  return { before: before?.resources ?? new Map(), ...(after === undefined ? {} : { after: after.resources }) };
}

type Bodies = ReadonlyMap<ResourceKey, { readonly spec: unknown }>;

/**
 * Drops the membership snapshots that a change leaves behind: of deleted activations, and of segments that left one. Delivered files stay where
 * they are (contract section 6). May be called twice.
 */
export async function dropSnapshots(
  keys: readonly ResourceKey[],
  before: Bodies,
  after: Bodies,
  deps: Pick<ApplyDeps, 'ledger' | 'removeFiles'>,
): Promise<void> {
  for (const key of keys) {
    const [kind, activation = ''] = key.split('/', 2);
    const earlier = before.get(key);
    if (kind !== 'Activation' || earlier === undefined) continue;
    const now = after.get(key);
    const kept = new Set(now === undefined ? [] : segmentsOf(now.spec));
    const segments = segmentsOf(earlier.spec).filter((name) => !kept.has(name));
    if (now !== undefined && segments.length === 0) continue;
    const { snapshots } = await deps.ledger.prune(now === undefined ? { activation } : { activation, segments });
    await deps.removeFiles(snapshots);
  }
}

function segmentsOf(spec: unknown): string[] {
  return (spec as ActivationSpec).segments.map((entry) => (typeof entry === 'string' ? entry : entry.name));
}
