import { InvalidArgumentError, type Command } from 'commander';
import { KEPT_DAYS } from '../../export/kept-days.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { describeGarbage } from '../describe-garbage.ts';

export function configure(command: Command): void {
  command
    .option(
      '--runs <days>',
      'keep records of runs for so many days; the newest success of each segment stays, and what left files without one since',
      parseDays,
      KEPT_DAYS.runs,
    )
    .option('--spool <days>', 'keep the files of ended runs, for `runs replay`', parseDays, KEPT_DAYS.spool)
    .option('--rejects <days>', 'keep the lists of who was left out', parseDays, KEPT_DAYS.rejects)
    .option('--journal <days>', 'keep the journal of applies', parseDays, KEPT_DAYS.journal)
    .option('--cache <days>', 'keep measurements of sources that were not used', parseDays, KEPT_DAYS.cache)
    .option('--dry-run', 'only say what would go');
  command.addHelpText(
    'after',
    `
Touches nothing that was delivered, and nothing that a run still needs. What the uploads of given-up runs left unfinished at their destinations goes too.
\`reconcile status\` tells how large each kind is. \`reconcile watch\` does this once a day with these defaults.

Examples:
  reconcile gc --dry-run
  reconcile gc --runs 30 --spool 0`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const [{ openProject }, { collectGarbage }] = await Promise.all([import('../../compose.ts'), import('../../export/collect-garbage.ts')]);
  await using project = await openProject(context);
  const { resources } = await project.store.read();
  const dryRun = options['dryRun'] === true;
  const days = (name: string): number => Number(options[name]);
  const collected = await collectGarbage(
    { ...project.exportDeps(), store: project.store },
    {
      resources,
      now: context.clock(),
      keptDays: { runs: days('runs'), spool: days('spool'), rejects: days('rejects'), journal: days('journal'), cache: days('cache') },
      dryRun,
    },
  );
  if (context.options.json) context.out(JSON.stringify({ dryRun, ...collected }));
  else {
    context.out([dryRun ? 'would remove' : 'removed', describeGarbage(collected)].join('   '));
  }
  return ExitCode.done;
}

function parseDays(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is a number of days.');
  return Number(text);
}
