import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';

/**
 * Patterns are read by RE2 in the engine and by JavaScript in the segments' tests: only what means the same in both is allowed. Look-around and
 * back references, which RE2 does not have, are refused here rather than at night in an export.
 */
export function checkPattern(checker: Checker, pattern: Typed): Typed {
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') {
    if (pattern.type.kind !== 'any')
      checker.report({ code: 'RC1208', severity: 'error', message: 'a pattern is written as a text', start: pattern.start, end: pattern.end });
    return pattern;
  }
  const problem = patternProblem(pattern.value);
  if (problem !== undefined) checker.report({ code: 'RC1214', severity: 'error', start: pattern.start, end: pattern.end, ...problem });
  return pattern;
}

/** What the engine's or JavaScript's patterns cannot say, and what to do instead; undefined for a pattern that both understand. */
export function patternProblem(pattern: string): { readonly message: string; readonly hint: string } | undefined {
  if (/\(\?(?:[=!]|<[=!])/.test(pattern))
    return { message: 'look-ahead and look-behind are not supported in patterns', hint: 'join two conditions with `and`' };
  if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(pattern))
    return { message: 'back references are not supported in patterns', hint: 'compare two groups taken with regexGroup' };
  try {
    toRegExp(pattern);
    return undefined;
  } catch (error) {
    return {
      message: `the pattern cannot be read: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
      hint: 'a backslash is written twice in a text: "\\\\w"',
    };
  }
}

const SPACE = '\\t\\n\\f\\r ';
const MAX_REPEAT = 1000;

/**
 * The pattern for JavaScript, with RE2's meaning: `(?i)` and `(?s)` at the start become flags, `.` is anything but a line feed, `\s` is ASCII.
 * Throws a SyntaxError for what JavaScript, RE2 or both cannot read.
 */
export function toRegExp(pattern: string): RegExp {
  const flags = /^\(\?([is]+)\)/.exec(pattern);
  const letters = new Set(flags?.[1] ?? '');
  const body = flags === null ? pattern : pattern.slice(flags[0].length);
  for (const [, most = ''] of body.matchAll(/\{\d*,?(\d+)\}/g)) if (Number(most) > MAX_REPEAT) throw new SyntaxError(`more than ${MAX_REPEAT} repetitions`);
  return new RegExp(translate(body, letters.has('s')), letters.has('i') ? 'iu' : 'u');
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
