import { relative } from 'node:path';
import { formatInstant, parseInstant } from '../model/instant.ts';
import type { GlobalOptions } from './context.ts';
import { COMMANDS } from './command-table.ts';

/** How the user calls us, with the global flags that decide what is meant; quoted for a shell. */
export function commandLine(options: GlobalOptions): string {
  return ['reconcile', ...placeFlags(options)].join(' ');
}

/**
 * A text with each command that it names made one that can be pasted: records and rules speak of `reconcile run …`, which means another project where
 * `-C`, `--env`, `--var` or `--state` were given. A `--now` goes along, but not for a slot that lies after it.
 */
export function pasteable(text: string, options: GlobalOptions): string {
  const flags = placeFlags(options);
  if (flags.length === 0 && options.now === undefined) return text;
  return text.replaceAll(KNOWN, (whole: string, command: string, offset: number) => {
    const slot = /^[^`;]*?--slot (\S+)/.exec(text.slice(offset))?.[1];
    const isLater = slot !== undefined && options.now !== undefined && (parseInstant(slot) ?? Infinity) > options.now;
    const now =
      options.now === undefined || isLater || !TIMED.has(command) || text.startsWith('reconcile runs show', offset)
        ? []
        : ['--now', formatInstant(options.now)];
    return whole.replace('reconcile', ['reconcile', ...flags, ...now].join(' '));
  });
}

const KNOWN = new RegExp(`\\breconcile (${COMMANDS.map(({ name }) => name).join('|')})(?![\\w-])`, 'g');
/** Commands that ask what `now` means. */
const TIMED: ReadonlySet<string> = new Set(['run', 'runs', 'evaluate', 'watch', 'plan', 'apply', 'preview', 'explain']);

function placeFlags({ directory, environment, variables, state }: GlobalOptions): readonly string[] {
  const near = relative(process.cwd(), directory);
  const place = near.startsWith('..') ? directory : near;
  return [
    ...(place === '' ? [] : ['-C', quote(place)]),
    ...(environment === undefined ? [] : ['--env', quote(environment)]),
    ...Object.entries(variables).flatMap(([name, value]) => ['--var', quote(`${name}=${value}`)]),
    ...(state === undefined ? [] : ['--state', quote(state)]),
  ];
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
