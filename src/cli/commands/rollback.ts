import { InvalidArgumentError, Option, type Command } from 'commander';
import { preparePlan } from '../../apply/prepare-plan.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { DigestedResource } from '../../model/resource.ts';
import type { RecordedState, StateStore } from '../../state/state-store.ts';
import { confirmAndApply } from '../apply-plan-command.ts';
import type { CommandContext } from '../context.ts';
import { openPlanSession } from '../plan-session.ts';
import { addApplyOptions, readApplyOptions } from './apply.ts';

/** Serials named where one is unknown. */
const MAX_LISTED = 10;

export function configure(command: Command): void {
  command.addOption(
    new Option('--to <serial>', 'the serial to go back to, as `reconcile state history` shows it; default: the one before the last').argParser(parseSerial),
  );
  addApplyOptions(command);
  command.addHelpText(
    'after',
    `
Makes what was applied at an earlier serial what is applied again, as a plan that is shown, guarded and confirmed like any other. Works from the
state alone, without git. The manifests stay as they are: the next plan shows how they differ, so put them right as well.

Examples:
  reconcile rollback
  reconcile rollback --to 41 --auto-approve`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  await using session = await openPlanSession(context);
  const { store } = session.opened;
  const target = await findGeneration(store, options['to'] as number | undefined);
  const prepared = await preparePlan(
    {
      purpose: 'rollback',
      desired: resourcesOf(target),
      guards: session.opened.project.spec.guards,
      toolVersion: context.version,
      environment: context.options.environment,
      variables: session.variables,
      select: [],
      refresh: false,
      impact: false,
      now: session.now,
      command: session.command,
      reason: { rule: 'rollback', serial: target.serial },
      signal: context.signal,
    },
    session.planDeps,
  );
  return await confirmAndApply(context, session, { ...prepared.view, command: session.command, savedAs: undefined }, readApplyOptions(options));
}

async function findGeneration(store: StateStore, wanted: number | undefined): Promise<RecordedState> {
  const generations = await store.history(Number.MAX_SAFE_INTEGER);
  const serial = wanted ?? generations[1]?.serial;
  const found = serial === undefined ? undefined : await store.at(serial);
  if (found !== undefined) return found;
  const kept = generations.slice(0, MAX_LISTED).map((generation) => generation.serial);
  throw new AppError({
    code: 'RC3025',
    message: serial === undefined ? 'there is nothing to go back to: fewer than two applies are recorded' : `serial ${serial} is not kept`,
    hint:
      kept.length === 0
        ? 'nothing was ever applied'
        : `serials that are kept: ${kept.join(', ')}${generations.length > MAX_LISTED ? ', …' : ''}  (reconcile state history)`,
    exit: ExitCode.badUsage,
  });
}

function resourcesOf({ resources }: RecordedState): DigestedResource[] {
  return [...resources.values()].map(({ kind, metadata, spec, digest, source }) => ({ kind, metadata, spec, digest, source: { ...source, column: 1 } }));
}

function parseSerial(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it is a number, such as 41.');
  return Number(text);
}
