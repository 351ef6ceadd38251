import { expect, test } from 'vitest';
import { readCondition } from '../../../src/segment/read-pql.ts';
import { smallWorld } from '../../support/pql/small-world.ts';

const { schema } = smallWorld();

/** Each problem as `found text: what to do`. */
function hintsOf(text: string): readonly string[] {
  return readCondition(text, { schema, attributes: 'customer' }).problems.map(({ start, end, hint = 'nothing' }) => `${text.slice(start, end)}: ${hint}`);
}

const AGO = 'how long ago is asked with `occurs`: `x occurs <= 30 days before now`';
const TIME = 'a time is asked for with `occurs`: `x occurs after date(2020, 3, 14)`, `x occurs <= 30 days before now`';
const BETWEEN = 'of a number write `x >= 1 and x <= 9`, of a time `x occurs between … and …`';
const EXISTS = 'write `exists X from xEvent where …`';
const PATTERN = 'a pattern is asked for with `x.matches("…")`';
const CHAIN = 'write `chain(xEvent, timestamp, [A: WHAT(…), B: WHAT(…)])`';
const STEP = 'a step has a name, and its parts no commas between them: `A: WHAT(…) WHEN(…)`';
const COMMENT = 'a comment begins with `//`';
const NULLS = 'write `x.isNull()` or `x.isNotNull()`; of a yes or no `x = true`';
const LIST_OF = 'a comma stands between the items of a list: `["US", "CA"]`';
const FOLD = 'without regard to case it is `x.equals("…", false)`, `x.contains("…", false)`';

/** What people bring along from SQL, JavaScript, CEL, Jinja and word processors, and what they are told. */
const HABITS: Readonly<Record<string, readonly string[]>> = {
  // SQL.
  'homeOwner is true': [`is: ${NULLS}`],
  '(person.name is not null)': [`is: ${NULLS}`],
  '(person.age between 18 and 30)': [`between: ${BETWEEN}`],
  'xEvent[price between 1 and 3].count() > 1': [`between: ${BETWEEN}`],
  '18 <= person.age <= 30': ['<=: compare twice: `x >= 18 and x <= 30`'],
  'not (person.name ilike "b%")': ['ilike: write `x.matches("…")`, or `x.contains("…", false)` without regard to case'],
  'person.name ~ "^B"': [`~: ${PATTERN}`],
  'lower(person.name) = "b"': [`lower: ${FOLD}`],
  'coalesce(person.age, 0) > 3': ['coalesce: another value for a missing one is `if (x.isNull(), …, x)`'],
  'year(person.birthdate) > 1980': ['year: it is `x.getYear()`'],
  'count(*) > 3': ['*: count the items of an array: `xEvent.count()`'],
  'count(xEvent where cur = "EUR") > 3': ['where: choose the items first: `xEvent[eventType = "…"].count()`'],
  'exists(xEvent where price > 3)': [`(: ${EXISTS}`],
  'exists xEvent where price > 3': [`where: ${EXISTS}`],
  'exists E in xEvent where E.price > 3': [`in: ${EXISTS}`],
  'where person.age > 3': ['person: leave `where` out: a segment is the condition alone'],
  'person.age > 3;': [';: leave it out: a segment is one condition'],
  'person.age > 3 -- only adults': [`adults: ${COMMENT}`],
  'person.age > 3 -- adults': [`adults: ${COMMENT}`],
  '"person.age" > 3': ['"person.age": names stand without quotes: `person.age`'],
  '`person.age` > 3': ['`: names stand as they are: `person.name`', '`: names stand as they are: `person.name`'],
  'person.lastLogin > today - 30': [`today: ${AGO}`],
  'person.lastLogin > now - interval "30 days"': [`"30 days": ${AGO}`],
  'person.lastLogin > date("2020-01-05")': ['date("2020-01-05"): date(2020, 1, 5)'],
  'person.lastLogin > 2020-01-01T00': ['T00: a day is written `date(2020, 3, 14)`'],
  // … with words for times.
  'person.lastLogin within last 30 days': [`within: ${TIME}`],
  '(person.lastLogin after date(2020, 1, 1))': [`after: ${TIME}`],
  'person.lastLogin occurs since date(2020, 1, 1)': [`date: ${TIME}`],
  'person.lastLogin occurs in last 30 days': ['in: write `last week`, `after date(2020, 3, 14)` or `<= 30 days before now`'],
  // JavaScript and CEL.
  'xEvent.filter(E -> E.commerce.item.price > 3).count() > 1': ['->: a function of an item is written `x => …`'],
  'xEvent.any(e => e.price > 3)': ['any: whether one item fits is `exists X from … where …`'],
  'xEvent.all(e, e.price > 3)': ['all: whether all items fit is `forall X from … where …`'],
  'xEvent.length > 3': ['length: how many items an array has is `x.count()`'],
  'size(xEvent) > 3': ['size: how many items an array has is `x.count()`'],
  'xEvent.count(cur = "EUR") > 3': ['count(cur = "EUR"): choose the items first: `x[…].count()`'],
  'person.favoriteColors.contains("a")': ['person.favoriteColors: whether an array has an item is asked with `.includes(…)`'],
  'person.name.includes("a")': ['person.name: whether a text has a part is asked with `.contains("…")`'],
  '"a" in person.name': ['person.name: whether a text has a part is asked with `.contains("…")`'],
  'person.name.matches(/^B/)': ['/: a pattern is a text in double quotes: `"^B"`'],
  'homeOwner ? true : false': ['?: a choice is `if (condition, then, else)`; whether there is a value asks `x.isNull()`'],
  'homeAddress["city"] = "x"': ['homeAddress: write `.city`'],
  'loyalty["points"] = 1': ['loyalty: write `.points`'],
  'person.lastLogin.month = 3': ['month: it is `x.getMonth()`'],
  // Jinja.
  '{{ homeOwner }}': [
    '{{: PQL has no braces: a choice is `if (condition, then, else)`, a list `["US", "CA"]`',
    '}}: PQL has no braces: a choice is `if (condition, then, else)`, a list `["US", "CA"]`',
  ],
  'homeOwner # adults': [`#: ${COMMENT}`],
  // Numbers, signs and quotes.
  'person.age > 1_000': ['_000: a number has digits and one point: `1000.5`'],
  'income > 10k': ['k: a number has digits and one point: `1000.5`'],
  'income > .5': ['.5: a number begins with a digit: `0.5`'],
  'person.age > +3': ['+: a number has no plus sign'],
  'person.age in 18..30': ['.: a stretch of numbers is `x >= 18 and x <= 30`'],
  'person.age ≥ 3 and person.age ≠ 4': ['≥: write `>=`', '≠: inequality is `!=`'],
  'homeAddress.city = Quebec': ['Quebec: a text stands in double quotes: `"Quebec"`'],
  'homeAddress.countryISO in ["DE" "FR"]': [`"FR": ${LIST_OF}`],
  'xEvent.sum("price") > 3': ['"price": a field stands without quotes: `.sum(price)`'],
  // A name without its folder, or with one too much.
  'countryISO = "DE"': ['countryISO: did you mean `homeAddress.countryISO`?'],
  'profile.homeAddress.countryISO = "DE"': ['profile.homeAddress.countryISO: did you mean `homeAddress.countryISO`?'],
  'exists E from xEvent where E.price > 3': ['price: did you mean `commerce.item.price`?'],
  // Sequences.
  'chain(xEvent, [A: WHAT(cur = "EUR")])': [`:: ${CHAIN}`, `): ${CHAIN}`],
  'chain(xEvent, timestamp, A: WHAT(cur = "EUR"))': [`A: ${CHAIN}`],
  'chain(xEvent, timestamp, ["A": WHAT(cur = "EUR")])': [`"A": ${CHAIN}`],
  'chain(xEvent, timestamp, [])': [`]: ${CHAIN}`],
  'chain(xEvent, timestamp, [WHAT(cur = "EUR")])': [`(: ${STEP}`],
  'chain(xEvent, timestamp, [A: WHAT(cur = "EUR"), WHEN(today)])': [`(: ${STEP}`],
  'chain(xEvent, timestamp, [A: WHAT(cur = "EUR") COUNT(>= 3)])': ['>=: `COUNT(3)` is three or more'],
  'chain(xEvent, timestamp, [A: WHAT(cur = "EUR") B: WHAT(cur = "USD")])': ['B: a step is written `A: WHAT(…) WHEN(…) COUNT(…)`; a comma stands between two'],
  // The rest of a statement.
  'and person.age > 3': ['and: `and` stands between two conditions'],
  'let x = 3': ['3: write `let X = … in (…)`'],
  'person.age => 3': ['=>: write `>=` or `<=`'],
  'income => 3': ['3: `x => …` is a function of the profile; at least is written `>=`'],
};

