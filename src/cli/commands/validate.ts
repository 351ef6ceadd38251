import type { Command } from 'commander';
import { ExitCode } from '../../model/exit-code.ts';
import { requireValidProject, summarizeDiagnostics } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';

export function configure(command: Command): void {
  command.addHelpText(
    'after',
    `
Opens no data and reads no secret. Tells every mistake at once; exits 8 when there is an error, 0 with warnings only.

Examples:
  reconcile validate
  reconcile validate --env prod
  reconcile validate --json | jq -r '.diagnostics[] | "\\(.file):\\(.line): \\(.message)"'`,
  );
}

export async function run({ options, out, say }: CommandContext): Promise<ExitCode> {
  const { directory, environment, variables, json, color } = options;
  const { resources, diagnostics, fileCount } = requireValidProject({ directory, environment, variables });
  if (json) out(JSON.stringify({ ok: true, diagnostics }));
  if (diagnostics.length > 0) say(`${renderDiagnostics(diagnostics, { color, directory })}\n${summarizeDiagnostics(diagnostics, fileCount)}`);
  if (!json) out(`${resources.length} ${resources.length === 1 ? 'resource' : 'resources'} in ${fileCount} ${fileCount === 1 ? 'file' : 'files'}: valid`);
  return ExitCode.done;
}
