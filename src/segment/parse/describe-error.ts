import { EOF, MismatchedTokenException, NoViableAltException, type IToken } from 'chevrotain';
import type { PqlProblem } from '../ast.ts';
import { hintFor } from './hints.ts';
import { endOf } from './token-range.ts';
import { Broken, Close, CloseList, ForeignAnd, ForeignArrow, ForeignCompare, ForeignNumber, ForeignOr, ForeignText, UnclosedText } from './tokens.ts';

interface GrammarError extends Error {
  readonly token: IToken;
  readonly previousToken?: IToken;
  readonly context?: { readonly ruleStack: readonly string[] };
}

const STEP_WORDS: ReadonlySet<string> = new Set(['what', 'when', 'count', 'where']);

/** What the grammar did not expect, in words; `end` is where the text's last word ends. */
export function describeError(error: Error & { readonly token: IToken }, last: IToken | undefined): PqlProblem {
  const { token, previousToken, message, context } = error as GrammarError;
  const atEnd = token.tokenType === EOF;
  const end = atEnd ? (last === undefined ? 1 : endOf(last)) : endOf(token);
  const start = atEnd ? Math.max(0, end - 1) : token.startOffset;
  const found = atEnd ? 'the end' : `\`${token.image}\``;
  const base = { code: 'RC1201', severity: 'error', start, end } as const;
  const rule = context?.ruleStack.at(-1);
  const expected = error instanceof MismatchedTokenException ? expectedBy(message) : undefined;
  const hint = hintFor({ token, previous: previousToken, rule, expected });
  // Inside a step the grammar stops at the first word that begins no part of it.
  if (rule === 'step' || (rule === 'chain' && STEP_WORDS.has(token.image.toLowerCase()))) {
    const isRepeated = STEP_WORDS.has(token.image.toLowerCase());
    if (isRepeated)
      return { ...base, message: `unexpected ${found}`, hint: 'a step has WHAT(…), WHEN(…), COUNT(…) and WHERE(…) at most once each, with their brackets' };
    if (error instanceof NoViableAltException && token.tokenType !== Close)
      return { ...base, message: `expected WHAT(…), WHEN(…), COUNT(…) or WHERE(…), found ${found}`, ...hint };
  }
  if (expected !== undefined && expected !== 'EOF') return { ...base, message: `expected ${expected}, found ${found}`, ...hint };
  if (expected === 'EOF' && (token.tokenType === Close || token.tokenType === CloseList))
    return { ...base, message: `unexpected ${found}`, hint: `no \`${token.tokenType === Close ? '(' : '['}\` is open here` };
  if (error instanceof NoViableAltException && rule === 'distance') return { ...base, message: `expected before, after or from, found ${found}`, ...hint };
  if (error instanceof NoViableAltException) {
    const after = previousToken === undefined || previousToken.tokenType === Broken || previousToken.image === '' ? '' : ` after \`${previousToken.image}\``;
    return { ...base, message: `expected a value or a condition${after}, found ${found}`, ...hint };
  }
  return { ...base, message: atEnd ? 'the expression ends too early' : `unexpected ${found}`, ...hint };
}

/** What the grammar expected at the place, as its own message names it. */
function expectedBy(message: string): string {
  return (
    /Expecting(?: token of type)? -*>? ?(.+?) <-- but found/.exec(message)?.[1] ?? /Expecting: (.+?)(?: but found|$)/.exec(message)?.[1] ?? 'something else'
  );
}

/** An opening bracket without its closing one, where what follows says nothing of it. */
export function neverClosed(opener: IToken): PqlProblem {
  return { code: 'RC1201', severity: 'error', message: `this \`${opener.image}\` is never closed`, start: opener.startOffset, end: endOf(opener) };
}

/** A word that people bring along from another language, or a text without an end; undefined for what is PQL. */
export function describeForeign(token: IToken): PqlProblem | undefined {
  const place = { code: 'RC1201', severity: 'error', start: token.startOffset, end: endOf(token) } as const;
  switch (token.tokenType) {
    case UnclosedText:
      return { ...place, message: 'this text has no closing quote', hint: 'end it with "' };
    case ForeignText:
      return { ...place, message: `unexpected ${token.image.charAt(0)}`, hint: `texts stand in double quotes: ${JSON.stringify(token.image.slice(1, -1))}` };
    case ForeignAnd:
    case ForeignOr:
      return { ...place, message: `unexpected \`${token.image}\``, hint: `write \`${token.tokenType === ForeignAnd ? 'and' : 'or'}\`` };
    case ForeignArrow:
      return { ...place, message: 'unexpected `->`', hint: 'a function of an item is written `x => …`' };
    case ForeignNumber:
      return { ...place, message: `unexpected \`${token.image}\``, hint: `a number begins with a digit: \`0${token.image}\`` };
    case ForeignCompare:
      return { ...place, message: `unexpected \`${token.image}\``, hint: hintForCompare(token.image) };
    default:
      return undefined;
  }
}

function hintForCompare(image: string): string {
  if (image === '≤' || image === '≥') return `write \`${image === '≤' ? '<=' : '>='}\``;
  return image.startsWith('=') ? 'equality is one `=`' : 'inequality is `!=`';
}

/** Characters that no word of PQL begins with, and what is meant by them elsewhere. */
const UNREAD: readonly (readonly [characters: string, hint: string])[] = [
  ["'“”‘’", 'texts stand in double quotes: "DE"'],
  ['#', 'a comment begins with `//`'],
  [';', 'leave it out: a segment is one condition'],
  ['{}', 'PQL has no braces: a choice is `if (condition, then, else)`, a list `["US", "CA"]`'],
  ['?', 'a choice is `if (condition, then, else)`; whether there is a value asks `x.isNull()`'],
  ['~', 'a pattern is asked for with `x.matches("…")`'],
  ['`@', 'names stand as they are: `person.name`'],
  ['$', 'the profile is `$1`, and may be left out: `person.name`'],
  ['–—−', 'write `-`'],
  ['×·', 'write `*`'],
];

export function hintForUnread(character: string): { readonly hint?: string } {
  const [, hint] = UNREAD.find(([characters]) => characters.includes(character)) ?? [];
  return hint === undefined ? {} : { hint };
}
