import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenedProject } from '../../compose.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { RunStatus } from '../../model/run.ts';
import type { RunFilter, RunLedger, RunRecord } from '../../state/run-ledger.ts';
import { pasteable } from '../command-line.ts';
import type { CommandContext } from '../context.ts';
import { addGuardOptions, readGuardOptions } from '../guard-options.ts';
import { withPasteableHint } from '../print-runs.ts';
import { readApplied } from '../read-applied.ts';

const STATUSES: readonly RunStatus[] = ['running', 'success', 'failed', 'held', 'skipped', 'cancelled'];
const DEFAULT_LIMIT = 20;
/** How far back an abbreviated id is looked for. */
const MAX_SEARCHED = 10_000;

export function configure(command: Command): void {
  command
    .addArgument(new Argument('<action>', 'what to do').choices(['list', 'show', 'retry', 'replay', 'cancel']))
    .argument('[id]', 'a run, for all but `list`; its first characters suffice')
    .option('--activation <name>', 'list: only of this activation')
    .option('--segment <name>', 'list: only of this segment')
    .addOption(new Option('--status <status>', 'list: only these').choices(STATUSES))
    .addOption(new Option('--limit <n>', 'list: at most so many, newest first').argParser(parseCount).default(DEFAULT_LIMIT));
  addGuardOptions(command);
  command.addHelpText(
    'after',
    `
retry    tries a run again that failed or is held; it goes on where it stands. Where nobody knows whether Campaign has the files, it looks first.
replay   delivers the files of a run that succeeded again, byte for byte, and tells the other side again; says whether from the files kept here
         or built again from the source and found equal.
cancel   ends a run that is not over, wherever it runs: its holder takes back what is visible and stops, within some seconds. A slot that failed
         or is held is given up. Nothing takes it up again by itself; \`retry\` does.

Examples:
  reconcile runs list --activation newsletter --status failed
  reconcile runs list --limit 100 --json
  reconcile runs show 01JD8M3Z
  reconcile runs retry 01JD8M3Z
  reconcile runs cancel 01JD8M3Z --because 'wrong segment'`,
  );
}

export async function run(context: CommandContext, [action, id]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  if (action !== 'list' && id === undefined) throw badUsage(`\`runs ${String(action)}\` needs the id of a run`, 'reconcile runs list');
  if (action === 'list' && id !== undefined) throw badUsage(`\`runs list\` takes no id, and got \`${String(id)}\``, `reconcile runs show ${String(id)}`);
  const { openProject } = await import('../../compose.ts');
  await using project = await openProject(context);
  const records = action === 'list' ? await project.ledger.find(filterOf(options)) : [await findRun(project.ledger, String(id))];
  const [first] = records;
  if (first !== undefined && action === 'cancel') return await cancel(context, project, first, options);
  if (first !== undefined && (action === 'retry' || action === 'replay')) return await repeat(context, project, first, action, options);
  if (context.options.json) {
    const { toRun } = await import('../../export/to-run.ts');
    context.out(JSON.stringify({ runs: records.map((record) => withPasteableHint(toRun(record), context.options)) }));
    return ExitCode.done;
  }
  const { renderRun, renderRunList } = await import('../render-run-list.ts');
  const settings = { now: context.clock(), color: context.options.color };
  if (action === 'show' && first !== undefined) context.out(pasteable(renderRun(first, settings), context.options));
  else context.out(records.length === 0 ? 'No runs.' : renderRunList(records, settings));
  return ExitCode.done;
}

const REPLAYED = {
  spool: 'delivered again from the files that were kept: the same bytes',
  rebuilt: 'the files were not kept; built again from the source, found equal by digest, and delivered',
} as const;

/** How long the process that is at a run is waited for. */
const CANCEL_WAIT_MS = 60_000;

async function cancel(context: CommandContext, project: OpenedProject, record: RunRecord, options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const [{ cancelRun }, { currentActor }] = await Promise.all([import('../../export/cancel-run.ts'), import('../../state/actor.ts')]);
  const { resources } = await readApplied(context, project.store);
  const because = typeof options['because'] === 'string' ? options['because'] : undefined;
  const run = await cancelRun(project.exportDeps(), {
    resources,
    runId: record.id,
    by: currentActor(),
    because,
    waitMs: CANCEL_WAIT_MS,
    signal: context.signal,
  });
  if (run.status === 'running') context.say(`run ${run.id} was asked to end and has not ended yet: reconcile runs show ${run.id}`);
  else if (run.status === 'success') context.say(`run ${run.id} was too far: it has ended in success`);
  if (context.options.json) context.out(JSON.stringify({ runs: [run] }));
  else if (run.status === 'failed') context.out(`run ${run.id}  ${run.error?.message ?? ''}`);
  return run.status === 'failed' ? ExitCode.done : ExitCode.failed;
}

async function repeat(
  context: CommandContext,
  project: OpenedProject,
  record: RunRecord,
  action: 'retry' | 'replay',
  options: Readonly<Record<string, unknown>>,
): Promise<ExitCode> {
  const [{ retryRun, replayRun }, { exitOfRuns }, { printRuns }, { createProgressReporter }] = await Promise.all([
    import('../../export/repeat-run.ts'),
    import('../exit-of-runs.ts'),
    import('../print-runs.ts'),
    import('../export-progress.ts'),
  ]);
  const { resources } = await readApplied(context, project.store);
  const progress = createProgressReporter(context);
  const request = {
    resources,
    runId: record.id,
    now: context.options.now ?? context.clock(),
    allow: readGuardOptions(options),
    signal: context.signal,
  };
  try {
    const deps = project.exportDeps(progress.report);
    const replayed = action === 'retry' ? undefined : await replayRun(deps, request);
    const run = replayed?.run ?? (await retryRun(deps, request));
    progress.end();
    printRuns(context, [run], replayed === undefined ? {} : { from: replayed.from });
    if (replayed !== undefined) context.say(REPLAYED[replayed.from]);
    return exitOfRuns([run]);
  } finally {
    progress.end();
  }
}

function filterOf(options: Readonly<Record<string, unknown>>): RunFilter {
  const text = (key: string): string | undefined => (typeof options[key] === 'string' ? options[key] : undefined);
  const [activation, segment, status] = [text('activation'), text('segment'), text('status')];
  return {
    ...(activation === undefined ? {} : { activation }),
    ...(segment === undefined ? {} : { segment }),
    ...(status === undefined ? {} : { status: status as RunStatus }),
    limit: Number(options['limit'] ?? DEFAULT_LIMIT),
  };
}

async function findRun(ledger: RunLedger, id: string): Promise<RunRecord> {
  const [exact] = await ledger.find({ id, limit: 1 });
  if (exact !== undefined) return exact;
  const wanted = id.toUpperCase();
  const near = wanted.length < 4 ? [] : (await ledger.find({ limit: MAX_SEARCHED })).filter((record) => record.id.toUpperCase().startsWith(wanted));
  const [only, another] = near;
  if (only !== undefined && another === undefined) return only;
  if (only !== undefined)
    throw badUsage(
      `\`${id}\` begins the ids of ${near.length} runs`,
      `among them ${near
        .slice(0, 3)
        .map((record) => record.id)
        .join(', ')}`,
    );
  throw badUsage(`there is no run \`${id}\``, 'reconcile runs list');
}

function badUsage(message: string, hint: string): AppError {
  return new AppError({ code: 'RC9010', message, hint, exit: ExitCode.badUsage });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('it is a number from 1, such as 50.');
  return Number(text);
}
