import type { ApplyOutcome, ApplyResult } from '../apply/apply-plan.ts';
import type { Plan } from '../model/plan.ts';
import { formatCount } from '../plan/plan-view.ts';
import type { Paint } from '../plan/render-text.ts';

const DONE = { create: 'created', update: 'updated', delete: 'deleted' } as const;
/** Groups larger than this are counted, not listed. */
const MAX_LISTED = 50;

/** What was done, and of what was not, why and what to do. */
export function renderApplyOutcome(plan: Plan, { results }: ApplyOutcome, paint: Paint): string {
  const lines: string[] = [];
  const of = (status: ApplyResult['status']): readonly ApplyResult[] => results.filter((result) => result.status === status);
  for (const { kind, name, error } of of('failed').slice(0, MAX_LISTED)) {
    lines.push(paint.red(`failed   ${kind}/${name}  ${error?.code ?? ''}  ${error?.message ?? ''}`));
    if (error?.hint !== undefined) lines.push(`         = ${error.hint}`);
  }
  for (const { kind, name, error } of of('skipped').slice(0, MAX_LISTED)) lines.push(paint.yellow(`skipped  ${kind}/${name}  ${error?.message ?? ''}`));
  const rest = Math.max(0, of('failed').length - MAX_LISTED) + Math.max(0, of('skipped').length - MAX_LISTED);
  if (rest > 0) lines.push(`… and ${formatCount(rest)} more (--json has all of them)`);
  const counts = (['create', 'update', 'delete'] as const)
    .map((action) => `${formatCount(of('done').filter((result) => result.action === action).length)} ${DONE[action]}`)
    .join(', ');
  const undone = results.length - of('done').length;
  const head = undone === 0 ? 'Applied' : of('done').length === 0 ? 'Not applied' : 'Partly applied';
  const tail = undone === 0 ? '' : `, ${formatCount(of('failed').length)} failed, ${formatCount(of('skipped').length)} skipped`;
  lines.push(`${paint.bold(head)}: ${counts}${tail}   (digest ${plan.digest.slice(0, 4)}…${plan.digest.slice(-2)})`);
  return lines.join('\n');
}
