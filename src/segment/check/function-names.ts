import { nearest } from '../../support/nearest.ts';

/** Functions that stand alone. */
export const FUNCTIONS: readonly string[] = [
  'date',
  'if',
  'not',
  'inSegment',
  'chain',
  'currentMonth',
  'currentYear',
  'currentDayOfMonth',
  'count',
  'sum',
  'average',
  'min',
  'max',
];
/** Functions that stand behind a value: `email.endsWith(".com")`. */
export const METHODS: readonly string[] = [
  'startsWith',
  'doesNotStartWith',
  'endsWith',
  'doesNotEndWith',
  'contains',
  'doesNotContain',
  'equals',
  'notEqualTo',
  'matches',
  'regexGroup',
  'isNull',
  'isNotNull',
  'like',
  'in',
  'notIn',
  'intersects',
  'intersection',
  'subsetOf',
  'supersetOf',
  'includes',
  'distinct',
  'groupBy',
  'filter',
  'map',
  'topN',
  'bottomN',
  'head',
  'get',
  'keys',
  'values',
  'count',
  'sum',
  'average',
  'min',
  'max',
  'getMonth',
  'getYear',
  'getDayOfMonth',
];

/** What people call for who come from SQL, JavaScript, CEL or Jinja, and what is written here. */
const ELSEWHERE: readonly (readonly [names: string, hint: string])[] = [
  ['size length len cardinality array_length', 'how many items an array has is `x.count()`'],
  ['any some exists exists_one anymatch', 'whether one item fits is `exists X from … where …`'],
  ['all every allmatch none', 'whether all items fit is `forall X from … where …`'],
  ['find where select selectattr', 'the items that fit are `x[…]` or `x.filter(…)`'],
  ['first', 'the first item is `x.head()`'],
  ['last', 'the latest event is `xEvent.topN(timestamp, 1).head()`'],
  ['lower upper lcase ucase tolowercase touppercase', 'without regard to case it is `x.equals("…", false)`, `x.contains("…", false)`'],
  ['has indexof has_key haskey', 'whether an array has an item is `x.includes(…)`, whether a text has a part `x.contains("…")`'],
  ['coalesce ifnull nvl default', 'another value for a missing one is `if (x.isNull(), …, x)`'],
  ['isblank isempty empty is_null is_defined defined', 'no value is `x.isNull()`, no item `x.count() = 0`, no character `x = ""`'],
  ['iif case when switch choose', 'a choice is `if (condition, then, else)`'],
  ['year', 'it is `x.getYear()`'],
  ['month', 'it is `x.getMonth()`'],
  ['day dayofmonth getday getdate', 'it is `x.getDayOfMonth()`'],
  ['timestamp to_date todate datetime parsedate', 'a day is written `date(2020, 3, 14)`'],
  ['current_date current_timestamp getutcdate', 'it is `today` or `now`'],
  ['datediff dateadd date_add date_sub date_diff date_trunc age duration interval', 'how long ago is asked with `occurs`: `x occurs <= 30 days before now`'],
  ['regexp regexp_like regexp_matches regex rlike test match', 'a pattern is asked for with `x.matches("…")`'],
  ['avg mean', 'it is `x.average(…)`'],
  ['countif sumif', 'choose the items first: `xEvent[eventType = "…"].count()`'],
];

/** What to write instead of a function that PQL does not have: one of a name that is nearly the same, or that another language calls so. */
export function insteadOf(name: string, candidates: readonly string[]): { readonly hint: string } | undefined {
  const near = nearest(name, candidates);
  return elsewhere(name) ?? (near === undefined ? undefined : { hint: `did you mean \`${near}\`?` });
}

/** What to write instead of what another language calls so. */
export function elsewhere(name: string): { readonly hint: string } | undefined {
  const [, hint] = ELSEWHERE.find(([names]) => names.split(' ').includes(name.toLowerCase())) ?? [];
  return hint === undefined ? undefined : { hint };
}

/** A function whose brackets were forgotten: `email.isNull`, `currentMonth = 3`. */
export function withBrackets(name: string, names = METHODS): { readonly hint: string } | undefined {
  return names.includes(name) ? { hint: `a function has brackets: \`${name}()\`` } : undefined;
}
