import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
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

/** What the operating system refused (a full disk, a file where a folder should be, missing rights) is the user's to fix, wherever it came up. */
function asUserError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return thrown;
  // What failed first is what is told, not what failed while cleaning up after it.
  if (thrown instanceof SuppressedError) return asUserError(thrown.suppressed) ?? asUserError(thrown.error);
  if (!(thrown instanceof Error)) return undefined;
  const { code, syscall, path } = thrown as NodeJS.ErrnoException;
  const known = code === undefined || syscall === undefined ? undefined : REFUSALS[code];
  if (known === undefined) return undefined;
  return new AppError({
    code: 'RC9020',
    message: `${path === undefined ? 'the operating system refused' : `\`${path}\` cannot be used`}: ${known.why}`,
    hint: known.hint,
    cause: thrown,
  });
}

const RIGHTS = 'give the user that runs reconcile the right to it, or choose another place';
const IN_THE_WAY = 'move what is in the way, or choose another place';
const SPACE = 'free some space, then try again; what was recorded before is whole';
const REFUSALS: Readonly<Record<string, { readonly why: string; readonly hint: string }>> = {
  ENOSPC: { why: 'the disk is full', hint: SPACE },
  EDQUOT: { why: 'the disk quota is used up', hint: SPACE },
  EACCES: { why: 'permission denied', hint: RIGHTS },
  EPERM: { why: 'the operating system does not permit it', hint: RIGHTS },
  EROFS: { why: 'it is on a read-only file system', hint: RIGHTS },
  ENOTDIR: { why: 'a part of the path is a file, not a folder', hint: IN_THE_WAY },
  EEXIST: { why: 'something else is there already', hint: IN_THE_WAY },
  EISDIR: { why: 'it is a folder, not a file', hint: IN_THE_WAY },
  ELOOP: { why: 'its links lead in a circle', hint: IN_THE_WAY },
  ENAMETOOLONG: { why: 'the name is too long', hint: 'choose a shorter one' },
  EMFILE: { why: 'too many files are open', hint: 'raise the limit of open files (ulimit -n), then try again' },
};
