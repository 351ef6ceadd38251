import { EOF, MismatchedTokenException, NoViableAltException, type IToken } from 'chevrotain';
import type { Expression, PqlProblem } from '../ast.ts';
import { runGrammar } from './grammar.ts';
import { Arrow, Close, CloseList, Exists, Forall, Let, Open, OpenList, Over, Select, tokenize, UnclosedText } from './tokens.ts';

export interface ParsedPql {
  /** Undefined when the text has syntax errors. */
  readonly expression: Expression | undefined;
  readonly problems: readonly PqlProblem[];
}

/** Texts longer than this are refused before anything looks at them. */
const MAX_CHARACTERS = 1_000_000;
/** Brackets, quantifiers and `let` within each other. A person writes a dozen; the bound keeps every walk over the tree off the stack's end. */
const MAX_DEPTH = 120;
/** Operators in a row on one level (`a + b + …`); lists, `and` and `or` have no such bound. */
const MAX_TOKENS = 200_000;

/** Reads a PQL text into a tree. Never throws: what is wrong comes back as problems, several in one go. */
export function parsePql(text: string): ParsedPql {
  if (text.length > MAX_CHARACTERS) return refuse(text, `the expression has ${text.length} characters, at most ${MAX_CHARACTERS} are read`);
  const { tokens, errors: unread } = tokenize(text);
  const problems: PqlProblem[] = unread.map(({ offset, length }) => ({
    code: 'RC1201',
    severity: 'error',
    message: `unexpected ${JSON.stringify(text.slice(offset, offset + Math.min(length, 20)))}`,
    start: offset,
    end: offset + Math.max(1, length),
    ...(text.charAt(offset) === "'" ? { hint: 'texts stand in double quotes: "DE"' } : {}),
    ...(text.charAt(offset) === '&' || text.charAt(offset) === '|' ? { hint: 'write `and`, `or`' } : {}),
  }));
  for (const token of tokens) {
    if (token.tokenType === UnclosedText)
      problems.push({
        code: 'RC1201',
        severity: 'error',
        message: 'this text has no closing quote',
        start: token.startOffset,
        end: endOf(token),
        hint: 'end it with "',
      });
  }
  if (tokens.length === 0) return refuse(text, 'the expression is empty');
  const deep = findTooDeep(tokens);
  if (deep !== undefined) problems.push(deep);
  if (problems.length > 0) return { expression: undefined, problems };
  const { expression, errors } = runGrammar(tokens);
  for (const error of errors) problems.push(describeError(error, tokens, text));
  return { expression: problems.length > 0 ? undefined : expression, problems: problems.slice(0, 20) };
}

function refuse(text: string, message: string): ParsedPql {
  return { expression: undefined, problems: [{ code: 'RC1201', severity: 'error', message, start: 0, end: Math.min(text.length, 1) }] };
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
    else if (type === Exists || type === Forall || type === Let || type === Select || type === Over || type === Arrow) nesting += 1;
    const image = token.image;
    if (image === '-' || image === '+' || image === '*' || image === '/' || image === '%' || image === '.' || image === '!' || /^not$/i.test(image)) row += 1;
    else if (/^(?:and|or|,)$/i.test(image)) row = 0;
    if (depth > MAX_DEPTH) return tooDeep(token, `the expression is nested more than ${MAX_DEPTH} deep`);
    if (nesting > 4 * MAX_DEPTH) return tooDeep(token, `the expression has more than ${4 * MAX_DEPTH} quantifiers and functions`);
    if (row > 4 * MAX_DEPTH) return tooDeep(token, `the expression has more than ${4 * MAX_DEPTH} operators in a row`);
  }
  return tokens.length > MAX_TOKENS ? tooDeep(tokens[MAX_TOKENS] as IToken, `the expression has more than ${MAX_TOKENS} words`) : undefined;
}

interface GrammarError {
  readonly token: IToken;
  readonly previousToken?: IToken;
  readonly message: string;
}

function describeError(error: Error & { readonly token: IToken }, tokens: readonly IToken[], text: string): PqlProblem {
  const { token, previousToken, message } = error as GrammarError;
  const atEnd = token.tokenType === EOF;
  const last = tokens.at(-1);
  const start = atEnd ? (last === undefined ? 0 : endOf(last) - 1) : token.startOffset;
  const end = atEnd ? (last === undefined ? Math.min(1, text.length) : endOf(last)) : endOf(token);
  const found = atEnd ? 'the end' : `\`${token.image}\``;
  const base = { code: 'RC1201', severity: 'error', start, end } as const;
  if (error instanceof MismatchedTokenException) {
    const expected =
      /Expecting(?: token of type)? -*>? ?(.+?) <-- but found/.exec(message)?.[1] ?? /Expecting: (.+?)(?: but found|$)/.exec(message)?.[1] ?? 'something else';
    if (expected === 'EOF')
      return { ...base, message: `unexpected ${found}`, hint: 'join two conditions with `and` or `or`', ...hintFor(token, previousToken) };
    return { ...base, message: `expected ${expected}, found ${found}`, ...hintFor(token, previousToken) };
  }
  if (error instanceof NoViableAltException)
    return {
      ...base,
      message: `expected a value or a condition${previousToken === undefined ? '' : ` after \`${previousToken.image}\``}, found ${found}`,
      ...hintFor(token, previousToken),
    };
  return { ...base, message: atEnd ? 'the expression ends too early' : `unexpected ${found}`, ...hintFor(token, previousToken) };
}

/** What people write who come from SQL, C or JavaScript. */
function hintFor(token: IToken, previous: IToken | undefined): { readonly hint?: string } {
  const image = token.image.toLowerCase();
  if (image === '=' && previous?.image === '=') return { hint: 'equality is one `=`' };
  if (image === 'is') return { hint: 'write field.isNull() or field.isNotNull()' };
  if (image === '>' && previous?.image === '<') return { hint: 'inequality is `!=`' };
  if (/^not$/.test(previous?.image.toLowerCase() ?? '') && image === 'in') return { hint: 'write `notIn`' };
  return {};
}

function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}
