import { EOF, type IToken } from 'chevrotain';
import { toUnit } from '../ast.ts';
import { CONDITION_CALLS } from './candidate-repairs.ts';
import { endOf, isA } from './token-range.ts';
import { Compare, False, Name, NumberText, Open, Plus, Text, True } from './tokens.ts';

/** Where the grammar is stuck. */
export interface StuckAt {
  readonly token: IToken;
  readonly previous: IToken | undefined;
  /** The rule of the grammar. */
  readonly rule: string | undefined;
  /** What was expected, if one thing alone. */
  readonly expected: string | undefined;
}

interface Place extends StuckAt {
  /** In lower case; nothing at either end of the text. */
  readonly image: string;
  readonly before: string;
}

type Rule = readonly [holds: (place: Place) => boolean, hint: string | ((place: Place) => string)];

/** Keywords that begin something, and those that stand within. An attribute may be called the same. */
const BINDING_WORDS: ReadonlySet<string> = new Set(['select', 'exists', 'forall', 'let']);
const INNER_WORDS: ReadonlySet<string> = new Set(['from', 'over', 'like', 'between', 'occurs', 'in', 'notin']);
const PERIOD_WORDS: ReadonlySet<string> = new Set(['this', 'last', 'next']);
/** What people put before a time. */
const TIME_WORDS: ReadonlySet<string> = new Set(['occurs', 'on', 'before', 'after', 'within', 'since', 'until', 'during']);
const PATTERN_WORDS: ReadonlySet<string> = new Set(['ilike', 'rlike', 'regexp', 'similar']);
/** Where a value is whole, so that its bracket or the text could end. */
const ENDS: ReadonlySet<string | undefined> = new Set(['EOF', '`)`', '`]`']);

/** What stands where it cannot; the first that holds is told. */
const RULES: readonly Rule[] = [
  [({ image, before }) => image === '=' && before === '=', 'equality is one `=`'],
  [({ image }) => image === 'is', 'write `x.isNull()` or `x.isNotNull()`; of a yes or no `x = true`'],
  [({ image, before }) => image === '=>' || (image === '<' && before === '='), 'write `>=` or `<=`'],
  [({ image, before }) => before === 'not' && image === 'in', 'write `notIn`'],
  [({ before, expected }) => before === 'like' && !ENDS.has(expected), 'the pattern is a text in double quotes: `"%es%"`'],
  [({ image, before }) => before === 'select' && image === '*', 'a segment is a condition on a person, not a statement'],
  [({ image, rule }) => rule === 'call' && image === '*', 'count the items of an array: `xEvent.count()`'],
  [({ image, before, rule }) => rule === 'binding' && (image === '(' || !BINDING_WORDS.has(before)), 'write `exists X from xEvent where …`'],
  [({ before, expected }) => BINDING_WORDS.has(before) && !ENDS.has(expected), ({ before }) => `an attribute of that name is written \`$1.${before}\``],
  [({ image, before }) => before === '' && (image === 'and' || image === 'or'), ({ image }) => `\`${image}\` stands between two conditions`],
  [({ image, before }) => before === '' && INNER_WORDS.has(image), ({ image }) => `an attribute of that name is written \`$1.${image}\``],
  [({ image, rule }) => rule === 'group' && image === ',', 'a list stands in square brackets: `["US", "CA"]`'],
  [({ image, rule }) => rule === 'call' && image === 'where', 'choose the items first: `xEvent[eventType = "…"].count()`'],
  [({ rule, token }) => rule === 'list' && beginsValue(token), 'a comma stands between the items of a list: `["US", "CA"]`'],
  [({ rule, expected }) => rule === 'step' && expected === '`:`', 'a step has a name, and its parts no commas between them: `A: WHAT(…) WHEN(…)`'],
  [({ rule, expected }) => rule === 'step' && expected === 'a number', '`COUNT(3)` is three or more'],
  [({ rule, expected }) => rule === 'step' && expected === undefined, 'a step is written `A: WHAT(…) WHEN(…) COUNT(…)`; a comma stands between two'],
  [({ rule, expected, token }) => rule === 'chain' && expected === '`]`' && isA(token, Name), 'a comma stands between two steps: `A: WHAT(…), B: WHAT(…)`'],
  [
    ({ rule, image, token }) => (rule === 'chain' && token.tokenType !== EOF) || (rule === 'list' && image === ':'),
    'write `chain(xEvent, timestamp, [A: WHAT(…), B: WHAT(…)])`',
  ],
  [({ image, before }) => image === '.' && before === '.', 'a stretch of numbers is `x >= 18 and x <= 30`'],
  [({ image, rule }) => image === '/' && rule !== 'program', 'a pattern is a text in double quotes: `"^B"`'],
  [({ rule }) => rule === 'letIn', 'write `let X = … in (…)`'],
  [({ rule }) => rule === 'distance', 'write a number, a unit, a direction and a time: `<= 30 days before now`'],
  [({ token, before }) => token.tokenType === NumberText && PERIOD_WORDS.has(before), 'so many units are written `<= 30 days before now`'],
  [({ rule, expected }) => rule === 'window' && expected === undefined, 'write `last week`, `after date(2020, 3, 14)` or `<= 30 days before now`'],
  [({ image }) => image === 'not', '`not` stands before a condition: `not (…)`; for lists write `notIn`'],
  [({ token, expected }) => token.tokenType === Plus && expected === undefined, 'a number has no plus sign'],
];

