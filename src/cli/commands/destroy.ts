import type { Command } from 'commander';
import { preparePlan } from '../../apply/prepare-plan.ts';
import type { ExitCode } from '../../model/exit-code.ts';
import { confirmAndApply } from '../apply-plan-command.ts';
import type { CommandContext } from '../context.ts';
import { openPlanSession } from '../plan-session.ts';
import { addApplyOptions, readApplyOptions } from './apply.ts';

export function configure(command: Command): void {
  addApplyOptions(command);
  command.addHelpText(
    'after',
    `
Removes everything that is applied: no slot is due any more, membership snapshots are dropped. Delivered files stay where they are, and so do the
manifests. The project’s guards hold as for apply; the message says which number accepts it.

Examples:
  reconcile destroy
  reconcile destroy --auto-approve --allow-deletes=12`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  await using session = await openPlanSession(context);
  const prepared = await preparePlan(
    {
      purpose: 'destroy',
      desired: [],
      guards: session.opened.project.spec.guards,
      toolVersion: context.version,
      environment: context.options.environment,
      variables: session.variables,
      select: [],
      refresh: false,
      impact: false,
      now: session.now,
      command: session.command,
      reason: { rule: 'destroy' },
      signal: context.signal,
    },
    session.planDeps,
  );
  return await confirmAndApply(context, session, { ...prepared.view, savedAs: undefined }, readApplyOptions(options));
}
