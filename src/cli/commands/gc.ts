import { InvalidArgumentError, type Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes, formatCount } from '../format-amount.ts';

export function configure(command: Command): void {
  command
    .option('--runs <days>', 'keep records of runs for so many days; the newest success of each segment stays', parseDays, 90)
    .option('--spool <days>', 'keep the files of ended runs, for `runs replay`', parseDays, 7)
    .option('--rejects <days>', 'keep the lists of who was left out', parseDays, 30)
    .option('--journal <days>', 'keep the journal of applies', parseDays, 365)
    .option('--cache <days>', 'keep measurements of sources that were not used', parseDays, 30)
    .option('--dry-run', 'only say what would go');
  command.addHelpText(
    'after',
    `
Touches nothing that was delivered, and nothing that a run still needs. What the uploads of given-up runs left unfinished at their destinations goes too.
\`reconcile status\` tells how large each kind is.

Examples:
  reconcile gc --dry-run
  reconcile gc --runs 30 --spool 0`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const [{ openProject }, { collectGarbage }, { DAY_MS }] = await Promise.all([
    import('../../compose.ts'),
    import('../../export/collect-garbage.ts'),
    import('../../model/instant.ts'),
  ]);
  await using project = await openProject(context);
  const { resources } = await project.store.read();
  const dryRun = options['dryRun'] === true;
  const days = (name: string): number => Number(options[name]) * DAY_MS;
  const collected = await collectGarbage(
    { ...project.exportDeps(), store: project.store },
    {
      resources,
      now: context.clock(),
      runsMs: days('runs'),
      spoolMs: days('spool'),
      rejectsMs: days('rejects'),
      journalMs: days('journal'),
      cacheMs: days('cache'),
      dryRun,
    },
  );
  if (context.options.json) context.out(JSON.stringify({ dryRun, ...collected }));
  else {
    const { bytes, ...counts } = collected;
    context.out(
      [
        dryRun ? 'would remove' : 'removed',
        ...Object.entries(counts).map(([kind, count]) => `${formatCount(count)} ${KINDS[kind] ?? kind}`),
        formatBytes(bytes),
      ].join('   '),
    );
  }
  return ExitCode.done;
}

const KINDS: Readonly<Record<string, string>> = { runs: 'records of runs', journalEntries: 'journal entries', cacheFiles: 'cache files' };

function parseDays(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is a number of days.');
  return Number(text);
}
