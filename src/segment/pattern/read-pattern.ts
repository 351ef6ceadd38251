import { createRequire } from 'node:module';
import type { RE2JS, RE2JSSyntaxException } from 're2js';
import { programSize, type Instruction } from './program-size.ts';
import { spellForPort } from './spelling.ts';

/** A regular expression that means what the engine's RE2 makes of it. */
export interface Pattern {
  readonly groups: number;
  /** Whether it matches anywhere in the text. */
  matches(text: string): boolean;
  /** A group of the first match, empty when it took no part in it; undefined without a match. */
  group(text: string, number: number): string | undefined;
}

export interface PatternProblem {
  readonly message: string;
  readonly hint: string;
}

/** The engine's RE2 has 8 MiB for a pattern, two thirds of them for its program of 8-byte steps; what it adds around a program, and what `patternSql` puts before one, is left out here. */
const MAX_SIZE = 698_990;
const MAX_KEPT = 100;
const kept = new Map<string, Pattern | PatternProblem>();

/** Reads a pattern as the engine does, in time that grows with the text alone: no pattern makes it try again and again. */
export function readPattern(text: string): Pattern | PatternProblem {
  const known = kept.get(text);
  if (known !== undefined) return known;
  if (kept.size >= MAX_KEPT) kept.clear();
  const read = compile(text);
  kept.set(text, read);
  return read;
}

/** What the engine would not read, and what to do instead; undefined for a pattern that has the group. */
export function patternProblem(text: string, group = 0): PatternProblem | undefined {
  const read = readPattern(text);
  if ('message' in read) return read;
  const { groups } = read;
  if (group > 9) return { message: 'the engine takes the groups 0 to 9 alone', hint: 'write `(?:…)` where a group is not wanted' };
  if (group <= groups) return undefined;
  return {
    message: `the pattern has ${groups} ${groups === 1 ? 'group' : 'groups'}, not ${group}`,
    hint: 'a group stands in round brackets; 0 is the whole match',
  };
}

function compile(source: string): Pattern | PatternProblem {
  const { text, refused } = spellForPort(source);
  if (refused !== undefined) return explain(refused.startsWith('(') ? 'invalid named capture' : 'invalid character class range', refused);
  let regex: RE2JS;
  try {
    regex = port().compile(text);
  } catch (error) {
    const { name, error: description, input } = error as RE2JSSyntaxException;
    if (name !== 'RE2JSSyntaxException') throw error;
    return explain(description, input ?? '');
  }
  // Newer Unicode than the engine's makes properties a little larger or smaller.
  const most = /\\[pP]/.test(source) ? MAX_SIZE * 0.95 : MAX_SIZE;
  if (programSize(programOf(regex), most, foldsOf) > most) return explain('expression too large', '');
  return new PortedPattern(regex, text);
}

class PortedPattern implements Pattern {
  readonly groups: number;
  readonly #regex: RE2JS;
  readonly #text: string;
  #emptyWithin: boolean | undefined;

  constructor(regex: RE2JS, text: string) {
    this.groups = regex.groupCount();
    this.#regex = regex;
    this.#text = text;
  }

  matches(text: string): boolean {
    return this.#regex.test(text) || this.#placeWithin(text) !== undefined;
  }

  group(text: string, number: number): string | undefined {
    const matcher = this.#regex.matcher(text);
    const found = matcher.find();
    const within = this.#placeWithin(text);
    if (within !== undefined && (!found || matcher.start() > within)) return '';
    return found ? (matcher.group(number) ?? '') : undefined;
  }

  /**
   * The engine looks between bytes, so that `\B` holds in the middle of every character beyond ASCII, where nothing but an empty match can stand:
   * the first such character, for a pattern that matches nothing there.
   */
  #placeWithin(text: string): number | undefined {
    if (!this.#text.includes('\\B')) return undefined;
    const place = text.search(/[\u0080-\u{10ffff}]/u);
    if (place < 0) return undefined;
    this.#emptyWithin ??= matchesEmptyWithin(this.#text);
    return this.#emptyWithin ? place : undefined;
  }
}

