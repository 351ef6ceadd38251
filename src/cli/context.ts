import type { Command } from 'commander';
import type { ExitCode } from '../model/exit-code.ts';
import type { Instant } from '../model/instant.ts';

/** The options every command understands (contract section 3). */
export interface GlobalOptions {
  /** Absolute path of the project's folder (`-C DIR`, else the working directory). */
  readonly directory: string;
  readonly environment: string | undefined;
  /** `--var NAME=VALUE`, not yet parsed: values are YAML scalars. */
  readonly variables: Readonly<Record<string, string>>;
  /** `--state URL`, overriding the Project's. */
  readonly state: string | undefined;
  /** `--now`: what `now` and `today` mean. Undefined: the wall clock at the start. */
  readonly now: Instant | undefined;
  readonly json: boolean;
  readonly logFormat: 'text' | 'json';
  readonly color: boolean;
  /** False with `--no-input`, in CI, and when stdin or stderr is not a terminal. */
  readonly input: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

/** What a command gets from the outside. Commands print nothing but through `out` and `say`, and never call `process.exit`. */
export interface CommandContext {
  readonly options: GlobalOptions;
  /** Of this program, as package.json has it. */
  readonly version: string;
  /** Data, to stdout, as is. */
  out(text: string): void;
  /** Talk, to stderr, unless `--quiet`. */
  say(text: string): void;
  /** The wall clock. */
  readonly clock: () => Instant;
  /** Aborted by SIGINT or SIGTERM: finish or undo what is in flight, then return. */
  readonly signal: AbortSignal;
  /** True when stderr is a terminal that takes cursor movements. */
  readonly terminal: boolean;
  /** Columns of the terminal; 100 when there is none. */
  readonly width: number;
}

/** A file in `commands/`: its arguments and options, and the action. Loaded only when it is the command that runs. */
export interface CommandModule {
  /** Adds arguments and options, help text and examples. */
  configure(command: Command): void;
  /** `args` as commander gives them, `options` the command's own. Returns the exit code; throws `AppError` for what a user can fix. */
  run(context: CommandContext, args: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode>;
}