test.each(Object.entries(HABITS))('%s', (text, expected) => {
  expect(hintsOf(text)).toEqual(expected);
});

test.each([
  '"homeAddress.city" = "Quebec"',
  '"homeAddress.city" like "Q%"',
  '"homeAddress.city".startsWith("Q")',
  '"homeAddress.city" in ["Quebec"]',
  'exists E from xEvent where "cur" != "EUR"',
])('a name in quotes is no name, and beside a constant nobody would notice: %s', (text) => {
  expect(readCondition(text, { schema, attributes: 'customer' }).problems).toMatchObject([
    {
      severity: 'error',
      message: 'this text is compared with a constant: the answer is the same for everybody',
      hint: expect.stringMatching(/^names stand without quotes/),
    },
  ]);
});

test('texts that are no names compare with each other, and twice a minus is a number again', () => {
  for (const text of ['"a" = "b"', '1 = 1', 'person.age > 3 - -4', 'person.age > 3 -- 4']) expect(hintsOf(text)).toEqual([]);
});

test('a step without a condition and one that is called like another are allowed, and told', () => {
  const told = (text: string): readonly unknown[] =>
    readCondition(text, { schema, attributes: 'customer' }).problems.map(({ severity, start, end, message }) => [
      severity,
      text.slice(start - 1, end),
      message,
    ]);
  expect(told('chain(xEvent, timestamp, [A: ])')).toEqual([['warning', '[A', 'the step `A` takes any event']]);
  expect(told('chain(xEvent, timestamp, [A: COUNT(3), B: WHEN(today)])')).toEqual([]);
  expect(told('chain(xEvent, timestamp, [A: WHAT(cur = "EUR"), A: WHAT(cur = "USD")])')).toEqual([
    ['warning', ' A', 'a step before this one is called `A` as well'],
  ]);
  expect(readCondition('chain(xEvent, timestamp, [A: ])', { schema, attributes: 'customer' }).typed).toBeDefined();
});
