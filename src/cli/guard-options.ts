import { InvalidArgumentError, Option, type Command } from 'commander';
import type { AllowOnce } from '../export/guards.ts';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { parseInstant } from '../model/instant.ts';
import { currentActor } from '../state/actor.ts';

const NUMBERS = [
  ['removed', 'exactly so many members leave'],
  ['added', 'exactly so many members join'],
  ['members', 'it has exactly so few members'],
  ['shrunk', 'its source has lost exactly so many rows'],
  ['rejected', 'exactly so many rows are left out that are not as expected'],
] as const;

/** The flags that let one run pass a guard, each only with the number that was measured (contract section 3). */
export function addGuardOptions(command: Command): void {
  for (const [name, what] of NUMBERS) command.addOption(new Option(`--allow-${name} <n>`, `let this run pass although ${what}`).argParser(parseCount));
  command
    .addOption(new Option('--allow-stale <time>', 'let this run pass although the newest event of its source is of that time').argParser(parseTime))
    .option('--because <text>', 'why it may pass; recorded with who said so');
}

/** What they said; undefined when none was given. `--because` alone explains nothing and is refused with RC9011 (exit 64). */
export function readGuardOptions(options: Readonly<Record<string, unknown>>): AllowOnce | undefined {
  const number = (name: string): number | undefined => options[name] as number | undefined;
  const numbers = {
    removed: number('allowRemoved'),
    added: number('allowAdded'),
    members: number('allowMembers'),
    shrunk: number('allowShrunk'),
    rejected: number('allowRejected'),
    stale: number('allowStale'),
  };
  const because = typeof options['because'] === 'string' ? options['because'] : undefined;
  if (Object.values(numbers).every((value) => value === undefined)) {
    if (because === undefined) return undefined;
    throw new AppError({
      code: 'RC9011',
      message: '`--because` explains an override, and none is given',
      hint: 'add the one that the held run prints, such as --allow-removed=120',
      exit: ExitCode.badUsage,
    });
  }
  return { ...numbers, by: currentActor(), ...(because === undefined ? {} : { because }) };
}

function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('it is a number, such as 120.');
  return Number(text);
}

function parseTime(text: string): number {
  const time = parseInstant(text);
  if (time === undefined) throw new InvalidArgumentError('it is a time, such as 2026-12-01T02:00:00Z.');
  return time;
}
