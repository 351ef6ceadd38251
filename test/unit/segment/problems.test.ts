import { expect, test } from 'vitest';
import { readCondition } from '../../../src/segment/read-pql.ts';
import { smallWorld } from '../../support/pql/small-world.ts';

const { schema } = smallWorld();

/** Each problem as `found text: message (hint)`. */
function problemsOf(text: string): readonly string[] {
  return readCondition(text, { schema, attributes: 'customer', segments: new Set(['canadians']) }).problems.map(
    ({ start, end, message, hint }) => `${text.slice(start, end)}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

const FOLDER =
  'homeAddress: a folder of attributes has no value of its own (name one of them, `homeAddress.countryISO`, or ask the folder itself for `.isNull()`)';

test.each([
  ['homeAdress.city = "X"', ['homeAdress.city: unknown attribute `homeAdress.city` (did you mean `homeAddress.city`?)']],
  ['person.age = "40"', ['"40": expected an integer beside `=`, found a string (numbers stand without quotes)']],
  ['loyalty = loyalty', ['loyalty: an object cannot be compared as a whole (compare the members or values that matter)']],
  ['xEvent.includes(xEvent.head())', ['xEvent.head(): an event cannot be compared as a whole (compare the members or values that matter)']],
  ['person.birthdate = "1985-03-14"', ['"1985-03-14": expected a date beside `=`, found a string (write date(2020, 3, 14))']],
  ['person.birthdate > date(2023, 2, 29)', ['date(2023, 2, 29): date wants a day that exists: year, month, day as whole numbers (date(2020, 3, 14))']],
  ['person.age', ['person.age: expected a condition (true or false), found an integer (compare it with something: `… = …`, or ask for `.isNotNull()`)']],
  ['homeOwner > false', ['homeOwner > false: a boolean has no order; `>` cannot be asked of it (compare with `=` or `!=`)']],
  ['person.favoriteColors > ["a"]', ['person.favoriteColors > ["a"]: an array of string has no order; `>` cannot be asked of it (compare with `=` or `!=`)']],
  ['person.name.startWith("J")', ['startWith: unknown function `startWith` of a string (did you mean `startsWith`?)']],
  ['inSegment("canadian")', ['"canadian": the Attributes `customer` have no segment `canadian` (did you mean `canadians`?)']],
  ['person.name.matches("(?=x)")', ['"(?=x)": look-ahead and look-behind are not supported in patterns (join two conditions with `and`)']],
  ['person.lastLogin occurs <= 3 day before now and person.lastLogin occurs < 3 dayz before now', ['dayz: `dayz` is no unit of time (did you mean `days`?)']],
  ['person.age = null', ['person.age = null: a comparison with null is never true (write `.isNull()` or `.isNotNull()`)']],
  ['person.birthMonth in [3, "a"]', ['"a": the items of a list are of one type: integer before, here a string']],
  ["homeAddress.city = 'Quebec'", ["'Quebec': unexpected ' (texts stand in double quotes: \"Quebec\")"]],
  ['person.favoriteColors.sum() = 3', ['person.favoriteColors: expected a number, found a string']],
  ['select = "b"', ['=: expected a name, found `=` (an attribute of that name is written `$1.select`)']],
  ['from = "b"', ['from: expected a value or a condition, found `from` (an attribute of that name is written `$1.from`)']],
  ['exists X from count where X > 1', ['count: unknown attribute `count` (did you mean `counts`?)']],
  ['numbers[0] = 1', ['0: expected a condition (true or false), found an integer (`[…]` takes a condition on the items; the first one is `.head()`)']],
  ['orders.groupBy(homeAddress).count() = 1 and [1, homeAddress].count() = 2', [FOLDER, FOLDER]],
  ['let h = homeAddress in (h.isNull())', [FOLDER]],
  [
    'if (homeOwner, loyalty, orders.head()).isNull()',
    ['orders.head(): both outcomes of `if` are of one type: first an object, then an object (objects of one type have the same members in the same order)'],
  ],
  ['[counts, identityMap].count() = 2', ['identityMap: the items of a list are of one type: map of integer before, here a map of string']],
  ['person.age BETWEEN 18 AND 30', ['BETWEEN: unexpected `BETWEEN` (of a number write `x >= 1 and x <= 9`, of a time `x occurs between … and …`)']],
  ['income > 1,000', [',: unexpected `,` (join two conditions with `and` or `or`; a number has no separators: `1000`, `1000.5`)']],
  ['person.lastLogin > now - 30 days', ['days: unexpected `days` (how long ago is asked with `occurs`: `x occurs <= 30 days before now`)']],
  ['person.lastLogin occurs last 30 days', ['30: unexpected `30` (so many units are written `<= 30 days before now`)']],
  [
    'person.lastLogin occurs < 30 days ago',
    ['ago: expected before, after or from, found `ago` (write a number, a unit, a direction and a time: `<= 30 days before now`)'],
  ],
  ['person.lastLogin occurs on "2024-01-01"', ['"2024-01-01": unexpected `"2024-01-01"` (a day is written `date(2020, 3, 14)`)']],
  ['person.lastLogin occurs before 2024-01-01', ['2024: unexpected `2024` (a day is written `date(2020, 3, 14)`)']],
  [
    'person.name = "A" or "B"',
    ['"B": expected a condition (true or false), found a string (name what it is compared with: `x = …`; one of several is `x in [1, 2]`)'],
  ],
  [
    'chain(xEvent, timestamp, [A: WHAT(cur = "EUR") COUNT 2])',
    ['COUNT: unexpected `COUNT` (a step has WHAT(…), WHEN(…), COUNT(…) and WHERE(…) at most once each, with their brackets)'],
  ],
  ['chain(xEvent, timestamp, [A: COUNT(0)])', ['A: COUNT(0): COUNT is a whole number from 1 on, found 0']],
  ['person.name contains "x"', ['contains: unexpected `contains` (write `x.contains("…")` of a text, `x.includes(…)` of an array)']],
  ['if homeOwner then true', ['homeOwner: unexpected `homeOwner` (write `if (condition, then, else)`)']],
  ['person.lastLogin < now()', ['now: unknown function `now` (`now` stands without brackets)']],
  ['person.name.isNull', ['isNull: `isNull` cannot be taken from a string (a function has brackets: `isNull()`)']],
  ['homeAddress.isNull', ['homeAddress.isNull: unknown attribute `homeAddress.isNull` (a function has brackets: `isNull()`)']],
  ['xEvent.count > 3', ['count: unknown event field `count` (a function has brackets: `count()`)']],
  ['person.birthMonth = currentMonth', ['currentMonth: unknown attribute `currentMonth` (a function has brackets: `currentMonth()`)']],
  ['counts.x > 3', ['x: `x` cannot be taken from a map of integer (write `.get("x")`)']],
  ['counts["x"] > 3', ['counts: expected an array, found a map of integer (write `.get("x")`)']],
  ['person.age = 1) or person.age = 2', ['): unexpected `)` (no `(` is open here)']],
])('%s', (text, expected) => {
  const found = problemsOf(text);
  expect(found.slice(0, expected.length)).toEqual(expected);
});

test('the field that orders a chain is one of the events themselves: a member of one may be called like another field', () => {
  const at = { kind: 'object', fields: new Map([['timestamp', { kind: 'timestamp' } as const]]) } as const;
  const shipped = { ...schema, events: new Map([...(schema.events ?? []), ['shipment', { type: at, labels: [] }]]) };
  const text = 'chain(xEvent, shipment.timestamp, [A: WHAT(cur = "USD"), B: WHAT(cur = "EUR")])';
  const { typed, problems } = readCondition(text, { schema: shipped, attributes: 'customer' });
  expect(typed).toBeUndefined();
  expect(problems.map(({ start, end, message, hint }) => [text.slice(start, end), message, hint])).toEqual([
    ['shipment.timestamp', 'the second argument of `chain` is the field that orders the events', 'name a field of the events themselves: `timestamp`'],
  ]);
});

test.each([
  ['xEvent.sum("amount") > 3', '"amount": expected a number, found a string (a field stands without quotes: `.sum(amount)`)'],
  ['orders[0].price > 3', '0: expected a condition (true or false), found an integer (`[…]` takes a condition on the items; the first one is `.head()`)'],
  ['counts["x"] > 3', 'counts: expected an array, found a map of integer (write `.get("x")`)'],
])('what only follows from a mistake is not told: %s', (text, told) => {
  expect(problemsOf(text)).toEqual([told]);
});

test('several mistakes of types are told in one go, each at its place', () => {
  const text = 'homeAdress.city = "X" and person.age = "1" and exists E from xEvent where E.cure = "USD" and person.name.foo()';
  expect(problemsOf(text).map((problem) => problem.split(':')[0])).toEqual(['homeAdress.city', '"1"', 'cure', 'foo']);
});

test.each([
  '',
  ' ',
  '(',
  ')',
  '"',
  '=',
  'and',
  'exists',
  'exists E',
  'exists E from',
  'chain(',
  'let x',
  'let x = 1 in',
  'if(',
  'a occurs',
  'a occurs <=',
  '[',
  '^',
  '$',
  '$2.a',
  'x =>',
  '\u0000',
  '😀',
  '“a”',
  'a = 1 1',
  '...',
  'select',
  'sum X over',
])('half an expression is told, not thrown: %j', (text) => {
  const { typed, problems } = readCondition(text, { schema, attributes: 'customer' });
  expect(typed).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
  for (const { start, end } of problems) {
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThanOrEqual(start);
    expect(end).toBeLessThanOrEqual(Math.max(1, text.length));
  }
});
