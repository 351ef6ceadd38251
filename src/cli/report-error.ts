import type { Diagnostic } from '../model/diagnostic.ts';
import { asUserError } from '../model/system-refusal.ts';
import { ExitCode } from '../model/exit-code.ts';
import { renderDiagnostics } from './render-diagnostics.ts';

interface ReportTarget {
  readonly json: boolean;
  readonly color: boolean;
  /** Where the diagnostics' files are relative to. */
  readonly directory: string;
  /** Makes commands in a text ones that can be pasted. */
  readonly pasteable: (text: string) => string;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Prints what ended a command and returns its exit code. What a user can fix is told in full; anything else is rethrown as a bug of ours. */
export function reportError(thrown: unknown, target: ReportTarget): ExitCode {
  const error = asUserError(thrown);
  if (error === undefined) {
    // A reader of --json gets its one document even then.
    const message = `reconcile has a bug: ${thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)}`;
    if (target.json)
      target.stdout.write(`${JSON.stringify({ ok: false, diagnostics: [{ code: 'RC9000', severity: 'error', message, hint: 'please report it' }] })}\n`);
    throw thrown;
  }
  const told: readonly Diagnostic[] =
    error.diagnostics.length > 0
      ? error.diagnostics
      : [{ code: error.code, severity: 'error', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }];
  const diagnostics = told.map((one) => (one.hint === undefined ? one : { ...one, hint: target.pasteable(one.hint) }));
  if (target.json) target.stdout.write(`${JSON.stringify({ ok: false, diagnostics })}\n`);
  target.stderr.write(renderDiagnostics(diagnostics, { color: target.color, directory: target.directory }));
  if (error.diagnostics.length > 0 && error.message !== '') {
    target.stderr.write(`\n${error.message}${error.hint === undefined ? '' : `\n  = ${target.pasteable(error.hint)}`}\n`);
  }
  return error.exit;
}
