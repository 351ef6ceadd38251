import { describeType, isNumeric, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';
import { misplacedProjection, withArticle } from './resolve-path.ts';

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

/** Two values that cannot be compared. */
export function reportMismatch(checker: Checker, left: Typed, right: Typed, operator: string): void {
  const misplaced = misplacedProjection(left) ?? misplacedProjection(right);
  if (misplaced !== undefined) return checker.report(misplaced);
  // The constant is what a person would correct.
  const [wrong, other] = left.kind === 'constant' || left.kind === 'number' ? [left, right] : [right, left];
  const hints: Readonly<Record<string, string>> = {
    date: 'write date(2020, 3, 14)',
    timestamp: 'write date(2020, 3, 14), now or today',
    string: 'texts stand in double quotes',
    boolean: 'write true or false',
  };
  const hint = hintOfName(checker, wrong) ?? hints[other.type.kind] ?? (isNumeric(other.type) ? 'numbers stand without quotes' : undefined);
  checker.report({
    code: 'RC1208',
    severity: 'error',
    ...(hint === undefined ? {} : { hint }),
    ...describeMismatch(other.type, wrong.type, operator),
    start: wrong.start,
    end: wrong.end,
  });
}

/**
 * A name in double quotes, as SQL has it, is a text here: beside other constants it would be compared without a mistake, and find nobody or everybody. Says
 * so, and whether there was one.
 */
export function reportQuotedName(checker: Checker, values: readonly Typed[]): boolean {
  if (!values.every(({ kind }) => kind === 'constant' || kind === 'number')) return false;
  for (const value of values) {
    const hint = hintOfName(checker, value);
    if (hint === undefined) continue;
    const { start, end } = value;
    checker.report({
      code: 'RC1208',
      severity: 'error',
      message: 'this text is compared with a constant: the answer is the same for everybody',
      start,
      end,
      hint,
    });
    return true;
  }
  return false;
}

/** What to write for a text that is the name of an attribute or of a field of events. */
function hintOfName({ options: { schema } }: Checker, typed: Typed): string | undefined {
  const text = typed.kind === 'constant' && typeof typed.value === 'string' ? typed.value : undefined;
  return text !== undefined && (schema.fields.has(text) || schema.events?.has(text) === true) ? `names stand without quotes: \`${text}\`` : undefined;
}
