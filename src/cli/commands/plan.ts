import type { Command } from 'commander';
import { resolve } from 'node:path';
import pc from 'picocolors';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { SegmentUses } from '../../model/plan.ts';
import { resourceKey, type DigestedResource } from '../../model/resource.ts';
import { preparePlan, type PreparedPlan } from '../../apply/prepare-plan.ts';
import { recallPlan } from '../../apply/recall-plan.ts';
import { planToJson } from '../../plan/plan-json.ts';
import type { ProjectOptions } from '../../validate/load-project.ts';
import { recallOutcome } from '../../validate/outcome.ts';
import { openProjectCache, type ProjectCache } from '../../validate/project-cache.ts';
import type { ValidProject } from '../../validate/validate-project.ts';
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
  const { directory, json, color, verbose } = context.options;
  const planned = await makePlan(context, options);
  const { prepared, diagnostics } = planned;
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  const { plan, impact } = prepared.view;
  const out = typeof options['out'] === 'string' && !failed ? options['out'] : undefined;
  if (out !== undefined) {
    const { writePlanFile } = await import('../../apply/plan-file.ts');
    await writePlanFile(resolve(directory, out), plan);
  }
  const view = { ...prepared.view, savedAs: out };
  // What the plan's own text tells is not told twice.
  const told = json ? diagnostics : diagnostics.filter(({ code }) => code !== 'RC3022' || failed);
  if (told.length > 0) context.say(renderDiagnostics(told, { color, directory }));
  if (json) {
    const uses = plan.changes.some(({ kind }) => kind === 'Segment') ? await readUses(planned.desired) : undefined;
    context.out(JSON.stringify(planToJson(plan, impact, diagnostics, uses)));
  } else if (failed) context.say('Nothing was planned: a source does not have what the manifests say. `--no-refresh` plans without looking at sources.');
  else if (options['markdown'] === true) {
    const { renderPlanMarkdown } = await import('../../plan/render-markdown.ts');
    context.out(renderPlanMarkdown(view, planned.project));
  } else {
    const { renderPlanText } = await import('../../plan/render-text.ts');
    context.out(renderPlanText(view, { paint: pc.createColors(color), width: context.width, verbose }));
  }
  if (failed) return ExitCode.failed;
  return options['detailedExitcode'] === true && plan.changes.length > 0 ? ExitCode.changesPending : ExitCode.done;
}

interface MadePlan {
  readonly prepared: Pick<PreparedPlan, 'view' | 'diagnostics'>;
  readonly diagnostics: readonly Diagnostic[];
  readonly project: string;
  /** What the manifests declare; not read where nothing has changed since the last time. */
  readonly desired?: readonly DigestedResource[];
}

async function makePlan(context: CommandContext, options: Readonly<Record<string, unknown>>): Promise<MadePlan> {
  const { directory, environment, variables } = context.options;
  const select = (options['select'] ?? []) as readonly string[];
  const which = { directory, environment, variables };
  const cache = openProjectCache(directory);
  const recalled = select.length === 0 ? recallOutcome(which, cache) : undefined;
  // Everything that is wrong with the manifests is told before anything is opened.
  const valid = recalled === undefined ? await readProject(which, cache) : undefined;
  await using session = await openPlanSession(context);
  const request = {
    purpose: 'apply',
    toolVersion: context.version,
    environment,
    variables: session.variables,
    refresh: options['refresh'] !== false,
    now: session.now,
    command: session.command,
    signal: context.signal,
  } as const;
  const nothing = recalled === undefined ? undefined : await recallPlan(request, recalled, session.planDeps);
  if (recalled !== undefined && nothing !== undefined) return { prepared: nothing, diagnostics: recalled.diagnostics, project: recalled.name };

  const read = valid ?? (await readProject(which, cache));
  const { resources: desired, refersTo, locator, project } = read;
  const guards = project.spec.guards;
  const prepared = await preparePlan({ ...request, desired, refersTo, locator, guards, select, impact: options['impact'] !== false }, session.planDeps);
  return { prepared, diagnostics: [...read.diagnostics, ...prepared.diagnostics], project: project.metadata.name, desired };
}

/** What each segment uses. The parser of segments tells: it is loaded only when there is something to ask. */
async function readUses(desired: readonly DigestedResource[] = []): Promise<(segment: string) => SegmentUses> {
  const { segmentUses } = await import('../../export/compile-job.ts');
  const resources = new Map(desired.map((one) => [resourceKey(one.kind, one.metadata.name), one]));
  return (segment) => segmentUses(resources, segment);
}

/** The checks bring the parser of segments with them: they are loaded only when there is something to check. */
async function readProject(options: ProjectOptions, cache: ProjectCache): Promise<ValidProject> {
  const { requireValidProject } = await import('../../validate/validate-project.ts');
  return requireValidProject(options, cache);
}
