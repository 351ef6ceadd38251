import { EOF, type IToken } from 'chevrotain';
import type { Expression, PqlProblem } from '../ast.ts';
import { repairsAt, type Repair } from './candidate-repairs.ts';
import { describeError, neverClosed } from './describe-error.ts';
import { runGrammar, type GrammarResult } from './grammar.ts';
import { matchBrackets } from './match-brackets.ts';
import { otherReadings, type Doubt } from './other-readings.ts';
import { Unread, UnclosedText } from './tokens.ts';

export interface Repaired {
  /** With `broken` parts where something was wrong; undefined when nothing could be made of it. */
  readonly expression: Expression | undefined;
  readonly problems: readonly PqlProblem[];
  /** Where a missing or superfluous bracket leaves open what belongs together. */
  readonly doubtful: readonly Doubt[];
  /** What else may be meant there; undefined when that is too much to tell. */
  readonly others: readonly Expression[] | undefined;
}

const MAX_PROBLEMS = 20;
/** A text may lack as many brackets as it may have; more than that is no text any more. */
const MAX_REPAIRS = 200;
/** Words read in all, over all attempts: a hostile text of 200,000 words is not read a hundred times. */
const MAX_WORK = 2_000_000;

interface Attempt {
  readonly tokens: readonly IToken[];
  readonly result: GrammarResult;
}

/**
 * Reads tokens, and where the grammar is stuck puts a `broken` part in the place of as little as makes it go on, or sets a bracket right, so that
 * every mistake of a text is told in one go and nothing is told that only follows from another.
 */
export function parseWithRepairs(given: readonly IToken[]): Repaired {
  const problems: PqlProblem[] = [];
  const doubtful: Doubt[] = [];
  // A text without an end has swallowed whatever closes the brackets.
  let endIsTold = given.some(({ tokenType }) => tokenType === UnclosedText);
  let work = given.length;
  let current: Attempt = { tokens: given, result: runGrammar(given) };
  for (let repairs = 0; current.result.error !== undefined; repairs += 1) {
    const { tokens } = current;
    const { error } = current.result;
    const at = indexOf(error.token, tokens);
    const isAtEnd = at === tokens.length;
    if (!(isAtEnd && endIsTold) && !isTold(tokens[at])) tell(describeError(error, given.at(-1)), problems);
    endIsTold ||= isAtEnd;
    let next: Attempt | undefined;
    for (const repair of repairsAt(tokens, at, matchBrackets(tokens))) {
      if (work > MAX_WORK || repairs > MAX_REPAIRS || problems.length >= MAX_PROBLEMS) break;
      const attempt = tryRepair(tokens, repair);
      work += tokens.length;
      if (!goesOn(attempt, repair, at)) continue;
      if (repair.doubt !== undefined) doubtful.push(repair.doubt);
      // What stands there is told of already, but not that something is missing in front of it.
      if (repair.doubt?.kind === 'unclosed' && tokens[at]?.tokenType === Unread) tell(neverClosed(repair.doubt.opener), problems);
      next = attempt;
      break;
    }
    if (next === undefined) return { expression: undefined, problems, doubtful, others: undefined };
    current = next;
  }
  return { expression: current.result.expression, problems, doubtful, others: otherReadings(current.tokens, doubtful) };
}

/** At one place one problem. */
function tell(problem: PqlProblem, problems: PqlProblem[]): void {
  if (!problems.some(({ start }) => start === problem.start)) problems.push(problem);
}

function tryRepair(tokens: readonly IToken[], { from, to, put }: Repair): Attempt {
  const repaired = [...tokens.slice(0, from), ...put, ...tokens.slice(to)];
  return { tokens: repaired, result: runGrammar(repaired) };
}

/** Whether a repair was one: the grammar goes on well beyond it, or stops at once only at what is wrong by itself. */
function goesOn({ tokens, result: { error } }: Attempt, { from, to, put, suffices }: Repair, stuckAt: number): boolean {
  if (error === undefined) return true;
  const next = indexOf(error.token, tokens);
  const behind = from + put.length;
  if (next < behind) return false;
  if (next === behind) return isTold(tokens[next]) || isOwnFault(next, tokens);
  const until = next - put.length + (to - from);
  return next === tokens.length || (suffices === undefined ? until > stuckAt : suffices(until));
}

/** A bracket that closes nothing, or the end while a bracket is open. */
function isOwnFault(index: number, tokens: readonly IToken[]): boolean {
  const brackets = matchBrackets(tokens);
  return index === tokens.length ? brackets.unclosed.length > 0 : brackets.stray.has(index);
}

function isTold(token: IToken | undefined): boolean {
  return token?.tokenType === Unread || token?.tokenType === UnclosedText;
}

function indexOf(token: IToken, tokens: readonly IToken[]): number {
  if (token.tokenType === EOF) return tokens.length;
  const found = tokens.indexOf(token);
  return found < 0 ? tokens.length : found;
}
