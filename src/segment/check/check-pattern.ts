import { patternProblem } from '../pattern/read-pattern.ts';
import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';

/** What the engine would refuse is refused here rather than at night in an export. */
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
