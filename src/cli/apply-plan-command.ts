import pc from 'picocolors';
import { applyPlan, requireGuards, type ApplyOptions, type ApplyOutcome } from '../apply/apply-plan.ts';
import type { LocateMapping } from '../apply/place-column.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Plan } from '../model/plan.ts';
import { applyCommand, type PlanView } from '../plan/plan-view.ts';
import { renderPlanText } from '../plan/render-text.ts';
import { confirm, confirmByName, requireInput } from './ask.ts';
import type { CommandContext } from './context.ts';
import type { PlanSession } from './plan-session.ts';
import { renderApplyOutcome } from './render-apply.ts';

export interface ApplyCommandOptions {
  readonly autoApprove: boolean;
  readonly allowDeletes: number | undefined;
  readonly leaseWaitMs: number;
}

/** From a plan that was just made to its outcome: shown, guarded, confirmed, applied, told. Shared by apply, destroy and rollback. */
export async function confirmAndApply(
  context: CommandContext,
  session: PlanSession,
  view: PlanView,
  options: ApplyCommandOptions,
  locateMapping?: LocateMapping,
): Promise<ExitCode> {
  const { json, color, verbose } = context.options;
  const text = renderPlanText(view, { paint: pc.createColors(color), width: context.width, verbose });
  const { plan } = view;
  const { store, project } = session.opened;
  if (plan.changes.length === 0 && (await store.unfinished()).length === 0) {
    context.out(json ? JSON.stringify({ digest: plan.digest, results: [] }) : text);
    return ExitCode.done;
  }
  const applying: ApplyOptions = {
    now: session.now,
    guards: project.spec.guards,
    allowDeletes: options.allowDeletes,
    leaseWaitMs: options.leaseWaitMs,
    planAgain: `${session.command} ${plan.purpose === 'apply' ? 'plan' : plan.purpose}`,
    applyAgain: applyCommand(view),
    signal: context.signal,
  };
  if (json) context.say(text);
  else context.out(text);
  requireGuards(view.guard, applying);
  if (plan.changes.length > 0 && !options.autoApprove && !(await isConfirmed(context, view, project.metadata.name))) {
    context.say('Nothing was changed.');
    if (!context.signal.aborted) return ExitCode.failed;
    return (context.signal.reason as { readonly code?: number }).code === ExitCode.terminated ? ExitCode.terminated : ExitCode.interrupted;
  }
  return tellOutcome(context, plan, await applyPlan(plan, applying, session.applyDeps(locateMapping)));
}

/** Prints what an apply did, and returns its exit code. */
export function tellOutcome(context: CommandContext, plan: Plan, outcome: ApplyOutcome): ExitCode {
  for (const warning of outcome.warnings) context.say(`warning  ${warning}`);
  const { json, color } = context.options;
  if (json) context.out(JSON.stringify({ digest: outcome.digest, results: outcome.results }));
  else context.out(renderApplyOutcome(plan, outcome, pc.createColors(color)));
  return outcome.exit;
}

/** Asks by risk: yes or no; the project's name when everything goes, or more than the guards allow. */
async function isConfirmed(context: CommandContext, { plan, guard }: PlanView, project: string): Promise<boolean> {
  requireInput(context, '--auto-approve');
  if (plan.purpose === 'destroy') return confirmByName(`This removes all ${guard.deletes} resources from what is applied.`, project, context.signal);
  if (guard.exceeded.length > 0) return confirmByName(`This deletes ${guard.deletes} of ${guard.recorded} resources.`, project, context.signal);
  return confirm('Apply this plan?', context.signal);
}
