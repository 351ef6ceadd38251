import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenedProject } from '../../compose.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { formatInstant } from '../../model/instant.ts';
import type { RecordedResource } from '../../state/state-store.ts';
import type { CommandContext } from '../context.ts';

const ACTIONS = ['list', 'show', 'history', 'unlock', 'doctor', 'export', 'import'] as const;
type Action = (typeof ACTIONS)[number];
const DEFAULT_LIMIT = 20;

export function configure(command: Command): void {
  command
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .argument('[target]', 'show: KIND/NAME; list: a kind; import: the file, or - for stdin')
    .addOption(new Option('--limit <n>', 'history: at most so many, newest first').argParser(parseNumber).default(DEFAULT_LIMIT))
    .addOption(new Option('--epoch <n>', 'unlock: take the lock from this very holder, although it may be alive').argParser(parseNumber))
    .addOption(new Option('--out <file>', 'export: into this file, instead of stdout'));
  command.addHelpText(
    'after',
    `
list     what is applied: what runs, whatever the manifests say meanwhile
show     one resource as it is applied, as a manifest
history  the earlier states, with the serials that \`reconcile rollback --to\` takes
unlock   who holds the lock; gives it back when its holder is dead. A living one is only taken from by its --epoch, and then fails with its next write
doctor   looks through everything that is recorded, and says what is wrong and what to do
export   what is applied as a JSON file, without people, secrets or paths of this machine: a pull request’s job imports it and plans against it
import   an exported file into a state where nothing was applied yet; plans made there hold where the export comes from

Examples:
  reconcile state list
  reconcile state list Segment --json
  reconcile state show Activation/emea-newsletter
  reconcile state history --limit 5
  reconcile state unlock
  reconcile state export --out state.json
  reconcile --state sqlite:ci/state.db state import state.json`,
  );
}

export async function run(context: CommandContext, [action, target]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const wanted = target === undefined ? undefined : String(target);
  checkTarget(action as Action, wanted);
  const { openProject } = await import('../../compose.ts');
  await using project = await openProject(context);
  switch (action as Action) {
    case 'list':
      return await list(context, project, wanted);
    case 'show':
      return await show(context, project, wanted ?? '');
    case 'history':
      return await history(context, project, Number(options['limit']));
    case 'unlock':
      return await unlock(context, project, options['epoch'] as number | undefined);
    case 'doctor': {
      const { examineRecords } = await import('../examine-records.ts');
      return await examineRecords(context, project);
    }
    case 'export': {
      const { writeExport } = await import('../move-state.ts');
      return await writeExport(context, project, options['out'] as string | undefined);
    }
    case 'import': {
      const { readExport } = await import('../move-state.ts');
      return await readExport(context, project, wanted ?? '');
    }
  }
}

async function list({ options, out }: CommandContext, { store }: OpenedProject, kind: string | undefined): Promise<ExitCode> {
  const [{ sortResources }, { renderStateList }] = await Promise.all([import('../../state/exported-state.ts'), import('../render-state.ts')]);
  const { KINDS } = await import('../../model/resource.ts');
  if (kind !== undefined && !KINDS.some((one) => one.toLowerCase() === kind.toLowerCase())) {
    throw await unknownName(`there is no kind \`${kind}\``, kind, KINDS, `one of ${KINDS.join(', ')}`);
  }
  const state = await store.read();
  const resources = sortResources(state.resources.values()).filter((one) => kind === undefined || one.kind.toLowerCase() === kind.toLowerCase());
  if (options.json) {
    const { lineage = null, serial, environment = null } = state;
    out(JSON.stringify({ lineage, serial, environment, resources: resources.map(toListed) }));
  } else out(renderStateList(state, resources));
  return ExitCode.done;
}

async function show({ options, out }: CommandContext, { store }: OpenedProject, wanted: string): Promise<ExitCode> {
  const { resources } = await store.read();
  const key = [...resources.keys()].find((one) => one.toLowerCase() === wanted.toLowerCase());
  const resource = key === undefined ? undefined : resources.get(key);
  if (resource === undefined) throw await unknownName(`\`${wanted}\` is not applied`, wanted, resources.keys(), 'reconcile state list');
  if (options.json) out(JSON.stringify({ ...toListed(resource), metadata: resource.metadata, spec: resource.spec }));
  else out((await import('../render-state-resource.ts')).renderStateResource(resource));
  return ExitCode.done;
}

