import { Argument, type Command } from 'commander';
import { bundleSchema } from '../../manifest/bundle-schema.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { KINDS } from '../../model/resource.ts';
import { nearest } from '../../support/nearest.ts';
import type { CommandContext } from '../context.ts';

export function configure(command: Command): void {
  command.addArgument(new Argument('[kind]', `one of ${KINDS.join(', ')}; any kind when absent`));
  command.addHelpText(
    'after',
    `
Editors that know JSON Schema complete and check manifests with it.

Examples:
  reconcile schema > .vscode/reconcile.schema.json
    and in .vscode/settings.json: {"yaml.schemas": {".vscode/reconcile.schema.json": ["reconcile.yaml", "manifests/**/*.yaml"]}}
  reconcile schema Segment`,
  );
}

export async function run({ out }: CommandContext, [name]: readonly unknown[]): Promise<ExitCode> {
  const kind = KINDS.find((one) => one.toLowerCase() === String(name).toLowerCase());
  if (name !== undefined && kind === undefined) {
    const near = nearest(String(name), KINDS);
    throw new AppError({
      code: 'RC9012',
      message: `there is no kind \`${String(name)}\``,
      hint: near === undefined ? `one of ${KINDS.join(', ')}` : `did you mean \`${near}\`?`,
      exit: ExitCode.badUsage,
    });
  }
  out(JSON.stringify(bundleSchema(kind), null, 2));
  return ExitCode.done;
}
