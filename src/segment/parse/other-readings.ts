import type { IToken } from 'chevrotain';
import type { Expression, Range } from '../ast.ts';
import { runGrammar } from './grammar.ts';
import { closerOf, openerOf } from './match-brackets.ts';
import { endOf } from './token-range.ts';

/** A bracket that lacks its partner, and the stretch in which the partner may be missing. */
export type Doubt = Range &
  (
    | { readonly kind: 'unclosed'; readonly opener: IToken; /** What was put in. */ readonly closer: IToken }
    | { readonly kind: 'stray'; /** What was left out. */ readonly closer: IToken; readonly before: IToken | undefined }
  );

/** Words read for this in all: a text of a hundred words with a wrong bracket is read once for each place of it. */
const MAX_WORK = 20_000;

/**
 * Every way to read tokens in which brackets were set right, with the partner of each at any other place where the whole still is an expression. Undefined
 * when they are too many to try, or when what was set right has been given up since.
 */
export function otherReadings(tokens: readonly IToken[], doubts: readonly Doubt[]): readonly Expression[] | undefined {
  let work = 0;
  let readings: { readonly tokens: readonly IToken[]; readonly expression: Expression | undefined }[] = [{ tokens, expression: undefined }];
  for (const doubt of doubts) {
    const next = [...readings];
    for (const reading of readings) {
      const places = otherPlaces(reading.tokens, doubt);
      if (places === undefined) return undefined;
      for (const place of places) {
        work += place.length;
        if (work > MAX_WORK) return undefined;
        const { expression, error } = runGrammar(place);
        if (error === undefined && expression !== undefined) next.push({ tokens: place, expression });
      }
    }
    readings = next;
  }
  return readings.flatMap(({ expression }) => expression ?? []);
}

function otherPlaces(tokens: readonly IToken[], doubt: Doubt): readonly (readonly IToken[])[] | undefined {
  const places: (readonly IToken[])[] = [];
  const put = (rest: readonly IToken[], at: number, token: IToken): void => void places.push([...rest.slice(0, at), token, ...rest.slice(at)]);
  if (doubt.kind === 'unclosed') {
    const opener = tokens.indexOf(doubt.opener);
    const closer = tokens.indexOf(doubt.closer);
    if (opener < 0 || closer < 0) return undefined;
    const rest = tokens.toSpliced(closer, 1);
    for (let at = opener + 1; at <= rest.length; at += 1) if (at !== closer) put(rest, at, closerOf(doubt.opener, endOf(rest[at - 1] as IToken)));
    return places;
  }
  const before = doubt.before === undefined ? -1 : tokens.indexOf(doubt.before);
  if (doubt.before !== undefined && before < 0) return undefined;
  const rest = tokens.toSpliced(before + 1, 0, doubt.closer);
  for (let at = 0; at <= before; at += 1) put(rest, at, openerOf(doubt.closer, (rest[at] as IToken).startOffset));
  return places;
}
