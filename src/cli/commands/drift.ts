import type { Command } from 'commander';
import pc from 'picocolors';
import { findDrift } from '../../apply/find-drift.ts';
import { requireEnvironment } from '../../apply/require-environment.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { openPlanSession } from '../plan-session.ts';

export function configure(command: Command): void {
  command.addHelpText(
    'after',
    `
Compares what is applied with the world outside: columns of sources, values of secrets (by keyed fingerprints), what destinations answer.
The manifests are not looked at; for those there is plan. Changes nothing. Exits 0 without drift, 7 with.

Examples:
  reconcile drift
  reconcile drift --json | jq -r '.drift[] | "\\(.kind)/\\(.name): \\(.message)"'`,
  );
}

export async function run(context: CommandContext): Promise<ExitCode> {
  await using session = await openPlanSession(context);
  const { store, secret, connector } = session.opened;
  requireEnvironment(await store.read(), context.options.environment);
  const { findings, warnings, looked } = await findDrift({ ...session.planDeps, store, secret, connector }, context.signal);
  for (const warning of warnings) context.say(`warning  ${warning}`);
  if (context.options.json) context.out(JSON.stringify({ drift: findings }));
  else {
    const paint = pc.createColors(context.options.color);
    for (const { kind, name, rule, message, hint } of findings) {
      context.out(`${paint.yellow(`${kind}/${name}`)}  ${rule}  ${message}`);
      if (hint !== undefined) context.out(`  = ${hint}`);
    }
    const what = `${looked} ${looked === 1 ? 'resource' : 'resources'} with something outside`;
    context.out(findings.length === 0 ? `No drift: ${what}` : `${findings.length} found in ${what}`);
  }
  return findings.length === 0 ? ExitCode.done : ExitCode.driftFound;
}