async function history({ options, out }: CommandContext, { store }: OpenedProject, limit: number): Promise<ExitCode> {
  const generations = await store.history(limit);
  if (options.json) {
    out(
      JSON.stringify({
        generations: generations.map(({ serial, at, actor, applyId, changes }) => ({
          serial,
          at: formatInstant(at),
          actor,
          applyId: applyId ?? null,
          changes,
        })),
      }),
    );
  } else out((await import('../render-state.ts')).renderHistory(generations));
  return ExitCode.done;
}

async function unlock(context: CommandContext, { store }: OpenedProject, epoch: number | undefined): Promise<ExitCode> {
  const { options, out } = context;
  const holder = await store.unlock();
  const named = holder === undefined ? '' : `process ${holder.owner.pid} on ${holder.owner.host}, since ${formatInstant(holder.since)} (${holder.purpose})`;
  if (holder !== undefined && epoch !== undefined && epoch !== holder.epoch) {
    throw new AppError({
      code: 'RC3009',
      message: `the lock is not that of epoch ${epoch}: it is held by ${named}`,
      hint: `to take it from this one:  reconcile state unlock --epoch ${holder.epoch}`,
    });
  }
  if (holder?.alive === true && epoch === undefined) {
    throw new AppError({
      code: 'RC3005',
      exit: ExitCode.locked,
      message: `the lock is held by ${named}, which may be alive`,
      hint: `stop it, or wait; to take the lock from it all the same:  reconcile state unlock --epoch ${holder.epoch}`,
    });
  }
  if (holder !== undefined) await store.unlock({ epoch: holder.epoch });
  if (options.json) {
    const shown = holder === undefined ? null : { ...holder, owner: { host: holder.owner.host, pid: holder.owner.pid }, since: formatInstant(holder.since) };
    out(JSON.stringify({ unlocked: holder !== undefined, holder: shown }));
  } else out(holder === undefined ? 'Nobody holds the lock.' : `Unlocked. It was held by ${named}${holder.alive ? '' : ', which is dead'}.`);
  return ExitCode.done;
}

/** `state list --json` and `show --json`: keys may be added, never changed. */
function toListed({
  kind,
  metadata,
  version,
  digest,
  source,
  appliedAt,
  commit,
  activeFrom,
  firstAppliedAt,
  segmentsFrom = {},
}: RecordedResource): Readonly<Record<string, unknown>> {
  const since = Object.entries(segmentsFrom).map(([segment, from]) => [segment, formatInstant(from)]);
  return {
    kind,
    name: metadata.name,
    version,
    digest,
    source,
    appliedAt: formatInstant(appliedAt),
    ...(commit === undefined ? {} : { commit }),
    ...(activeFrom === undefined ? {} : { activeFrom: formatInstant(activeFrom) }),
    ...(firstAppliedAt === undefined ? {} : { firstAppliedAt: formatInstant(firstAppliedAt) }),
    ...Object.fromEntries(since.length === 0 ? [] : [['segmentsFrom', Object.fromEntries(since)]]),
  };
}

function checkTarget(action: Action, target: string | undefined): void {
  const examples: Partial<Record<Action, string>> = { show: 'reconcile state show Segment/german-buyers', import: 'reconcile state import state.json' };
  const example = examples[action];
  if (example !== undefined && target === undefined) throw badUsage(`\`state ${action}\` needs ${action === 'show' ? 'KIND/NAME' : 'a file'}`, example);
  if (example === undefined && action !== 'list' && target !== undefined) {
    throw badUsage(`\`state ${action}\` takes nothing more, and got \`${target}\``, 'reconcile state --help');
  }
}

async function unknownName(message: string, word: string, known: Iterable<string>, otherwise: string): Promise<AppError> {
  const { nearest } = await import('../../support/nearest.ts');
  const near = nearest(word, known);
  return badUsage(message, near === undefined ? otherwise : `did you mean \`${near}\`?`);
}

function badUsage(message: string, hint: string): AppError {
  return new AppError({ code: 'RC9013', message, hint, exit: ExitCode.badUsage });
}

function parseNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('it is a number from 1.');
  return Number(text);
}
