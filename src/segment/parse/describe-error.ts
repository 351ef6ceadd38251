import { EOF, MismatchedTokenException, NoViableAltException, type IToken } from 'chevrotain';
import { toUnit, type PqlProblem } from '../ast.ts';
import { CONDITION_CALLS } from './candidate-repairs.ts';
import { endOf } from './token-range.ts';
import { Broken, Close, CloseList, ForeignAnd, ForeignCompare, ForeignOr, ForeignText, NumberText, Text, UnclosedText } from './tokens.ts';

interface GrammarError extends Error {
  readonly token: IToken;
  readonly previousToken?: IToken;
  readonly context?: { readonly ruleStack: readonly string[] };
}

/** Keywords that begin something, and those that stand within. An attribute may be called the same. */
const BINDING_WORDS: ReadonlySet<string> = new Set(['select', 'exists', 'forall', 'let']);
const INNER_WORDS: ReadonlySet<string> = new Set(['from', 'over', 'like', 'between', 'occurs', 'and', 'or', 'in', 'notin']);
const PERIOD_WORDS: ReadonlySet<string> = new Set(['this', 'last', 'next']);
const TIME_WORDS: ReadonlySet<string> = new Set(['occurs', 'on', 'before', 'after']);
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
  const hint = hintFor(token, previousToken, rule);
  // Inside a step the grammar stops at the first word that begins no part of it.
  if (rule === 'step' || (rule === 'chain' && STEP_WORDS.has(token.image.toLowerCase()))) {
    const isRepeated = STEP_WORDS.has(token.image.toLowerCase());
    if (isRepeated)
      return { ...base, message: `unexpected ${found}`, hint: 'a step has WHAT(…), WHEN(…), COUNT(…) and WHERE(…) at most once each, with their brackets' };
    if (error instanceof NoViableAltException && token.tokenType !== Close)
      return { ...base, message: `expected WHAT(…), WHEN(…), COUNT(…) or WHERE(…), found ${found}`, ...hint };
  }
  if (error instanceof MismatchedTokenException) {
    const expected =
      /Expecting(?: token of type)? -*>? ?(.+?) <-- but found/.exec(message)?.[1] ?? /Expecting: (.+?)(?: but found|$)/.exec(message)?.[1] ?? 'something else';
    if (expected !== 'EOF') return { ...base, message: `expected ${expected}, found ${found}`, ...hint };
    if (token.tokenType === Close || token.tokenType === CloseList)
      return { ...base, message: `unexpected ${found}`, hint: `no \`${token.tokenType === Close ? '(' : '['}\` is open here` };
    return { ...base, message: `unexpected ${found}`, hint: 'join two conditions with `and` or `or`', ...hint, ...hintBehind(token, previousToken) };
  }
  if (error instanceof NoViableAltException && rule === 'distance') return { ...base, message: `expected before, after or from, found ${found}`, ...hint };
  if (error instanceof NoViableAltException) {
    const after = previousToken === undefined || previousToken.tokenType === Broken || previousToken.image === '' ? '' : ` after \`${previousToken.image}\``;
    return { ...base, message: `expected a value or a condition${after}, found ${found}`, ...hint };
  }
  return { ...base, message: atEnd ? 'the expression ends too early' : `unexpected ${found}`, ...hint };
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
    case ForeignCompare:
      return {
        ...place,
        message: `unexpected \`${token.image}\``,
        hint: token.image.startsWith('=') ? 'equality is one `=`' : 'inequality is `!=`',
      };
    default:
      return undefined;
  }
}

/** What people write who come from SQL, C or JavaScript. */
function hintFor(token: IToken, previous: IToken | undefined, rule: string | undefined): { readonly hint?: string } {
  const image = token.image.toLowerCase();
  const before = previous?.image.toLowerCase();
  if (image === '=' && before === '=') return { hint: 'equality is one `=`' };
  if (image === 'is') return { hint: 'write field.isNull() or field.isNotNull()' };
  if (image === '>' && before === '<') return { hint: 'inequality is `!=`' };
  if (image === '=>' || (image === '<' && before === '=')) return { hint: 'write `>=` or `<=`' };
  if (before === 'not' && image === 'in') return { hint: 'write `notIn`' };
  if (before === 'like') return { hint: 'the pattern is a text in double quotes: `"%es%"`' };
  if (before === 'select' && image === '*') return { hint: 'a segment is a condition on a person, not a statement' };
  if (BINDING_WORDS.has(before ?? '')) return { hint: `an attribute of that name is written \`$1.${before ?? ''}\`` };
  if (INNER_WORDS.has(image) && (before ?? '') === '') return { hint: `an attribute of that name is written \`$1.${image}\`` };
  if (image === ',' && rule === 'group') return { hint: 'a list stands in square brackets: `["US", "CA"]`' };
  if (rule === 'distance') return { hint: 'write a number, a unit, a direction and a time: `<= 30 days before now`' };
  if (token.tokenType === NumberText && PERIOD_WORDS.has(before ?? '')) return { hint: 'so many units are written `<= 30 days before now`' };
  if (image === 'not') return { hint: '`not` stands before a condition: `not (…)`; for lists write `notIn`' };
  return {};
}

/** What does not go on behind a value that is whole. */
function hintBehind(token: IToken, previous: IToken | undefined): { readonly hint?: string } {
  const image = token.image.toLowerCase();
  const before = previous?.image.toLowerCase() ?? '';
  const isBehindNumber = previous?.tokenType === NumberText;
  if (image === 'between') return { hint: 'of a number write `x >= 1 and x <= 9`, of a time `x occurs between … and …`' };
  if (image === ',' && isBehindNumber) return { hint: 'join two conditions with `and` or `or`; a number has no separators: `1000`, `1000.5`' };
  if (isBehindNumber && toUnit(image) !== undefined) return { hint: 'how long ago is asked with `occurs`: `x occurs <= 30 days before now`' };
  if ((token.tokenType === Text || token.tokenType === NumberText) && TIME_WORDS.has(before)) return { hint: 'a day is written `date(2020, 3, 14)`' };
  if (before === 'if' || before === 'case') return { hint: 'write `if (condition, then, else)`' };
  if (CONDITION_CALLS.test(image)) return { hint: `write \`x.${token.image}(…)\`` };
  return {};
}
