import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';

/**
 * Patterns are read by RE2 in the engine and by JavaScript in the segments' tests: only what means the same in both is allowed. Look-around and
 * back references, which RE2 does not have, are refused here rather than at night in an export.
 */
export function checkPattern(checker: Checker, pattern: Typed, group = 0): Typed {
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') {
    if (pattern.type.kind !== 'any')
      checker.report({ code: 'RC1208', severity: 'error', message: 'a pattern is written as a text', start: pattern.start, end: pattern.end });
    return pattern;
  }
  const problem = patternProblem(pattern.value, group);
  if (problem !== undefined) checker.report({ code: 'RC1214', severity: 'error', start: pattern.start, end: pattern.end, ...problem });
  return pattern;
}

/** What the engine's or JavaScript's patterns cannot say, and what to do instead; undefined for a pattern that both understand. */
export function patternProblem(pattern: string, group = 0): { readonly message: string; readonly hint: string } | undefined {
  if (/\(\?(?:[=!]|<[=!])/.test(pattern))
    return { message: 'look-ahead and look-behind are not supported in patterns', hint: 'join two conditions with `and`' };
  if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(pattern))
    return { message: 'back references are not supported in patterns', hint: 'compare two groups taken with regexGroup' };
  if (/\(\?P?</.test(pattern)) return { message: 'groups have no names in patterns', hint: 'write `(…)` and take the group by its number' };
  try {
    const { source, flags } = toRegExp(pattern);
    // With an empty alternative it matches anything, and says how many groups there are.
    const groups = (new RegExp(`${source}|`, flags).exec('')?.length ?? 1) - 1;
    if (group <= groups) return undefined;
    return {
      message: `the pattern has ${groups} ${groups === 1 ? 'group' : 'groups'}, not ${group}`,
      hint: 'a group stands in round brackets; 0 is the whole match',
    };
  } catch (error) {
    return {
      message: `the pattern cannot be read: ${(error as Error).message.replace(/^Invalid regular expression: (?:\/.*\/[a-z]*: )?/s, '')}`,
      hint: 'a backslash is written twice in a text: "\\\\w"',
    };
  }
}

const SPACE = '\\t\\n\\f\\r ';
const MAX_REPEATS = 1000;
const MAX_SIZE = 330_000;

/**
 * The pattern for JavaScript, with RE2's meaning: `(?i)` and `(?s)` at the start become flags, `.` is anything but a line feed, `\s` is ASCII.
 * Throws a SyntaxError for what JavaScript, RE2 or both cannot read.
 */
export function toRegExp(pattern: string): RegExp {
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const letters = new Set(flags?.[1] ?? '');
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  const { repeats, size } = measure(body);
  if (repeats > MAX_REPEATS) throw new SyntaxError(`more than ${MAX_REPEATS} repetitions, those within each other multiplied`);
  if (size > MAX_SIZE) throw new SyntaxError('too large, with its repetitions written out');
  return new RegExp(translate(body, letters.has('s')), letters.has('i') ? 'iu' : 'u');
}

/**
 * What RE2 makes of `{n}`: it writes repetitions out. `repeats`: the most within each other; `size`: about the steps of its program, of which a
 * letter takes up to four, a class a dozen and a Unicode property hundreds.
 */
function measure(body: string): { readonly repeats: number; readonly size: number } {
  const levels = [{ repeats: 1, size: 0 }];
  let last = { repeats: 1, size: 0 };
  for (const [token] of body.matchAll(/\\[pP]\{[^}]*\}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[^]/g)) {
    const level = levels.at(-1) ?? last;
    if (token === '(') levels.push({ repeats: 1, size: 0 });
    else if (/^\{\d/.test(token)) {
      const times = Math.max(...token.slice(1, -1).split(',').map(Number));
      level.size += last.size * (times - 1);
      last = { repeats: last.repeats * times, size: last.size * times };
      level.repeats = Math.max(level.repeats, last.repeats);
    } else {
      last = token === ')' && levels.length > 1 ? (levels.pop() ?? last) : { repeats: 1, size: sizeOf(token) };
      const outer = levels.at(-1) ?? last;
      outer.repeats = Math.max(outer.repeats, last.repeats);
      outer.size += last.size;
    }
  }
  return levels[0] ?? last;
}

function sizeOf(token: string): number {
  const properties = token.match(/\\[pP]/g)?.length ?? 0;
  return properties > 0 ? properties * 900 : /^(?:\[|\.|\\[wWdDsS])/.test(token) ? 15 : 4;
}

function translate(body: string, dotIsAll: boolean): string {
  let result = '';
  let inClass = false;
  for (let at = 0; at < body.length; at += 1) {
    const letter = body.charAt(at);
    if (letter === '\\') {
      at += 1;
      result += translateEscape(body.charAt(at), inClass);
    } else if (inClass) {
      if (letter === '[') throw new SyntaxError('`[` inside a class is written `\\[`');
      inClass = letter !== ']';
      result += letter;
    } else if (letter === '[') {
      if (/^\[\^?\]/.test(body.slice(at))) throw new SyntaxError('an empty class');
      inClass = true;
      result += letter;
    } else if (letter === '.') result += dotIsAll ? '[^]' : '[^\\n]';
    else result += letter;
  }
  return result;
}

function translateEscape(letter: string, inClass: boolean): string {
  if (letter === 's') return inClass ? SPACE : `[${SPACE}]`;
  if (letter === 'S' && !inClass) return `[^${SPACE}]`;
  if (/[dDwWnrtf]/.test(letter) || (/[bBx]/.test(letter) && !inClass) || letter === 'p' || letter === 'P') return `\\${letter}`;
  if (/[\^$\\.*+?()[\]{}|/]/.test(letter)) return `\\${letter}`;
  if (letter === '-') return inClass ? '\\-' : '-';
  if (/[!-/:-@[-`{-~]/.test(letter)) return letter;
  throw new SyntaxError(letter === '' ? '`\\` at the end' : `unknown escape \`\\${letter}\``);
}
