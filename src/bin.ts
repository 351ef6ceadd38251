#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMAND_NAMES } from './cli/command-names.ts';
import { loadProgram } from './cli/load-program.ts';

const packageFile = new URL('../package.json', import.meta.url);
const version = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;

/** Held from the start: a connector that is not ours finds others in their place (`destination/contain-connector.ts`). */
const exit = process.exit.bind(process);
const stdout = { write: process.stdout.write.bind(process.stdout) };

// The most frequent question is answered before anything is loaded.
if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stdout.write(`${version}\n`);
} else {
  void start();
}

async function start(): Promise<void> {
  const stop = new AbortController();
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      // To exit in the usual way means to wait for the engine's threads, which within one row look at nothing else: the signal itself does not.
      if (stop.signal.aborted) {
        process.removeAllListeners(name);
        process.kill(process.pid, name);
        return;
      }
      process.stderr.write(`${describeSignal(name)}\n`);
      stop.abort(Object.assign(new Error(name), { code }));
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that goes away (`reconcile … | head`) has seen enough; how the command ends is still told by its exit code.
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: stdout cannot be written: ${error.message}\n`);
    exit(1);
  });
  // That nobody reads the log, or that its disk is full, ends no export.
  process.stderr.on('error', () => {});
  const { main, keepCompiled } = loadProgram(fileURLToPath(new URL('./program.cjs', import.meta.url)), commandOf(process.argv.slice(2)));
  try {
    process.exitCode = await main({
      argv: process.argv.slice(2),
      cwd: process.cwd(),
      env: process.env,
      version,
      clock: () => Date.now(),
      stdout,
      stderr: process.stderr,
      stdin: process.stdin,
      signal: stop.signal,
    });
    if (process.exitCode === 0) keepCompiled();
  } catch (error) {
    process.stderr.write(
      `reconcile ${version} has a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nplease report it with the command you typed\n`,
    );
    process.exitCode = 1;
  }
  endSoon();
}

const LEFT_OPEN_MS = 2_000;

/** What a library leaves open, such as a connection to a server that never answers, does not hold up a command that is done and has said everything. */
function endSoon(): void {
  setTimeout(() => {
    if (process.stdout.writableLength + process.stderr.writableLength > 0) endSoon();
    else exit();
  }, LEFT_OPEN_MS).unref();
}

/** What tells apart the parts of the program that are needed; a word that only looks like a command does no harm. */
function commandOf(words: readonly string[]): string {
  return words.find((word) => (COMMAND_NAMES as readonly string[]).includes(word)) ?? 'reconcile';
}

/** As one JSON object where the log is made of those; the command line may not have been understood yet, so it is looked at as it is. */
function describeSignal(signal: string): string {
  const message = `${signal}: finishing what is in flight; once more to stop at once`;
  const { argv } = process;
  const asJson = argv.some((word, index) => word === '--log-format=json' || (word === '--log-format' && argv[index + 1] === 'json'));
  return asJson ? JSON.stringify({ time: new Date().toISOString(), level: 'info', event: 'signal', message, signal }) : message;
}
