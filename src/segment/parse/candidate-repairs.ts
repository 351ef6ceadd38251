import type { IToken, TokenType } from 'chevrotain';
import type { Range } from '../ast.ts';
import { closerOf, unclosedAt, type Brackets } from './match-brackets.ts';
import type { Doubt } from './other-readings.ts';
import { bindsNames, toBroken } from './read-broken.ts';
import { endOf, isA, isWord } from './token-range.ts';
import {
  And,
  Arrow,
  Bang,
  Between,
  Close,
  CloseList,
  Colon,
  Comma,
  Compare,
  Exists,
  Forall,
  In,
  Like,
  Not,
  NotIn,
  Occurs,
  Open,
  Or,
  Plus,
  Times,
  Unread,
  Where,
  Word,
} from './tokens.ts';

/** Puts other tokens in the place of those from `from` to before `to`. */
export interface Repair {
  readonly from: number;
  readonly to: number;
  readonly put: readonly IToken[];
  /** Whether it was one if the grammar goes on to before this token; if undefined, one token is enough. */
  readonly suffices?: (until: number) => boolean;
  /** Where it is now a guess what belongs together. */
  readonly doubt?: Doubt;
}

/** What might make the grammar go on that is stuck before the token at `at`: what changes least comes first, to give up the whole text last. */
export function* repairsAt(tokens: readonly IToken[], at: number, brackets: Brackets): Generator<Repair> {
  yield* bracketRepairs(tokens, at, brackets);
  const isEmpty = at === tokens.length || isBoundary(tokens[at], CONDITIONS) || isCloser(tokens[at]);
  // A value is missing, unless it is the operator that is out of place; or something else stands where a value should.
  if (!isOperator(tokens[at])) yield broken(tokens, at, at);
  if (!isEmpty) yield broken(tokens, at, at + 1);
  if (tokens[at]?.tokenType === Unread) yield { from: at, to: at + 1, put: [] };
  yield* missingAnd(tokens, at, brackets);
  // A `chain` without one of its commas would be read as something else, step by step.
  const [chain, before] = [tokens[(brackets.around[at] ?? -1) - 1], tokens[at - 1]];
  if (chain !== undefined && before !== undefined && isWord(chain, 'chain')) yield { from: at, to: at, put: [made(Comma, ',', before)] };
  let [from, to] = [at, isEmpty ? at : at + 1];
  for (let bracket = brackets.around[at] ?? -1; ; bracket = brackets.around[bracket] ?? -1) {
    const level = levelOf(tokens, bracket, brackets);
    for (const boundaries of [PARTS, CONDITIONS, ITEMS]) yield broken(tokens, ...widen(tokens, level, from, to, boundaries));
    yield broken(tokens, level.start, level.end);
    if (bracket < 0) return;
    [from, to] = [bracket, Math.min(level.end + 1, tokens.length)];
    if (tokens[from]?.tokenType === Open && isA(tokens[from - 1] as IToken, Word)) yield broken(tokens, from - 1, to);
  }
}

function* bracketRepairs(tokens: readonly IToken[], at: number, brackets: Brackets): Generator<Repair> {
  const open = unclosedAt(at, brackets);
  const isStray = brackets.stray.has(at);
  const place = tokens[at] ?? tokens.at(-1);
  if (open !== undefined) {
    const opener = tokens[open] as IToken;
    const end = at < tokens.length ? (place?.startOffset ?? 0) : place === undefined ? 0 : endOf(place);
    const closer = closerOf(opener, end);
    const doubt: Doubt = { kind: 'unclosed', opener, closer, start: opener.startOffset, end: end + 1 };
    if (isStray) yield { from: at, to: at + 1, put: [closer], doubt };
    yield { from: at, to: at, put: [closer], doubt };
  } else if (isStray) {
    const [from, to] = widen(tokens, levelOf(tokens, brackets.around[at] ?? -1, brackets), at, at + 1, CONDITIONS);
    yield { from: at, to: at + 1, put: [], doubt: { kind: 'stray', closer: tokens[at] as IToken, before: tokens[at - 1], ...spanOf(tokens, from, to) } };
  }
}

