import type { Command } from 'commander';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { parseInstant } from '../../model/instant.ts';
import type { Run } from '../../model/run.ts';
import type { CommandContext } from '../context.ts';
import { exitOfRuns } from '../exit-of-runs.ts';
import { createProgressReporter } from '../export-progress.ts';
import { readApplied } from '../read-applied.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';
import { addGuardOptions, readGuardOptions } from '../guard-options.ts';
import { printRuns } from '../print-runs.ts';

export function configure(command: Command): void {
  command
    .argument('<activation...>', 'the activations')
    .option('--segment <name>', 'only this segment; may be given again', (name: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), name])
    .option('--slot <time>', 'run this slot of the schedule instead of exporting now');
  addGuardOptions(command);
  command.addHelpText(
    'after',
    `
Runs what is applied. Without --slot: a full export now, which leaves the schedule's slots and the members on record alone.
With --slot: that slot; one that has ended in success is shown again and nothing is written.
A run that a guard holds prints the very flag that lets it pass this once, with the number that was measured.

Exits 0 when all succeeded, 3 all held, 1 all failed, 6 a mixture, 5 in progress elsewhere, 64 not applied or no such slot.

Examples:
  reconcile run newsletter
  reconcile run newsletter --slot 2026-12-01T02:00:00Z
  reconcile run newsletter --slot 2026-12-01T02:00:00Z --allow-removed=9846 --because 'the summer campaign is over'`,
  );
}

export async function run(context: CommandContext, [activations]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const slot = parseSlot(options['slot']);
  const allow = readGuardOptions(options);
  const [{ openProject }, { runActivation }, { findApplied }] = await Promise.all([
    import('../../compose.ts'),
    import('../../export/run-activation.ts'),
    import('../../export/find-applied.ts'),
  ]);
  await using project = await openProject(context);
  const { resources } = await readApplied(context, project.store);
  const names = [...new Set(activations as readonly string[])];
  // A name that is mistyped is told before anything runs.
  for (const name of names) findApplied(resources, 'Activation', name);
  // A slot that has ended already needs no engine.
  if (slot === null) await project.startEngine();
  const progress = createProgressReporter(context);
  const deps = project.exportDeps(progress.report);
  const runs: Run[] = [];
  const refused: AppError[] = [];
  let interrupted = false;
  try {
    for (const activation of names) {
      if (context.signal.aborted) break;
      const segments = options['segment'] as readonly string[] | undefined;
      const request = { resources, activation, segments, slot, now: context.options.now ?? context.clock(), allow, signal: context.signal };
      try {
        runs.push(...(await runActivation(deps, request)));
      } catch (error) {
        // What cannot even begin must neither stop the others nor hide how they ended.
        if (names.length === 1 || context.signal.aborted || !(error instanceof AppError)) throw error;
        refused.push(error);
      }
    }
  } catch (error) {
    if (!context.signal.aborted || error instanceof AppError) throw error;
    interrupted = true;
  } finally {
    progress.end();
  }
  const diagnostics = refused.map(({ code, message, hint }) => ({ code, severity: 'error' as const, message, ...(hint === undefined ? {} : { hint }) }));
  if (diagnostics.length > 0) context.say(renderDiagnostics(diagnostics, context.options));
  if (context.options.json || runs.length > 0) printRuns(context, runs, diagnostics.length === 0 ? {} : { diagnostics });
  if (interrupted || context.signal.aborted)
    return (context.signal.reason as { code?: number } | undefined)?.code === 143 ? ExitCode.terminated : ExitCode.interrupted;
  if (refused[0] !== undefined) return runs.length === 0 ? refused[0].exit : ExitCode.partlyDone;
  return exitOfRuns(runs);
}

function parseSlot(text: unknown): number | null {
  if (text === undefined) return null;
  const slot = parseInstant(String(text));
  if (slot !== undefined) return slot;
  throw new AppError({
    code: 'RC9001',
    message: `--slot ${JSON.stringify(text)} is not a time`,
    hint: 'write it as 2026-12-01T02:00:00Z',
    exit: ExitCode.badUsage,
  });
}
