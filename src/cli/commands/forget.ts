import type { Command } from 'commander';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { currentOwner } from '../../state/owner.ts';
import type { CommandContext } from '../context.ts';

/** Somebody who forgets many starts many at once: they queue. */
const WAIT_MS = 10 * 60_000;

export function configure(command: Command): void {
  command.requiredOption('--identity <namespace=value>', 'who, by an identity of the Attributes');
  command.addHelpText(
    'after',
    `
The person leaves every snapshot, every kept file, every list of rejects and every error on record, and is left out of all exports from now on, counted as \`forgotten\`.
What stays is a keyed hash. Files that were delivered and the source itself are not touched.

Example:
  reconcile forget --identity Email=jo@example.com`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const identity = String(options['identity']);
  const at = identity.indexOf('=');
  if (at < 1 || at === identity.length - 1) {
    throw new AppError({
      code: 'RC9007',
      message: '--identity is not NAMESPACE=VALUE',
      hint: 'write --identity Email=jo@example.com',
      exit: ExitCode.badUsage,
    });
  }
  const [{ openProject }, { forgetPerson }] = await Promise.all([import('../../compose.ts'), import('../../export/forget-person.ts')]);
  await using project = await openProject(context);
  // The list is read, added to and put in place anew: two at once would each lose whom the other adds.
  await using _lease = await project.store.lease(currentOwner(), { waitMs: WAIT_MS, purpose: 'forget', signal: context.signal });
  const { resources } = await project.store.read();
  const forgotten = await forgetPerson(project.exportDeps(), {
    resources,
    namespace: identity.slice(0, at),
    value: identity.slice(at + 1),
    now: context.clock(),
    signal: context.signal,
  });
  if (context.options.json) context.out(JSON.stringify({ namespace: identity.slice(0, at), ...forgotten }));
  else {
    const { people, members, snapshots, spools, rejects, records, hash } = forgotten;
    context.out(
      `forgotten   ${members} ${members === 1 ? 'membership' : 'memberships'} in ${snapshots} snapshots   ${spools} spools   ${rejects} lists of rejects   ${records} records   kept: ${identity.slice(0, at)} ${hash.slice(0, 12)}…`,
    );
    if (people === 0) context.out('nobody has this identity, in the source or in a snapshot: look at how it is written; whoever comes with it is left out');
    context.out('files that were delivered lie with their receivers: tell them too');
  }
  return ExitCode.done;
}
