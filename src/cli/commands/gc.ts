import { InvalidArgumentError, type Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes, formatCount } from '../format-amount.ts';

export function configure(command: Command): void {
  command
    .option('--runs <days>', 'keep records of runs for so many days; the newest success of each segment stays', parseDays, 90)
    .option('--spool <days>', 'keep the files of recorded runs for `runs replay`', parseDays, 7)
    .option('--dry-run', 'only say what would go');
  command.addHelpText(
    'after',
    `
Touches nothing that was delivered, and nothing that a run still needs.

Examples:
  reconcile gc --dry-run
  reconcile gc --runs 30 --spool 0`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const [{ openProject }, { collectGarbage, DEFAULT_RETENTION }, { DAY_MS }] = await Promise.all([
    import('../../compose.ts'),
    import('../../export/collect-garbage.ts'),
    import('../../model/instant.ts'),
  ]);
  await using project = await openProject(context);
  const { resources } = await project.store.read();
  const dryRun = options['dryRun'] === true;
  const collected = await collectGarbage(project.exportDeps(), {
    resources,
    now: context.clock(),
    runsMs: Number(options['runs']) * DAY_MS,
    spoolMs: Number(options['spool']) * DAY_MS,
    cacheMs: DEFAULT_RETENTION.cacheMs,
    dryRun,
  });
  if (context.options.json) context.out(JSON.stringify({ dryRun, ...collected }));
  else {
    const { spools, snapshots, cacheFiles, bytes } = collected;
    context.out(
      `${dryRun ? 'would remove' : 'removed'}   ${formatCount(spools)} spools   ${formatCount(snapshots)} snapshots   ${formatCount(cacheFiles)} cache files   ${formatBytes(bytes)}`,
    );
  }
  return ExitCode.done;
}

function parseDays(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is a number of days.');
  return Number(text);
}
