import type { Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import { pasteable } from '../command-line.ts';
import type { CommandContext } from '../context.ts';
import { readApplied } from '../read-applied.ts';

export function configure(command: Command): void {
  command.addHelpText(
    'after',
    `
How everything that is applied stands: last success, last run, next slot, and what to do. Times are UTC; a run's time is its slot.
Reads the state alone, tells how much is kept on this machine, and exits 0, however things stand (64 with another --env than the state's); \`--json\` has the conditions of every resource.

Examples:
  reconcile status
  reconcile status --json | jq -r '.activations[] | "\\(.name) \\(.lastSuccess)"'`,
  );
}

export async function run(context: CommandContext): Promise<ExitCode> {
  const { options, clock, out } = context;
  const [{ openProject }, { readStatus }, { mayBeAlive }] = await Promise.all([
    import('../../compose.ts'),
    import('../../watch/read-status.ts'),
    import('../../state/owner.ts'),
  ]);
  await using project = await openProject(context);
  const wall = clock();
  const now = options.now ?? wall;
  const card = (type: string): ReturnType<ReturnType<typeof project.exportDeps>['card']> => project.catalogue().find(type)?.card;
  const store = { read: () => readApplied(context, project.store), unfinished: () => project.store.unfinished() };
  const status = await readStatus({ store, ledger: project.ledger, card, mayBeAlive, now, wall });
  const { measureFolders } = await import('../../export/measure-folders.ts');
  const sizes = await measureFolders(project.exportDeps().paths);
  if (options.json) {
    out(JSON.stringify({ ...status, sizes }));
    return ExitCode.done;
  }
  const { renderStatus } = await import('../render-status.ts');
  out(pasteable(renderStatus(status, { now, wall, color: options.color, sizes }), options));
  return ExitCode.done;
}
