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
  const refuse = (message: string, hint: string): void =>
    checker.report({ code: 'RC1214', severity: 'error', message, start: pattern.start, end: pattern.end, hint });
  if (/\(\?(?:[=!]|<[=!])/.test(pattern.value)) refuse('look-ahead and look-behind are not supported in patterns', 'join two conditions with `and`');
  else if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(pattern.value))
    refuse('back references are not supported in patterns', 'compare two groups taken with regexGroup');
  else {
    try {
      toRegExp(pattern.value);
    } catch (error) {
      refuse(
        `the pattern cannot be read: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
        'a backslash is written twice in a text: "\\\\w"',
      );
    }
  }
  return pattern;
}

/** The pattern for JavaScript; `(?i)` and its like at the start become flags. */
export function toRegExp(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  return new RegExp(flags === null ? pattern : pattern.slice(flags[0].length), `u${flags?.[1] ?? ''}`);
}
