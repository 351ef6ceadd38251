import { Argument, type Command } from 'commander';
import { bundleSchema, DESCRIBED } from '../../manifest/bundle-schema.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { nearest } from '../../support/nearest.ts';
import type { CommandContext } from '../context.ts';

export function configure(command: Command): void {
  command.addArgument(new Argument('[kind]', `one of ${DESCRIBED.join(', ')}; any kind of manifest when absent`));
  command.addHelpText(
    'after',
    `
Editors that know JSON Schema complete and check manifests with it.

Examples:
  reconcile schema > .vscode/reconcile.schema.json
    and in .vscode/settings.json: {"yaml.schemas": {".vscode/reconcile.schema.json": ["reconcile.yaml", "manifests/**/*.yaml"]}}
  reconcile schema Segment
  reconcile schema DestinationCard > .vscode/card.schema.json
    and {".vscode/card.schema.json": ["destinations/*/destination.yaml"]} beside it, for a type of destination of your own`,
  );
}

export async function run({ out }: CommandContext, [name]: readonly unknown[]): Promise<ExitCode> {
  const kind = DESCRIBED.find((one) => one.toLowerCase() === String(name).toLowerCase());
  if (name !== undefined && kind === undefined) {
    const near = nearest(String(name), DESCRIBED);
    throw new AppError({
      code: 'RC9012',
      message: `there is no kind \`${String(name)}\``,
      hint: near === undefined ? `one of ${DESCRIBED.join(', ')}` : `did you mean \`${near}\`?`,
      exit: ExitCode.badUsage,
    });
  }
  out(JSON.stringify(bundleSchema(kind), null, 2));
  return ExitCode.done;
}