/** Two whole conditions beside each other: what joins them was forgotten. */
function* missingAnd(tokens: readonly IToken[], at: number, brackets: Brackets): Generator<Repair> {
  const [start, end] = widen(tokens, levelOf(tokens, brackets.around[at] ?? -1, brackets), at, at, PARTS);
  const before = tokens[at - 1];
  if (before === undefined || !isCondition(tokens, start, at, brackets) || !isCondition(tokens, at, end, brackets)) return;
  yield { from: at, to: at, put: [made(And, 'and', before)], suffices: (until) => isCondition(tokens, at, until, brackets) };
}

/** A word that was forgotten behind another one. */
function made(tokenType: TokenType, image: string, before: IToken): IToken {
  const offset = endOf(before);
  return { image, startOffset: offset, endOffset: offset, tokenType, tokenTypeIdx: tokenType.tokenTypeIdx ?? 0 };
}

/** Whether a stretch is no mere value, by its words. */
function isCondition(tokens: readonly IToken[], from: number, to: number, brackets: Brackets): boolean {
  const first = tokens[from];
  if (first?.tokenType === Not || first?.tokenType === Bang) return isCondition(tokens, from + 1, to, brackets);
  if (first?.tokenType === Open && brackets.ends.get(from) === to - 1) return isCondition(tokens, from + 1, to - 1, brackets);
  const around = brackets.around[from];
  return tokens.slice(from, to).some((token, index) => {
    if (brackets.around[from + index] !== around) return false;
    const isCall = tokens[from + index + 1]?.tokenType === Open;
    return CONDITION_WORDS.some((word) => isA(token, word)) || (isCall && CONDITION_CALLS.test(token.image));
  });
}

const CONDITION_WORDS = [Compare, In, NotIn, Like, Occurs, Exists, Forall];
/** `isNull` and whatever else only ever answers yes or no. */
export const CONDITION_CALLS: RegExp =
  /^(?:isNull|isNotNull|(?:starts|ends|doesNotStart|doesNotEnd)With|contains|doesNotContain|equals|notEqualTo|matches|like|includes|intersects|subsetOf|supersetOf|inSegment|chain)$/i;

/** What ends a part of a condition; what ends a condition; what ends an item or argument. */
const PARTS = [And, Or, Comma, Where, Colon, Arrow];
const CONDITIONS = [And, Or, Comma];
const ITEMS = [Comma];

interface Level {
  /** The positions inside one bracket but in no bracket within it, in order. */
  readonly positions: readonly number[];
  readonly start: number;
  readonly end: number;
}

function levelOf(tokens: readonly IToken[], bracket: number, { around, ends }: Brackets): Level {
  const end = ends.get(bracket) ?? tokens.length;
  const positions: number[] = [];
  for (let at = bracket + 1; at < end; at += 1) if (around[at] === bracket) positions.push(at);
  return { positions, start: bracket + 1, end };
}

/** From the boundary before a stretch to the one behind it. What follows the name that a quantifier or `let` gives belongs to it to the end. */
function widen(tokens: readonly IToken[], level: Level, from: number, to: number, boundaries: readonly IToken['tokenType'][]): [number, number] {
  let { start, end } = level;
  let isOwed = false;
  for (const at of level.positions) {
    const token = tokens[at] as IToken;
    if (token.tokenType === Between) isOwed = true;
    else if (isOwed && isA(token, And)) isOwed = false;
    else if (isBoundary(token, boundaries)) {
      isOwed = false;
      if (at < from) start = at + 1;
      else if (at >= to) {
        end = at;
        break;
      }
    }
  }
  return [start, bindsNames(tokens.slice(start, end)) ? level.end : end];
}

function isBoundary(token: IToken | undefined, boundaries: readonly IToken['tokenType'][]): boolean {
  return token !== undefined && boundaries.some((boundary) => isA(token, boundary));
}

function isOperator(token: IToken | undefined): boolean {
  return token?.tokenType === Times || token?.tokenType === Plus;
}

function isCloser(token: IToken | undefined): boolean {
  return token?.tokenType === Close || token?.tokenType === CloseList;
}

function broken(tokens: readonly IToken[], from: number, to: number): Repair {
  const { start, end } = spanOf(tokens, from, to);
  return { from, to, put: [toBroken(tokens.slice(from, to), start, end)] };
}

function spanOf(tokens: readonly IToken[], from: number, to: number): Range {
  const before = tokens[from - 1];
  const start = tokens[from]?.startOffset ?? (before === undefined ? 0 : endOf(before));
  const last = tokens[to - 1];
  return { start, end: to > from && last !== undefined ? endOf(last) : start };
}