/** Whether a pattern matches nothing between two characters that are no part of a word, neither of which is looked at. */
function matchesEmptyWithin(text: string): boolean {
  const closed = /\\Q(?:(?!\\E)[^])*$/.test(text) ? `${text}\\E` : text;
  return port().compile(`^(?s:.)(?:${closed})(?s:.)$`).test('éé');
}

/** A letter and all that is the same without regard to case: as the port writes it out in a class of more than that letter. */
function foldsOf(rune: number): readonly number[] {
  const ranges = programOf(port().compile(`(?i)[\\x{${rune.toString(16)}}\\x{10ffff}]`)).flatMap(({ runes }) => Array.from(runes));
  return ranges.slice(0, -2);
}

function programOf(regex: RE2JS): readonly Instruction[] {
  return (regex.re2().prog as { readonly inst: readonly Instruction[] }).inst;
}

let loaded: typeof RE2JS | undefined;

/** Loaded with the first pattern: most commands, and most projects, see none. */
function port(): typeof RE2JS {
  loaded ??= (createRequire(import.meta.url)('re2js') as { readonly RE2JS: typeof RE2JS }).RE2JS;
  return loaded;
}

const ADVICE: Readonly<Record<string, readonly [(part: string) => string, string]>> = {
  'invalid escape sequence': [(part) => `\`${part}\` is no escape`, 'a backslash is written twice in a text: "\\\\w"'],
  'invalid character class range': [(part) => `\`${part}\` is no class of characters`, 'write `[a-z]`, `\\\\d`, `\\\\p{L}` or `[[:alpha:]]`'],
  'invalid named capture': [(part) => `\`${part}\` is no name of a group`, 'write `(…)`, or `(?P<name>…)` with letters and digits'],
  'invalid or unsupported Perl syntax': [(part) => `\`${part}\` is not supported in patterns`, 'write `(?:…)` for a group, `(?i)` for any case'],
  'invalid nested repetition operator': [(part) => `\`${part}\` repeats a repetition`, 'write the inner one in brackets: `(?:a+)*`'],
  'invalid repeat count': [(part) => `\`${part}\` repeats too often or backwards`, 'at most 1000 times, those within each other multiplied'],
  'missing closing ]': [(part) => `the class \`${part}\` has no end`, 'write `]` behind it, or `\\\\[` for the character'],
  'missing closing )': [() => 'a `(` has no `)`', 'write `)` behind the group, or `\\\\(` for the character'],
  'missing argument to repetition operator': [
    (part) => `there is nothing that \`${part}\` could repeat`,
    'for the character itself write a backslash before it: `\\\\*`',
  ],
  'trailing backslash at end of expression': [() => '`\\` at the end', 'for the character itself write it twice: `\\\\\\\\`'],
  'unexpected )': [() => 'a `)` has no `(`', 'write `\\\\)` for the character'],
  'expression nests too deeply': [() => 'more than a thousand groups within each other', 'write it flatter'],
  'expression too large': [() => 'too large, with its repetitions written out', 'write it shorter, with fewer repetitions'],
};

function explain(description: string, part: string): PatternProblem {
  if (/^\(\?<?[=!]/.test(part)) return { message: 'look-ahead and look-behind are not supported in patterns', hint: 'join two conditions with `and`' };
  if (/^\\[1-9]/.test(part) && description === 'invalid escape sequence')
    return { message: 'back references are not supported in patterns', hint: 'compare two groups taken with regexGroup' };
  const [say, hint] = ADVICE[description] ?? [() => description, 'write it as RE2 reads it'];
  const shown = [...part].length > 40 ? `${[...part].slice(0, 40).join('')}…` : part;
  return { message: `the pattern cannot be read: ${say(shown)}`, hint };
}
