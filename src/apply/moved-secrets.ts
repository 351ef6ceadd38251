import { AppError } from '../model/app-error.ts';
import type { Change, Precondition } from '../model/plan.ts';
import { keyOf } from '../plan/order-changes.ts';
import type { ApplyDeps } from './deps.ts';
import { fingerprintOf } from './fingerprints.ts';
import { findSecrets } from './secret-pointers.ts';

/** Secrets that were compared when the plan was made and lead to another value now, in words; a missing one is the apply's own failure. */
export async function movedSecrets(
  preconditions: readonly Precondition[],
  changes: readonly Change[],
  deps: Pick<ApplyDeps, 'secret' | 'store'>,
): Promise<readonly string[]> {
  const wanted = preconditions.filter((one) => one.type === 'secret');
  if (wanted.length === 0) return [];
  const key = (await deps.store.fingerprintKey()) ?? '';
  const byKey = new Map(changes.map((change) => [keyOf(change), change]));
  const moved: string[] = [];
  for (const { key: resource, path, fingerprint } of wanted) {
    const change = byKey.get(resource);
    if (change === undefined || change.action === 'delete') continue;
    const place = findSecrets({ kind: change.kind, spec: change.after.spec }).find((one) => one.path === path);
    if (place === undefined) continue;
    try {
      if (fingerprintOf(await deps.secret(place.ref), resource, path, key) !== fingerprint) moved.push(`the secret of ${resource} at ${path} has changed`);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
  return moved;
}
