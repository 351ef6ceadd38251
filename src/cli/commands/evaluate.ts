import type { Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import { AppError } from '../../model/app-error.ts';
import type { ActivationSpec } from '../../model/generated/kinds.ts';
import type { Run } from '../../model/run.ts';
import type { CommandContext } from '../context.ts';
import { exitOfRuns } from '../exit-of-runs.ts';
import { createProgressReporter } from '../export-progress.ts';
import { formatCount } from '../format-amount.ts';
import { printRuns, withPasteableHint } from '../print-runs.ts';
import { readApplied } from '../read-applied.ts';

export function configure(command: Command): void {
  command.argument('[segment...]', 'the segments; all that are applied by default');
  command.addHelpText(
    'after',
    `
Counts the members of what is applied, then exports the activations whose schedule is \`after: evaluation\`.

Examples:
  reconcile evaluate
  reconcile evaluate german-recent-buyers --now 2026-12-01T00:00:00Z --json`,
  );
}

export async function run(context: CommandContext, [names]: readonly unknown[]): Promise<ExitCode> {
  const [{ openProject }, { countSegments }, { segmentsAfterEvaluation }] = await Promise.all([
    import('../../compose.ts'),
    import('../../export/count-segments.ts'),
    import('../../export/after-evaluation.ts'),
  ]);
  await using project = await openProject(context);
  const { resources } = await readApplied(context, project.store);
  const applied = [...resources.values()].filter(({ kind }) => kind === 'Segment').map(({ metadata }) => metadata.name);
  const wanted = names as readonly string[];
  const segments = wanted.length === 0 ? applied : [...new Set(wanted)];
  if (segments.length === 0) throw new AppError({ code: 'RC4015', message: 'no Segment is applied', hint: 'reconcile apply', exit: ExitCode.badUsage });
  await project.startEngine();
  const progress = createProgressReporter(context);
  const deps = project.exportDeps(progress.report);
  const now = context.options.now ?? context.clock();
  const members = await countSegments(deps, { resources, segments, now, signal: context.signal });
  const runs: Run[] = [];
  try {
    for (const { metadata, spec } of [...resources.values()].filter(({ kind }) => kind === 'Activation')) {
      const fired = segmentsAfterEvaluation(metadata.name, spec as ActivationSpec, deps.card, resources).filter((segment) => segments.includes(segment));
      if (fired.length === 0) continue;
      const { runActivation } = await import('../../export/run-activation.ts');
      runs.push(
        ...(await runActivation(deps, { resources, activation: metadata.name, segments: fired, slot: now, now, evaluation: true, signal: context.signal })),
      );
    }
  } finally {
    progress.end();
  }
  if (context.options.json)
    context.out(JSON.stringify({ segments: members, ...(runs.length === 0 ? {} : { runs: runs.map((run) => withPasteableHint(run, context.options)) }) }));
  else {
    const width = Math.max(...members.map(({ segment }) => segment.length));
    for (const { segment, members: count } of members) context.out(`${segment.padEnd(width)}   ${formatCount(count)} members`);
    if (runs.length > 0) {
      context.out('');
      printRuns(context, runs);
    }
  }
  return exitOfRuns(runs);
}
