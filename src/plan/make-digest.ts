import type { Change, Plan } from '../model/plan.ts';
import { digestOf } from '../support/digest.ts';

/**
 * Names a plan by all that it will do and needs. Bodies go in by their digests: a create of 10,000 resources is not written out once more for it.
 * When it was made is not part of it: the same files on the same state give the same digest.
 */
export function digestPlan(plan: Omit<Plan, 'digest' | 'summary'>): string {
  const { purpose, toolVersion, environment, variables, preconditions } = plan;
  return digestOf({ purpose, toolVersion, environment, variables, preconditions, changes: plan.changes.map(digestedChange) });
}

function digestedChange(change: Change): unknown {
  const { action, kind, name, source } = change;
  const secrets = change.because.filter(({ rule }) => rule === 'secret-changed');
  const base = change.action === 'create' ? null : change.base;
  return { action, kind, name, source, secrets, base, after: change.action === 'delete' ? null : change.digest };
}
