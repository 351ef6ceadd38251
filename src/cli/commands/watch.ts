import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenedProject } from '../../compose.ts';
import type { GarbageCollected } from '../../export/collect-garbage.ts';
import { KEPT_DAYS } from '../../export/kept-days.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { SECOND_MS, type Instant } from '../../model/instant.ts';
import type { SlotWorkerDeps } from '../../watch/slot-worker.ts';
import type { CommandContext } from '../context.ts';
import { readApplied } from '../read-applied.ts';
import { createWatchLog, describeEvent, type LogLine } from '../watch-log.ts';

/** Runs in flight may go on for so long after a signal: within the 30 s that most supervisors give. */
const GRACE_MS = 20 * SECOND_MS;
const QUIET_MS = 500;
const SCAN_EVERY_MS = 60 * SECOND_MS;
/** Each export has the engine's memory for itself. */
const MOST_PARALLEL = 2;

export function configure(command: Command): void {
  command
    .option('--auto-apply', 'apply when manifests change, within the project’s guards; without it a plan is printed')
    .option('--once', 'handle what is due and exit')
    .addOption(
      new Option('--parallel <n>', 'activations that are exported at the same time')
        .argParser(parseCount)
        .default(Math.min(MOST_PARALLEL, availableParallelism())),
    );
  command.addHelpText(
    'after',
    `
Runs what is applied on its schedule, and reconciles when manifests change, until it is stopped (SIGTERM: exit 0).
Slots are computed from what is applied and from the runs on record: stopped or killed at any time and started again, none is lost and none is run twice.
A slot that fails is tried again, waiting longer each time, until the next one is due. Several watches may run beside each other.
Once a day it removes what ended runs left behind, as \`reconcile gc\` does.

With --once: exits like \`run\`: 0 all succeeded or nothing due, 3 all held, 1 all failed, 6 a mixture. From a cron job or a pipeline, say each 10 minutes.
With --now: what now means; with --once it stands still, otherwise it goes on from there.
Logs go to stderr, --log-format json for machines. stdout has plans and, with --json, one JSON document per line.

Examples:
  reconcile watch
  reconcile watch --auto-apply --log-format json
  reconcile watch --once --json | jq '.runs[].status'`,
  );
}

export async function run(context: CommandContext, _args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const [{ openProject }, { runActivation }] = await Promise.all([import('../../compose.ts'), import('../../export/run-activation.ts')]);
  await using project = await openProject(context);
  await readApplied(context, project.store);
  const once = options['once'] === true;
  const log = createWatchLog(context);
  const now = clockOf(context, once);
  let manifests = project.project.spec.manifests ?? ['manifests'];
  const reconcile = async (): Promise<void> => {
    const { reconcileOnChange } = await import('../watch-reconcile.ts');
    manifests = [...(await reconcileOnChange(context, { autoApply: options['autoApply'] === true, now, log }))];
  };
  const exports = project.exportDeps();
  const worker: Omit<SlotWorkerDeps, 'impatient' | 'signal'> = {
    // Somebody may destroy everything meanwhile and apply it with another environment.
    store: { read: () => readApplied(context, project.store) },
    exports,
    run: (request) => runActivation(exports, request),
    now,
    chance: Math.random,
    parallel: Number(options['parallel']),
    emit(event) {
      for (const line of describeEvent(event, now(), exports.clock())) log(line);
      if (context.options.json && !once && event.type === 'slot-ended' && event.runs.length > 0) context.out(JSON.stringify({ runs: event.runs }));
    },
  };
  if (!once) return await watch(context, project, worker, { reconcile, manifests: () => manifests }, log);
  if (options['autoApply'] === true) await reconcile();
  return await runOnce(context, worker, log);
}

async function runOnce(context: CommandContext, worker: Omit<SlotWorkerDeps, 'impatient' | 'signal'>, log: (line: LogLine) => void): Promise<ExitCode> {
  const [{ runDue }, { exitOfRuns }, { printRuns }] = await Promise.all([
    import('../../watch/run-due.ts'),
    import('../exit-of-runs.ts'),
    import('../print-runs.ts'),
  ]);
  const { runs, errors, interrupted } = await runDue({ ...worker, signal: context.signal });
  if (context.options.json || runs.length > 0) printRuns(context, runs);
  if (runs.length === 0 && errors.length === 0) log({ level: 'info', event: 'nothing-due', text: 'nothing is due', fields: {} });
  if (interrupted)
    return (context.signal.reason as { readonly code?: number } | undefined)?.code === ExitCode.terminated ? ExitCode.terminated : ExitCode.interrupted;
  const bug = errors.find((error) => !(error instanceof AppError));
  if (bug !== undefined) throw bug;
  if (errors.length === 0) return exitOfRuns(runs);
  return runs.some(({ status }) => status !== 'failed' && status !== 'skipped') ? ExitCode.partlyDone : ExitCode.failed;
}

async function watch(
  context: CommandContext,
  project: OpenedProject,
  worker: Omit<SlotWorkerDeps, 'impatient' | 'signal'>,
  files: { readonly reconcile: () => Promise<void>; readonly manifests: () => readonly string[] },
  log: (line: LogLine) => void,
): Promise<ExitCode> {
  const [{ watchSlots }, { watchFiles }, { keepHouse }, { collectGarbage }, { startCronTicks }, { describeStart }] = await Promise.all([
    import('../../watch/watch-slots.ts'),
    import('../../watch/watch-files.ts'),
    import('../../watch/keep-house.ts'),
    import('../../export/collect-garbage.ts'),
    import('../../watch/start-cron-ticks.ts'),
    import('../describe-watch-start.ts'),
  ]);
  const { directory } = context.options;
  for (const line of await describeStart(project, files.manifests(), worker.now())) log(line);
  const stop = new AbortController();
  context.signal.addEventListener('abort', () => {
    log({ level: 'info', event: 'stopping', text: 'stopping: what is in flight may end, nothing new begins', fields: { graceMs: GRACE_MS } });
    stop.abort(context.signal.reason);
  });
  if (context.signal.aborted) stop.abort(context.signal.reason);
  // One that ends with an error takes the other with it.
  const together = async (part: Promise<void>): Promise<void> => {
    try {
      await part;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const collect = async (): Promise<GarbageCollected> => {
    const { resources } = await worker.store.read();
    return collectGarbage({ ...project.exportDeps(), store: project.store }, { resources, now: context.clock(), keptDays: KEPT_DAYS, dryRun: false });
  };
  const roots = (): readonly string[] => [...files.manifests(), 'reconcile.yaml', 'environments'];
  const ended = await Promise.allSettled([
    together(watchSlots({ ...worker, ticks: startCronTicks, monotonic: () => performance.now(), signal: stop.signal, graceMs: GRACE_MS })),
    together(keepHouse({ collect, emit: worker.emit, signal: stop.signal })),
    together(
      watchFiles({ directory, roots, reconcile: files.reconcile, emit: worker.emit, signal: stop.signal, quietMs: QUIET_MS, scanEveryMs: SCAN_EVERY_MS }),
    ),
  ]);
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  log({ level: 'info', event: 'stopped', text: 'stopped', fields: {} });
  return ExitCode.done;
}

/** The wall clock; with `--now` another time that stands still for `--once` and goes on otherwise. */
function clockOf({ options, clock }: CommandContext, once: boolean): () => Instant {
  const { now } = options;
  if (now === undefined) return clock;
  if (once) return () => now;
  const startedAt = clock();
  return () => now + (clock() - startedAt);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('it is a number from 1 to 99.');
  return Number(text);
}
