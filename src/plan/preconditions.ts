import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Change, Precondition } from '../model/plan.ts';
import type { ResourceKey } from '../model/resource.ts';
import { keyOf } from './order-changes.ts';
import type { RecordedInput } from './plan-input.ts';

/** How many moved resources a message names. */
const MAX_NAMED = 5;

/**
 * What must still hold when the changes are applied: the lineage, the version of each resource that is touched, and of each that the touched ones
 * refer to, over any number of steps. Resources that the plan did not look at may move.
 */
export function preconditionsOf(
  changes: readonly Change[],
  recorded: RecordedInput,
  references: (key: ResourceKey) => readonly ResourceKey[],
): readonly Precondition[] {
  const seen = new Set<ResourceKey>();
  // A deletion needs nothing of what it referred to.
  const deleted = new Set(changes.filter(({ action }) => action === 'delete').map(keyOf));
  const queue = changes.map(keyOf).toReversed();
  const found: Precondition[] = [];
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const base = recorded.resources.get(key);
    found.push({ type: 'resource', key, base: base === undefined ? null : { version: base.version, digest: base.digest } });
    if (!deleted.has(key)) queue.push(...references(key));
  }
  return [{ type: 'lineage', lineage: recorded.lineage ?? null }, ...found];
}

/** The preconditions that no longer hold, in words. Secrets are looked at by whoever can read them. */
export function failedPreconditions(preconditions: readonly Precondition[], recorded: RecordedInput): readonly string[] {
  const failed: string[] = [];
  const moved: string[] = [];
  for (const one of preconditions) {
    if (one.type === 'lineage') {
      if (one.lineage === null) {
        // A killed apply may have made the database and recorded nothing: still empty.
        if (recorded.resources.size > 0) failed.push('the state was empty then and is not now');
      } else if (one.lineage !== recorded.lineage) failed.push(recorded.lineage === undefined ? 'the state is empty now' : 'it is another state');
    } else if (one.type === 'resource') {
      const now = recorded.resources.get(one.key);
      if (one.base === null) {
        if (now !== undefined) moved.push(`${one.key} has been created`);
      } else if (now === undefined) moved.push(`${one.key} has been deleted`);
      else if (now.version !== one.base.version || now.digest !== one.base.digest)
        moved.push(`${one.key} has been changed (version ${one.base.version} then, ${now.version} now)`);
    }
  }
  const rest = moved.length - MAX_NAMED;
  return [...failed, ...moved.slice(0, MAX_NAMED), ...(rest > 0 ? [`${rest} more ${rest === 1 ? 'has' : 'have'} moved`] : [])];
}

/** RC3010, exit 4: names what moved and the command that plans again. */
export function stalePlan(failed: readonly string[], planAgain: string): AppError {
  return new AppError({
    code: 'RC3010',
    message: `the plan is stale: ${failed.join('; ')}. Nothing was changed`,
    hint: `plan again:  ${planAgain}`,
    exit: ExitCode.planStale,
  });
}
