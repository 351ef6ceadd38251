import { describeType, type PqlType } from '../type.ts';
import { withArticle } from './resolve-path.ts';

interface Described {
  readonly message: string;
  readonly hint?: string;
}

/** Two values that cannot be compared, `found` in the place of one that could be. */
export function describeMismatch(wanted: PqlType, found: PqlType, operator?: string): Described {
  const [want, find] = [describeType(wanted), describeType(found)];
  // Objects, events and maps cannot be compared even with their like.
  if (want === find) return { message: `${withArticle(want)} cannot be compared as a whole`, hint: 'compare the members or values that matter' };
  return { message: `expected ${withArticle(want)}${operator === undefined ? '' : ` beside \`${operator}\``}, found ${withArticle(find)}` };
}

/** What is said where two values cannot stand for each other though they are called the same. */
export function hintOfLikes(left: PqlType, right: PqlType): { readonly hint?: string } {
  return describeType(left) === describeType(right) ? { hint: 'objects of one type have the same members in the same order' } : {};
}
