import type { Command } from 'commander';
import { formatProject } from '../../validate/format-project.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';

export function configure(command: Command): void {
  command.option('--check', 'change nothing; exit 1 when a file would change');
  command.addHelpText(
    'after',
    `
Writes reconcile.yaml, the manifests and the environments in one form: keys in the schema's order, two spaces, LF. Comments and quotes stay;
the meaning never changes. Prints the files that changed (or would).`,
  );
}

export async function run({ options, out, say }: CommandContext, _args: readonly unknown[], { check }: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { directory, environment, variables, json } = options;
  const { changed, fileCount, diagnostics } = formatProject({ directory, environment, variables }, check === true ? 'check' : 'write');
  if (json) out(JSON.stringify({ ok: diagnostics.length === 0 && (check !== true || changed.length === 0), changed, diagnostics }));
  else for (const path of changed) out(path);
  if (diagnostics.length > 0 && !json) {
    throw new AppError({
      code: 'RC1000',
      message: `${diagnostics.length === 1 ? 'one file is' : `${diagnostics.length} places are`} not formatted`,
      diagnostics,
      exit: ExitCode.invalidManifests,
    });
  }
  if (diagnostics.length > 0) return ExitCode.invalidManifests;
  const verb = check === true ? 'would change' : 'changed';
  say(`${changed.length} of ${fileCount} ${fileCount === 1 ? 'file' : 'files'} ${verb}`);
  return check === true && changed.length > 0 ? ExitCode.failed : ExitCode.done;
}