/** What does not go on behind a value that is whole. */
const RULES_BEHIND: readonly Rule[] = [
  [({ image }) => image === 'between', 'of a number write `x >= 1 and x <= 9`, of a time `x occurs between … and …`'],
  [({ image, previous }) => image === ',' && isNumber(previous), 'join two conditions with `and` or `or`; a number has no separators: `1000`, `1000.5`'],
  [
    ({ image, before, previous }) => (isNumber(previous) && toUnit(image) !== undefined) || before === 'interval',
    'how long ago is asked with `occurs`: `x occurs <= 30 days before now`',
  ],
  [
    ({ token, image, before, previous }) => (isLiteral(token) && TIME_WORDS.has(before)) || (isNumber(previous) && /^t\d+$/.test(image)),
    'a day is written `date(2020, 3, 14)`',
  ],
  [({ token, previous }) => isNumber(previous) && endOf(previous) === token.startOffset && isA(token, Name), 'a number has digits and one point: `1000.5`'],
  [
    ({ image, before }) => TIME_WORDS.has(image) || TIME_WORDS.has(before),
    'a time is asked for with `occurs`: `x occurs after date(2020, 3, 14)`, `x occurs <= 30 days before now`',
  ],
  [({ token }) => isA(token, Compare), 'compare twice: `x >= 18 and x <= 30`'],
  [({ before }) => before === 'if' || before === 'case', 'write `if (condition, then, else)`'],
  [({ before }) => before === 'where', 'leave `where` out: a segment is the condition alone'],
  [({ image }) => PATTERN_WORDS.has(image), 'write `x.matches("…")`, or `x.contains("…", false)` without regard to case'],
  [({ image }) => image === 'contains', 'write `x.contains("…")` of a text, `x.includes(…)` of an array'],
  [({ image }) => CONDITION_CALLS.test(image), ({ token }) => `write \`x.${token.image}(…)\``],
  [({ token, rule }) => rule === 'program' || (rule === 'group' && beginsValue(token)), 'join two conditions with `and` or `or`'],
];

/** What to write instead, as far as it can be told. */
export function hintFor(stuck: StuckAt): { readonly hint?: string } {
  const place = { ...stuck, image: stuck.token.image.toLowerCase(), before: stuck.previous?.image.toLowerCase() ?? '' };
  const rules = ENDS.has(stuck.expected) ? [...RULES, ...RULES_BEHIND] : RULES;
  const [, hint] = rules.find(([holds]) => holds(place)) ?? [];
  return hint === undefined ? {} : { hint: typeof hint === 'string' ? hint : hint(place) };
}

function isNumber(token: IToken | undefined): token is IToken {
  return token?.tokenType === NumberText;
}

function isLiteral(token: IToken): boolean {
  return isA(token, Text) || isA(token, NumberText);
}

function beginsValue(token: IToken): boolean {
  return isLiteral(token) || isA(token, Name) || [True, False, Open].includes(token.tokenType);
}
