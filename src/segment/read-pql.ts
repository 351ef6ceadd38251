import type { PqlProblem } from './ast.ts';
import { checkPql, type CheckOptions } from './check/check-pql.ts';
import { parsePql } from './parse/parse-pql.ts';
import type { Typed } from './typed.ts';

export interface ReadPql {
  /** Undefined when there are errors. */
  readonly typed: Typed | undefined;
  readonly problems: readonly PqlProblem[];
}

/** Parses and types a condition on profiles: a segment's `pql`. Never throws; what is wrong comes back, several problems in one go. */
export function readCondition(text: string, options: CheckOptions): ReadPql {
  const { expression, problems } = parsePql(text);
  return expression === undefined ? { typed: undefined, problems } : checkPql(expression, options);
}
