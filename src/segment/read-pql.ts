import type { Expression, PqlProblem, Range } from './ast.ts';
import { checkPql, checkValue, type CheckedPql, type CheckOptions } from './check/check-pql.ts';
import { parsePql } from './parse/parse-pql.ts';
import type { Typed } from './typed.ts';

const MAX_PROBLEMS = 100;

export interface ReadPql {
  /** Undefined when there are errors. */
  readonly typed: Typed | undefined;
  /** In the order of the text. */
  readonly problems: readonly PqlProblem[];
  /** What was read, with `broken` parts where it could not be. */
  readonly expression: Expression | undefined;
}

type Check = (expression: Expression, options: CheckOptions) => CheckedPql;

/** What depends on where brackets stand: a type that does not fit its neighbour. */
const OF_NEIGHBOURS: ReadonlySet<string> = new Set(['RC1208', 'RC1211']);

/**
 * Parses and types a condition on profiles: a segment's `pql`. Never throws; what is wrong comes back, mistakes of grammar, names and types in one go.
 * Without options only the grammar is looked at.
 */
export function readCondition(text: string, options: CheckOptions | undefined): ReadPql {
  return read(text, options, checkPql);
}

/** The same for an expression of any type: a calculated field's. */
export function readValue(text: string, options: CheckOptions | undefined): ReadPql {
  return read(text, options, checkValue);
}

function read(text: string, options: CheckOptions | undefined, check: Check): ReadPql {
  const { problems, ...rest } = readAsWritten(text, options, check);
  return { ...rest, problems: problems.map((problem) => (isInForeignComment(text, problem) ? { ...problem, hint: 'a comment begins with `//`' } : problem)) };
}

/** Behind `--`, as SQL begins a comment. By itself it is twice a minus. */
function isInForeignComment(text: string, { start }: PqlProblem): boolean {
  return /(?:^|\s)--\s[^"\n]*$/.test(text.slice(text.lastIndexOf('\n', start - 1) + 1, start));
}

function readAsWritten(text: string, options: CheckOptions | undefined, check: Check): ReadPql {
  const { expression, problems, doubtful, others } = parsePql(text);
  if (expression === undefined || options === undefined) return { typed: undefined, problems, expression };
  const checked = check(expression, options);
  if (problems.length === 0) return { typed: checked.typed, problems: atMost(checked.problems), expression };
  const certain =
    others === undefined
      ? checked.problems.filter((problem) => !doubtful.some((range) => followsFrom(problem, range)))
      : common([checked.problems, ...others.map((other) => check(other, options).problems)], text.length);
  return { typed: undefined, problems: atMost([...problems, ...certain].toSorted((a, b) => a.start - b.start)), expression };
}

/** The first ones; that there are more is said. */
function atMost(problems: readonly PqlProblem[]): readonly PqlProblem[] {
  const next = problems[MAX_PROBLEMS];
  if (next === undefined) return problems;
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), { ...next, code: 'RC1201', message: `${more} more problems from here on`, hint: 'correct the first ones' }];
}

/** The problems that every reading has which has the fewest of them: what a bracket may be to blame for is not told. */
function common(readings: readonly (readonly PqlProblem[])[], length: number): readonly PqlProblem[] {
  const fewest = Math.min(...readings.map((problems) => problems.length));
  const likely = readings.filter((problems) => problems.length === fewest);
  const [first = [], ...rest] = likely.map((problems) => problems.map((problem) => ({ ...problem, end: Math.min(problem.end, length) })));
  const texts = rest.map((problems) => new Set(problems.map(textOf)));
  return first.filter((problem) => texts.every((known) => known.has(textOf(problem))));
}

function textOf({ code, start, end, message }: PqlProblem): string {
  return `${code} ${start} ${end} ${message}`;
}

/** Whether a problem may only be there because a bracket was put in or left out: types in the stretch, and whatever holds the bracket itself. */
function followsFrom({ code, start, end }: PqlProblem, doubt: Range): boolean {
  return start < doubt.end && end > doubt.start && (OF_NEIGHBOURS.has(code) || end >= doubt.end);
}
