import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { ExitCode } from '../model/exit-code.ts';
import { renderDiagnostics } from './render-diagnostics.ts';

interface ReportTarget {
  readonly json: boolean;
  readonly color: boolean;
  /** Where the diagnostics' files are relative to. */
  readonly directory: string;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Prints what ended a command and returns its exit code. What a user can fix is told in full; anything else is rethrown as a bug of ours. */
export function reportError(error: unknown, target: ReportTarget): ExitCode {
  if (!(error instanceof AppError)) throw error;
  const diagnostics: readonly Diagnostic[] =
    error.diagnostics.length > 0
      ? error.diagnostics
      : [{ code: error.code, severity: 'error', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }];
  if (target.json) target.stdout.write(`${JSON.stringify({ ok: false, diagnostics })}\n`);
  target.stderr.write(renderDiagnostics(diagnostics, { color: target.color, directory: target.directory }));
  if (error.diagnostics.length > 0 && error.message !== '') {
    target.stderr.write(`\n${error.message}${error.hint === undefined ? '' : `\n  = ${error.hint}`}\n`);
  }
  return error.exit;
}
