import type { Diagnostic } from './diagnostic.ts';
import { ExitCode } from './exit-code.ts';

export interface AppErrorOptions {
  /** Stable code, e.g. `RC5003`; see `Diagnostic` for the ranges. */
  readonly code: string;
  /** What went wrong and where: names the thing, its place and the value found. Lower case, no final period. */
  readonly message: string;
  /** What the user can do now: a command to type, a key to change. */
  readonly hint?: string;
  /** Exit code of the process when nothing catches this; 1 by default. */
  readonly exit?: ExitCode;
  /** The places in manifests, when the error is about manifests. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly cause?: unknown;
}

/**
 * An error that a user can fix. It is printed as what, where, why and what to do, never with a stack trace.
 * Everything else that is thrown is a bug of ours and is reported as one.
 */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exit: ExitCode;
  readonly diagnostics: readonly Diagnostic[];

  constructor(options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = options.code;
    this.hint = options.hint;
    this.exit = options.exit ?? ExitCode.failed;
    this.diagnostics = options.diagnostics ?? [];
  }
}
