import { createInterface } from 'node:readline/promises';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { CommandContext } from './context.ts';

/** RC9004, exit 64: an answer is needed and nobody can give one. `flag` is what says it beforehand. */
export function requireInput({ options }: CommandContext, flag: string): void {
  if (options.input) return;
  throw new AppError({
    code: 'RC9004',
    message: 'this needs a confirmation, and there is no terminal to ask on',
    hint: `say it beforehand with ${flag}`,
    exit: ExitCode.badUsage,
  });
}

/** Asks on stderr, so that stdout stays data. Undefined when the input ends or the command is interrupted. */
async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  signal.addEventListener('abort', abort, { once: true });
  terminal.once('close', abort);
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return (await terminal.question(question, { signal: stop.signal })).trim();
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener('abort', abort);
    terminal.close();
  }
}

/** y/N; anything but a yes is a no. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `, signal)) ?? '');
}

/** For what cannot be taken back: the name, typed. */
export async function confirmByName(what: string, name: string, signal: AbortSignal): Promise<boolean> {
  return (await ask(`${what} Type the project’s name, ${name}, to go on: `, signal)) === name;
}
