import { Option, type Command } from 'commander';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { SegmentSpec } from '../../model/generated/kinds.ts';
import { resourceKey } from '../../model/resource.ts';
import type { AppliedResource, AppliedResources } from '../../export/deps.ts';
import { requireValidProject } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';
import { findDeclared } from '../find-declared.ts';
import { formatCount } from '../format-amount.ts';
import { renderTable } from '../render-table.ts';

export function configure(command: Command): void {
  command
    .argument('[segment]', 'a Segment of the manifests')
    .option('--pql <expression>', 'a condition to try out instead')
    .option('--attributes <name>', 'the Attributes that --pql speaks of')
    .addOption(new Option('--limit <n>', 'members to show').default(5).argParser(Number));
  command.addHelpText(
    'after',
    `
Reads the manifests, not what is applied. What identifies people or carries a label is masked.

Examples:
  reconcile preview german-recent-buyers
  reconcile preview --attributes customer --pql 'homeAddress.countryCode = "DE"' --limit 20`,
  );
}

export async function run(context: CommandContext, [name]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { directory, environment, variables, json } = context.options;
  const pql = options['pql'] as string | undefined;
  const limit = options['limit'] as number;
  if (!Number.isInteger(limit) || limit < 0 || limit > 1000) throw usage('--limit is a number from 0 to 1000', 'write --limit 20');
  if ((name === undefined) === (pql === undefined))
    throw usage('preview takes a segment, or --pql with --attributes', 'reconcile preview german-recent-buyers');
  if (pql !== undefined && options['attributes'] === undefined) throw usage('--pql needs to know the attributes it speaks of', 'add --attributes NAME');
  const { resources: list } = requireValidProject({ directory, environment, variables });
  const resources: AppliedResources = new Map(list.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource satisfies AppliedResource]));
  const segment = name === undefined ? undefined : (findDeclared(list, 'Segment', String(name)).spec as SegmentSpec);
  if (segment === undefined) findDeclared(list, 'Attributes', String(options['attributes']));
  const [{ openProject }, { sampleSegment }] = await Promise.all([import('../../compose.ts'), import('../../export/sample-segment.ts')]);
  await using project = await openProject(context);
  await project.startEngine();
  const result = await sampleSegment(project, {
    resources,
    attributes: segment?.attributes ?? String(options['attributes']),
    pql: segment?.pql ?? pql ?? '',
    segment: name === undefined ? '--pql' : String(name),
    now: context.options.now ?? context.clock(),
    limit,
    signal: context.signal,
  });
  if (json) {
    context.out(JSON.stringify({ segment: name ?? null, members: result.members, sample: result.sample }));
    return ExitCode.done;
  }
  context.out(`${name === undefined ? '--pql' : String(name)}   ${formatCount(result.members)} ${result.members === 1 ? 'member' : 'members'}`);
  if (result.sample.length > 0) context.out(`\n${renderTable(result.sample)}\n\nidentities and labelled attributes are masked`);
  return ExitCode.done;
}

function usage(message: string, hint: string): AppError {
  return new AppError({ code: 'RC9006', message, hint, exit: ExitCode.badUsage });
}
