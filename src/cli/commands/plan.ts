import type { Command } from 'commander';
import pc from 'picocolors';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { planToJson } from '../../plan/plan-json.ts';
import { requireValidProject } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';
import { openPlanSession } from '../plan-session.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';

export function configure(command: Command): void {
  command
    .option('--out <file>', 'save the plan, to be applied exactly')
    .option('--markdown', 'for a comment on a pull request, at most 60,000 characters')
    .option('--detailed-exitcode', 'exit 2 when there are changes, 0 when there are none')
    .option('--select <kind/name...>', 'only these resources, with all that they need')
    .option('--no-refresh', 'do not look at the sources; no columns are checked and no people counted')
    .option('--no-impact', 'do not count people');
  command.addHelpText(
    'after',
    `
Shows what apply would do, where in the files, why, and whom it touches. Changes nothing.
Exits 0, or 2 with --detailed-exitcode when there are changes; 1 when a source lacks a column; 8 when a manifest is wrong.

Examples:
  reconcile plan
  reconcile plan --out plan.bin && reconcile apply plan.bin
  reconcile plan --markdown --no-refresh > comment.md
  reconcile plan --json | jq .summary`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { directory, environment, variables, json, color, verbose } = context.options;
  const valid = requireValidProject({ directory, environment, variables });
  await using session = await openPlanSession(context);
  const { preparePlan } = await import('../../apply/prepare-plan.ts');
  const prepared = await preparePlan(
    {
      purpose: 'apply',
      desired: valid.resources,
      locator: valid.locator,
      guards: valid.project.spec.guards,
      toolVersion: context.version,
      environment,
      variables: session.variables,
      select: (options['select'] ?? []) as readonly string[],
      refresh: options['refresh'] !== false,
      impact: options['impact'] !== false,
      now: session.now,
      command: session.command,
      signal: context.signal,
    },
    session.planDeps,
  );
  const diagnostics: readonly Diagnostic[] = [...valid.diagnostics, ...prepared.diagnostics];
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  const { plan, impact } = prepared.view;
  const out = typeof options['out'] === 'string' && !failed ? options['out'] : undefined;
  if (out !== undefined) {
    const { writePlanFile } = await import('../../apply/plan-file.ts');
    await writePlanFile(out, plan);
  }
  const view = { ...prepared.view, savedAs: out };
  // What the plan's own text tells is not told twice.
  const told = json ? diagnostics : diagnostics.filter(({ code }) => code !== 'RC3022' || failed);
  if (told.length > 0) context.say(renderDiagnostics(told, { color, directory }));
  if (json) context.out(JSON.stringify(planToJson(plan, impact, diagnostics)));
  else if (failed) context.say('Nothing was planned: a source does not have what the manifests say. `--no-refresh` plans without looking at sources.');
  else if (options['markdown'] === true) {
    const { renderPlanMarkdown } = await import('../../plan/render-markdown.ts');
    context.out(renderPlanMarkdown(view, valid.project.metadata.name));
  } else {
    const { renderPlanText } = await import('../../plan/render-text.ts');
    context.out(renderPlanText(view, { paint: pc.createColors(color), width: context.width, verbose }));
  }
  if (failed) return ExitCode.failed;
  return options['detailedExitcode'] === true && plan.changes.length > 0 ? ExitCode.changesPending : ExitCode.done;
}
