import type { IToken } from 'chevrotain';
import type { Expression } from '../ast.ts';
import { endOf, isA, rangeOf } from './token-range.ts';
import { Arrow, Broken, Close, CloseList, Dot, Exists, Forall, Let, Name, Open, OpenList, Over, Parameter, Select, Up, Word } from './tokens.ts';

/** What gives names of its own to what follows: inside, a name may mean something that is not known any more. */
const BINDERS = [Exists, Forall, Select, Let, Over, Arrow];

/** Whether the tokens bring names into being. */
export function bindsNames(tokens: readonly IToken[]): boolean {
  return tokens.some((token) => BINDERS.some((binder) => isA(token, binder)));
}

/** The token that stands for tokens which could not be read, from `start` to before `end` of the text. */
export function toBroken(removed: readonly IToken[], start: number, end: number): IToken {
  const payload = removed.flatMap((token) => (token.tokenType === Broken ? (token.payload as readonly IToken[]) : [token]));
  return {
    image: ' '.repeat(Math.max(0, end - start)),
    startOffset: start,
    endOffset: end - 1,
    tokenType: Broken,
    tokenTypeIdx: Broken.tokenTypeIdx ?? 0,
    payload,
  };
}

/**
 * The dotted names in what could not be read: a mistyped attribute is worth telling even beside a misplaced operator. Single words are left out, they
 * may be anything; so is what stands in brackets, where names may mean an item's members.
 */
export function pathsOf(broken: IToken): readonly Expression[] {
  const tokens = broken.payload as readonly IToken[];
  if (bindsNames(tokens)) return [];
  const found: Expression[] = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as IToken;
    if (token.tokenType === Open || token.tokenType === OpenList) depth += 1;
    else if (token.tokenType === Close || token.tokenType === CloseList) depth = Math.max(0, depth - 1);
    const before = tokens[at - 1]?.tokenType;
    if (depth > 0 || !isA(token, Name) || before === Dot || before === Up || before === Parameter) continue;
    let path: Expression = { kind: 'name', name: token.image, ...rangeOf(token) };
    for (; tokens[at + 1]?.tokenType === Dot; at += 2) {
      const next = tokens[at + 2];
      if (next === undefined || !isA(next, Word) || tokens[at + 3]?.tokenType === Open) break;
      path = { kind: 'member', object: path, name: next.image, nameRange: rangeOf(next), start: path.start, end: endOf(next) };
    }
    if (path.kind === 'member' && tokens[at + 1]?.tokenType !== Open) found.push(path);
  }
  return found;
}
