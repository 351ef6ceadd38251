import pc from 'picocolors';
import { applyPlan } from '../apply/apply-plan.ts';
import { preparePlan } from '../apply/prepare-plan.ts';
import { AppError } from '../model/app-error.ts';
import type { Instant } from '../model/instant.ts';
import { planToJson } from '../plan/plan-json.ts';
import { applyCommand, summarizePlan } from '../plan/plan-view.ts';
import { renderPlanText } from '../plan/render-text.ts';
import { locateMapping } from '../validate/locate-mapping.ts';
import { requireValidProject, summarizeDiagnostics } from '../validate/validate-project.ts';
import { tellOutcome } from './apply-plan-command.ts';
import type { CommandContext } from './context.ts';
import { openPlanSession } from './plan-session.ts';
import { renderDiagnostics } from './render-diagnostics.ts';
import type { LogLine } from './watch-log.ts';

const LOCK_WAIT_MS = 60_000;

export interface WatchReconcileOptions {
  readonly autoApply: boolean;
  readonly now: () => Instant;
  readonly log: (line: LogLine) => void;
}

/**
 * What `watch` does when manifests have changed: plans and prints the plan; applies it with `--auto-apply`, within the guards. Throws `AppError` for
 * manifests that are wrong or a plan that is held; nothing is changed then, and what is applied goes on running. Returns the folders of manifests.
 */
export async function reconcileOnChange(context: CommandContext, { autoApply, now, log }: WatchReconcileOptions): Promise<readonly string[]> {
  const { directory, environment, variables, json, color, verbose, logFormat } = context.options;
  let valid: ReturnType<typeof requireValidProject>;
  try {
    valid = requireValidProject({ directory, environment, variables });
  } catch (error) {
    if (error instanceof AppError && error.diagnostics.length > 0 && logFormat === 'text')
      context.say(renderDiagnostics(error.diagnostics, { color, directory }));
    throw error;
  }
  await using session = await openPlanSession(context);
  const instant = now();
  const prepared = await preparePlan(
    {
      purpose: 'apply',
      desired: valid.resources,
      refersTo: valid.refersTo,
      locator: valid.locator,
      guards: valid.project.spec.guards,
      toolVersion: context.version,
      environment,
      variables: session.variables,
      select: [],
      refresh: true,
      impact: !autoApply,
      now: instant,
      command: session.command,
      signal: context.signal,
    },
    session.planDeps,
  );
  const view = { ...prepared.view, savedAs: undefined };
  const { plan } = view;
  const manifests = valid.project.spec.manifests ?? ['manifests'];
  const errors = prepared.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    context.say(renderDiagnostics(errors, { color, directory }));
    throw new AppError({ code: 'RC3028', message: `${summarizeDiagnostics(errors, valid.fileCount)}; nothing is planned`, diagnostics: errors });
  }
  log({
    level: 'info',
    event: plan.changes.length === 0 ? 'plan-empty' : 'planned',
    text: plan.changes.length === 0 ? 'what is applied is what the manifests say' : `plan: ${summarizePlan(plan)}`,
    fields: { summary: plan.summary, digest: plan.digest },
  });
  if (plan.changes.length === 0) return manifests;
  if (json) context.out(JSON.stringify(planToJson(plan, view.impact, prepared.diagnostics)));
  else if (logFormat === 'text') context.out(renderPlanText(view, { paint: pc.createColors(color), width: context.width, verbose }));
  if (!autoApply) {
    log({
      level: 'warn',
      event: 'apply-wanted',
      text: `not applied: watch was started without --auto-apply; ${applyCommand(view)}`,
      fields: { digest: plan.digest },
    });
    return manifests;
  }
  const outcome = await applyPlan(
    plan,
    {
      now: instant,
      guards: session.opened.project.spec.guards,
      allowDeletes: undefined,
      leaseWaitMs: LOCK_WAIT_MS,
      planAgain: `${session.command} plan`,
      applyAgain: applyCommand(view),
      signal: context.signal,
    },
    session.applyDeps(locateMapping(valid)),
  );
  tellOutcome(context, plan, outcome);
  const failed = outcome.results.filter(({ status }) => status !== 'done').length;
  log({
    level: failed === 0 ? 'info' : 'error',
    event: failed === 0 ? 'applied' : 'apply-failed',
    text: failed === 0 ? `applied: ${summarizePlan(plan)}` : `applied in part: ${failed} of ${outcome.results.length} changes were not done`,
    fields: { summary: plan.summary, digest: plan.digest, failed },
  });
  return manifests;
}
