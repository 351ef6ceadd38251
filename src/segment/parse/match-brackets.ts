import type { IToken, TokenType } from 'chevrotain';
import { Close, CloseList, Open, OpenList } from './tokens.ts';

/** How the brackets of a text stand to each other; brackets are named by the position of the opening one, -1 is the whole text. */
export interface Brackets {
  /** For each position, the end of the text included: the innermost bracket around it. A closing bracket stands inside its own. */
  readonly around: readonly number[];
  /** Where a bracket ends: at its closing one, or where something around it ends first. */
  readonly ends: ReadonlyMap<number, number>;
  /** Opened, never closed. */
  readonly unclosed: readonly number[];
  /** Closing brackets that close nothing. */
  readonly stray: ReadonlySet<number>;
}

/** Pairs brackets off; one that is closed by the end of something around it counts as unclosed. */
export function matchBrackets(tokens: readonly IToken[]): Brackets {
  const open: number[] = [];
  const around: number[] = [];
  const ends = new Map<number, number>();
  const unclosed: number[] = [];
  const stray = new Set<number>();
  for (const [at, { tokenType }] of tokens.entries()) {
    around.push(open.at(-1) ?? -1);
    if (tokenType === Open || tokenType === OpenList) open.push(at);
    if (tokenType !== Close && tokenType !== CloseList) continue;
    const partner = open.findLastIndex((index) => tokens[index]?.tokenType === (tokenType === Close ? Open : OpenList));
    if (partner < 0) {
      stray.add(at);
      continue;
    }
    around[at] = open[partner] as number;
    for (const inner of open.splice(partner)) {
      ends.set(inner, at);
      if (inner !== around[at]) unclosed.push(inner);
    }
  }
  around.push(open.at(-1) ?? -1);
  for (const index of [-1, ...open]) ends.set(index, tokens.length);
  return { around, ends, unclosed: [...unclosed, ...open], stray };
}

/** The innermost bracket that ought to be closed at a position, if any. */
export function unclosedAt(at: number, { around, ends, unclosed }: Brackets): number | undefined {
  const cut = unclosed.filter((index) => ends.get(index) === at && index > (around[at] ?? -1));
  const inner = cut.length > 0 ? Math.max(...cut) : (around[at] ?? -1);
  return unclosed.includes(inner) ? inner : undefined;
}

/** A closing bracket of the kind that an opening one asks for, at a place of the text. */
export function closerOf(opener: IToken, offset: number): IToken {
  return bracket(opener.tokenType === Open ? Close : CloseList, offset);
}

/** An opening bracket of the kind that a closing one asks for, at a place of the text. */
export function openerOf(closer: IToken, offset: number): IToken {
  return bracket(closer.tokenType === Close ? Open : OpenList, offset);
}

function bracket(tokenType: TokenType, offset: number): IToken {
  const image = tokenType === Open ? '(' : tokenType === Close ? ')' : tokenType === OpenList ? '[' : ']';
  return { image, startOffset: offset, endOffset: offset, tokenType, tokenTypeIdx: tokenType.tokenTypeIdx ?? 0 };
}
