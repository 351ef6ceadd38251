import { InvalidArgumentError, Option, type Command } from 'commander';
import pc from 'picocolors';
import { resolve } from 'node:path';
import { applyPlan } from '../../apply/apply-plan.ts';
import { readPlanFile } from '../../apply/plan-file.ts';
import { preparePlan } from '../../apply/prepare-plan.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { locateMapping } from '../../validate/locate-mapping.ts';
import { summarizeDiagnostics, requireValidProject } from '../../validate/validate-project.ts';
import { confirmAndApply, tellOutcome, type ApplyCommandOptions } from '../apply-plan-command.ts';
import type { CommandContext } from '../context.ts';
import { openPlanSession, type PlanSession } from '../plan-session.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';

export function configure(command: Command): void {
  command.argument('[planfile]', 'a plan that `plan --out` saved; applied exactly as it is, or not at all');
  addApplyOptions(command);
  command.option('--select <kind/name...>', 'only these resources, with all that they need');
  command.addHelpText(
    'after',
    `
Without a file: plans, shows the plan, asks, applies. With a file: the plan was reviewed; nothing is asked and nothing else is done.
Exits 0 done, 1 failed, 3 held by a guard, 4 the plan is stale, 5 another apply is at work, 6 partly done, 8 a manifest is wrong.

Examples:
  reconcile apply
  reconcile apply plan.bin
  reconcile apply --auto-approve --allow-deletes=40`,
  );
}

/** The options that apply, destroy and rollback share. */
export function addApplyOptions(command: Command): void {
  command
    .option('--auto-approve', 'do not ask')
    .addOption(new Option('--allow-deletes <n>', 'accept exactly so many deletions although a guard forbids them').argParser(parseCount))
    .addOption(new Option('--lock-timeout <seconds>', 'how long to wait for another apply to end').argParser(parseCount).default(0));
}

export function readApplyOptions(options: Readonly<Record<string, unknown>>): ApplyCommandOptions {
  return {
    autoApprove: options['autoApprove'] === true,
    allowDeletes: options['allowDeletes'] as number | undefined,
    leaseWaitMs: Number(options['lockTimeout'] ?? 0) * 1000,
  };
}

export async function run(context: CommandContext, [file]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  if (typeof file === 'string') return applySavedPlan(context, file, options);
  const { directory, environment, variables, json, color } = context.options;
  const valid = requireValidProject({ directory, environment, variables });
  await using session = await openPlanSession(context);
  const own = readApplyOptions(options);
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
      select: (options['select'] ?? []) as readonly string[],
      refresh: true,
      // People are counted for whoever is asked.
      impact: !own.autoApprove && context.options.input,
      now: session.now,
      command: session.command,
      signal: context.signal,
    },
    session.planDeps,
  );
  const diagnostics = [...valid.diagnostics, ...prepared.diagnostics];
  if (diagnostics.some(({ severity }) => severity === 'error')) {
    throw new AppError({ code: 'RC3024', message: `${summarizeDiagnostics(diagnostics, valid.fileCount)}. Nothing was changed`, diagnostics });
  }
  const told = diagnostics.filter(({ code }) => code !== 'RC3022');
  if (told.length > 0 && !json) context.say(renderDiagnostics(told, { color, directory }));
  return await confirmAndApply(context, session, { ...prepared.view, savedAs: undefined }, own, locateMapping(valid));
}

async function applySavedPlan(context: CommandContext, file: string, options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  if (options['select'] !== undefined) {
    throw new AppError({
      code: 'RC9005',
      message: '--select cannot be given with a plan file: it is applied as it is',
      hint: 'select when planning: reconcile plan --select … --out FILE',
      exit: ExitCode.badUsage,
    });
  }
  const plan = await readPlanFile(resolve(context.options.directory, file), file, context.version);
  const { environment } = context.options;
  if (environment !== undefined && environment !== plan.environment) {
    throw new AppError({
      code: 'RC3017',
      message: `the plan was made ${plan.environment === null ? 'without an environment' : `with the environment \`${plan.environment}\``}, not with \`${environment}\``,
      hint: 'leave --env away; the plan knows its own',
      exit: ExitCode.badUsage,
    });
  }
  await using session: PlanSession = await openPlanSession(context);
  const { leaseWaitMs, allowDeletes } = readApplyOptions(options);
  const command = `${session.command}${environment === undefined && plan.environment !== null ? ` --env ${plan.environment}` : ''}`;
  const verb = plan.purpose === 'apply' ? 'plan' : plan.purpose;
  const outcome = await applyPlan(
    plan,
    {
      now: session.now,
      guards: session.opened.project.spec.guards,
      allowDeletes,
      leaseWaitMs,
      planAgain: `${command} ${verb} --out ${file}`,
      applyAgain: `${session.command} apply ${file}`,
      signal: context.signal,
    },
    session.applyDeps(),
  );
  if (outcome.results.length === 0 && !context.options.json) context.out(pc.createColors(context.options.color).bold('No changes: the plan has none'));
  else return tellOutcome(context, plan, outcome);
  return outcome.exit;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is a number, such as 40.');
  return Number(text);
}
