import { Command, CommanderError, Option } from 'commander';
import { resolve } from 'node:path';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { parseInstant } from '../model/instant.ts';
import { nearest } from '../support/nearest.ts';
import { pasteable } from './command-line.ts';
import { COMMANDS } from './command-table.ts';
import type { CommandContext, GlobalOptions } from './context.ts';
import { reportError } from './report-error.ts';

/** What `main` needs of the process; tests pass their own. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: () => number;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stdin: { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

/** Runs one command line and returns its exit code. Throws only for bugs of ours. */
export async function main(host: ProcessLike): Promise<ExitCode> {
  let exit: ExitCode = ExitCode.done;
  let context: CommandContext | undefined;
  const program = new Command('reconcile');
  program
    .description('Audience activation as code: plan, apply and export customer segments.')
    .version(host.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(reconcile --help lists the commands)')
    .showSuggestionAfterError()
    .enablePositionalOptions(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.stdout.write(text), writeErr: (text) => host.stderr.write(text) });
  addGlobalOptions(program);

  const wanted = host.argv.find((word, index) => !word.startsWith('-') && !takesValue(host.argv[index - 1]));
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary).helpOption('-h, --help', 'print this help');
    if (entry.name !== wanted) continue;
    const module = await entry.load();
    module.configure(command);
    addGlobalOptions(command, true);
    command.action(async (...words: unknown[]) => {
      const args = words.slice(0, -2);
      const own = command.opts<Record<string, unknown>>();
      context = createContext(host, { ...program.opts<Record<string, unknown>>(), ...definedOnly(own) });
      exit = await module.run(context, args, own);
    });
  }
  if (wanted === undefined) program.action(() => program.help());
  else if (!COMMANDS.some(({ name }) => name === wanted)) return refuseCommand(host, wanted);

  try {
    await program.parseAsync([...host.argv], { from: 'user' });
    return exit;
  } catch (error) {
    const json = host.argv.includes('--json');
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return ExitCode.done;
      if (json) writeUsageError(host, error.message.replace(/^error: /, ''), 'reconcile --help lists the commands');
      return ExitCode.badUsage;
    }
    return reportError(error, {
      json,
      color: wantsColor(host, host.argv.includes('--no-color')),
      directory: directoryOf(host),
      pasteable: (text) => (context === undefined ? text : pasteable(text, context.options)),
      stdout: host.stdout,
      stderr: host.stderr,
    });
  }
}

const GLOBAL_OPTIONS: readonly (() => Option)[] = [
  () => new Option('-C, --directory <dir>', 'the project folder'),
  () => new Option('--env <name>', 'take values from environments/NAME.yaml'),
  () => new Option('--var <name=value>', 'a value for ${var.NAME}').argParser(collect),
  () => new Option('--state <url>', 'the state to use instead of the Project’s'),
  () => new Option('--now <time>', 'what `now` and `today` mean, ISO 8601'),
  () => new Option('--json', 'one JSON document on stdout'),
  () => new Option('--log-format <format>', 'how to write the log').choices(['text', 'json']),
  () => new Option('--no-color', 'no colours'),
  () => new Option('--no-input', 'never ask'),
  () => new Option('-v, --verbose', 'say more'),
  () => new Option('-q, --quiet', 'say less'),
];

const VALUE_FLAGS: ReadonlySet<string> = new Set(['-C', '--directory', '--env', '--var', '--state', '--now', '--log-format']);

function refuseCommand(host: ProcessLike, word: string): ExitCode {
  const near = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  );
  const hint = near === undefined ? 'reconcile --help lists the commands' : `did you mean \`${near}\`?`;
  if (host.argv.includes('--json')) writeUsageError(host, `unknown command \`${word}\``, hint);
  host.stderr.write(`error: unknown command \`${word}\`\n  = ${hint}\n`);
  return ExitCode.badUsage;
}

/** The one JSON document of a command line that was not understood; the words for people are on stderr already. */
function writeUsageError(host: ProcessLike, message: string, hint: string): void {
  host.stdout.write(`${JSON.stringify({ ok: false, diagnostics: [{ code: 'RC9021', severity: 'error', message, hint }] })}\n`);
}

/** Global options stand before or after the command's name; after it they are hidden from its help. */
function addGlobalOptions(command: Command, hidden = false): void {
  for (const create of GLOBAL_OPTIONS) command.addOption(hidden ? create().hideHelp() : create());
}

function takesValue(flag: string | undefined): boolean {
  return flag !== undefined && VALUE_FLAGS.has(flag);
}

function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

function definedOnly(options: Record<string, unknown>): Record<string, unknown> {
  // commander sets `color` and `input` to true where `--no-…` is absent; the other level may have said no.
  return Object.fromEntries(Object.entries(options).filter(([key, value]) => value !== undefined && !((key === 'color' || key === 'input') && value === true)));
}

function directoryOf(host: ProcessLike): string {
  const at = host.argv.findIndex((word) => word === '-C' || word === '--directory');
  return resolve(host.cwd, at >= 0 ? (host.argv[at + 1] ?? '.') : '.');
}

function wantsColor(host: ProcessLike, off: boolean): boolean {
  if (off || (host.env['NO_COLOR'] ?? '') !== '' || host.env['TERM'] === 'dumb') return false;
  return (host.env['FORCE_COLOR'] ?? '') !== '' || host.stderr.isTTY === true;
}

function createContext(host: ProcessLike, raw: Record<string, unknown>): CommandContext {
  const text = (key: string): string | undefined => (typeof raw[key] === 'string' ? raw[key] : undefined);
  const nowText = text('now');
  const now = nowText === undefined ? undefined : parseInstant(nowText);
  if (nowText !== undefined && now === undefined) {
    throw new AppError({
      code: 'RC9001',
      message: `--now ${JSON.stringify(nowText)} is not a time`,
      hint: 'write it as 2026-12-01T02:00:00Z',
      exit: ExitCode.badUsage,
    });
  }
  const options: GlobalOptions = {
    directory: resolve(host.cwd, text('directory') ?? '.'),
    environment: text('env'),
    variables: parseVariables((raw['var'] ?? []) as readonly string[]),
    state: text('state'),
    now,
    json: raw['json'] === true,
    logFormat: text('logFormat') === 'json' ? 'json' : 'text',
    color: wantsColor(host, raw['color'] === false),
    input: raw['input'] !== false && host.stdin.isTTY === true && host.stderr.isTTY === true && (host.env['CI'] ?? '') === '',
    verbose: raw['verbose'] === true,
    quiet: raw['quiet'] === true,
  };
  return {
    options,
    version: host.version,
    out: (line) => void host.stdout.write(line.endsWith('\n') ? line : `${line}\n`),
    say: (line) => void (options.quiet || host.stderr.write(line.endsWith('\n') ? line : `${line}\n`)),
    clock: host.clock,
    signal: host.signal,
    terminal: host.stderr.isTTY === true && host.env['TERM'] !== 'dumb',
    width: host.stderr.columns ?? 100,
  };
}

function parseVariables(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1)
        throw new AppError({
          code: 'RC9002',
          message: `--var ${JSON.stringify(pair)} is not NAME=VALUE`,
          hint: 'write --var country=DE',
          exit: ExitCode.badUsage,
        });
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
