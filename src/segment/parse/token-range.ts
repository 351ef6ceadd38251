import { tokenMatcher, type IToken, type TokenType } from 'chevrotain';
import type { Binding, Expression, Range } from '../ast.ts';

/** What stands where an error was. */
export const BROKEN: Expression = { kind: 'broken', start: 0, end: 0 };

/** While the grammar records itself, sub-rules give back stand-ins without content. */
export function endOfBinding(binding: Partial<Binding> | undefined): number {
  return binding?.where?.end ?? binding?.from?.end ?? 0;
}

export function isWord(token: IToken, word: string): boolean {
  return token.image.toLowerCase() === word;
}

export function isA(token: IToken, category: TokenType): boolean {
  return tokenMatcher(token, category);
}

export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

export function rangeOf(token: IToken): Range {
  return { start: token.startOffset, end: endOf(token) };
}
