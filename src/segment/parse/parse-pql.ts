import type { ILexingError, IToken } from 'chevrotain';
import type { PqlProblem } from '../ast.ts';
import { describeForeign, hintForUnread } from './describe-error.ts';
import { parseWithRepairs, type Repaired } from './repair.ts';
import { endOf, isA } from './token-range.ts';
import { Arrow, Close, CloseList, Exists, Forall, Let, Open, OpenList, Over, Select, tokenize, Unread } from './tokens.ts';

/** Texts longer than this are refused before anything looks at them. */
const MAX_CHARACTERS = 1_000_000;
/** Brackets, quantifiers and `let` within each other. A person writes a dozen; the bound keeps every walk over the tree off the stack's end. */
const MAX_DEPTH = 120;
/** Operators in a row on one level (`a + b + …`); lists, `and` and `or` have no such bound. */
const MAX_TOKENS = 200_000;

/** Reads a PQL text into a tree. Never throws: what is wrong comes back as problems, all in one go. */
export function parsePql(text: string): Repaired {
  if (text.length > MAX_CHARACTERS) return refuse(text, `the expression has ${text.length} characters, at most ${MAX_CHARACTERS} are read`);
  const { tokens, errors } = tokenize(text);
  const found: PqlProblem[] = errors.map((error) => describeUnread(error, text));
  for (const token of tokens) {
    const foreign = describeForeign(token);
    if (foreign !== undefined) found.push(foreign);
  }
  if (tokens.length === 0 && found.length === 0) return refuse(text, 'the expression is empty');
  const deep = findTooDeep(tokens);
  if (deep !== undefined) return { expression: undefined, problems: inOrder([...found, deep]), doubtful: [], others: [] };
  const repaired = parseWithRepairs(withUnread(tokens, errors, text));
  // A word that is told of already needs no second hint, be the grammar stuck there as well.
  const told = new Set(found.map(({ start }) => start));
  return { ...repaired, problems: inOrder([...found, ...repaired.problems.filter(({ start }) => !told.has(start))]) };
}

function describeUnread({ offset, length }: ILexingError, text: string): PqlProblem {
  return {
    code: 'RC1201',
    severity: 'error',
    message: `unexpected ${JSON.stringify(text.slice(offset, offset + Math.min(length, 20)))}`,
    start: offset,
    end: offset + Math.max(1, length),
    ...hintForUnread(text.charAt(offset)),
  };
}

/** The tokens with one more wherever something could not be read. */
function withUnread(tokens: readonly IToken[], errors: readonly ILexingError[], text: string): readonly IToken[] {
  if (errors.length === 0) return tokens;
  const unread = errors.map(({ offset, length }): IToken => {
    const image = text.slice(offset, offset + length);
    return { image, startOffset: offset, endOffset: offset + length - 1, tokenType: Unread, tokenTypeIdx: Unread.tokenTypeIdx ?? 0 };
  });
  return [...tokens, ...unread].sort((a, b) => a.startOffset - b.startOffset);
}

function inOrder(problems: readonly PqlProblem[]): readonly PqlProblem[] {
  return problems.toSorted((a, b) => a.start - b.start).slice(0, 20);
}

function refuse(text: string, message: string): Repaired {
  return {
    expression: undefined,
    problems: [{ code: 'RC1201', severity: 'error', message, start: 0, end: Math.min(text.length, 1) }],
    doubtful: [],
    others: [],
  };
}

function tooDeep(token: IToken, message: string): PqlProblem {
  return {
    code: 'RC1202',
    severity: 'error',
    message,
    start: token.startOffset,
    end: endOf(token),
    hint: 'split it into several segments and join them with inSegment',
  };
}

function findTooDeep(tokens: readonly IToken[]): PqlProblem | undefined {
  let depth = 0;
  let nesting = 0;
  let row = 0;
  for (const token of tokens) {
    const type = token.tokenType;
    if (type === Open || type === OpenList) depth += 1;
    else if (type === Close || type === CloseList) depth -= 1;
    else if (type === Exists || type === Forall || type === Let || type === Select || type === Over || isA(token, Arrow)) nesting += 1;
    const image = token.image;
    if (image === '-' || image === '+' || image === '*' || image === '/' || image === '%' || image === '.' || image === '!' || /^not$/i.test(image)) row += 1;
    else if (/^(?:and|or|,)$/i.test(image)) row = 0;
    if (depth > MAX_DEPTH) return tooDeep(token, `the expression is nested more than ${MAX_DEPTH} deep`);
    if (nesting > 4 * MAX_DEPTH) return tooDeep(token, `the expression has more than ${4 * MAX_DEPTH} quantifiers and functions`);
    if (row > 4 * MAX_DEPTH) return tooDeep(token, `the expression has more than ${4 * MAX_DEPTH} operators in a row`);
  }
  return tokens.length > MAX_TOKENS ? tooDeep(tokens[MAX_TOKENS] as IToken, `the expression has more than ${MAX_TOKENS} words`) : undefined;
}
