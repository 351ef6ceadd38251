import { assert, constantFrom, nat, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCondition } from '../../../src/segment/read-pql.ts';
import { LANGUAGE_ROWS } from '../../support/pql/language-rows.ts';
import { smallWorld } from '../../support/pql/small-world.ts';

const { schema } = smallWorld();
const segments = new Set(['canadians', 'last-in-euro', 'not-canadians']);

function read(text: string): ReturnType<typeof readCondition> {
  return readCondition(text, { schema, attributes: 'customer', segments });
}

/** Each problem as `what it points at: message`, in the order of the text. */
function problemsOf(text: string): readonly string[] {
  return read(text).problems.map(({ start, end, message }) => `${text.slice(start, end)}: ${message}`);
}

const FOO = 'foo: unknown attribute `foo`';
const AFTER = 'expected a value or a condition after';

/** Mistakes of grammar beside mistakes of names and types: all are told, and nothing that only follows from another. */
const MISTAKES: Readonly<Record<string, readonly string[]>> = {
  // Words of other languages, read as what is meant.
  'homeAdress.city == "X" and person.age = "40"': [
    'homeAdress.city: unknown attribute `homeAdress.city`',
    '==: unexpected `==`',
    '"40": expected an integer beside `=`, found a string',
  ],
  "homeAddress.city = 'Quebec' && person.agee <> 3 || foo = 1": [
    "'Quebec': unexpected '",
    '&&: unexpected `&&`',
    'person.agee: unknown attribute `person.agee`',
    '<>: unexpected `<>`',
    '||: unexpected `||`',
    FOO,
  ],
  'person.name = ‘Ada’ and person.name != “Bob” and foo = 1': ['‘Ada’: unexpected ‘', '“Bob”: unexpected “', FOO],
  'person.age is null and foo = 1 and person.agee not in [1]': [
    'is: unexpected `is`',
    FOO,
    'person.agee: unknown attribute `person.agee`',
    'not: unexpected `not`',
  ],
  'homeAddress.city in ("a", "b") and foo = 1': [',: expected `)`, found `,`', FOO],
  // Something is missing.
  'person.age = and homeAdress.city = "x"': [`and: ${AFTER} \`=\`, found \`and\``, 'homeAdress.city: unknown attribute `homeAdress.city`'],
  'homeAdress.city = and foo = 1': ['homeAdress.city: unknown attribute `homeAdress.city`', `and: ${AFTER} \`=\`, found \`and\``, FOO],
  'person.age = 1 or or person.age = 2 and and foo = 3': [`or: ${AFTER} \`or\`, found \`or\``, `and: ${AFTER} \`and\`, found \`and\``, FOO],
  'not and foo = 1': [`and: ${AFTER} \`not\`, found \`and\``, FOO],
  'if (homeOwner, foo = 1, ) and person.age = "x"': [FOO, `): ${AFTER} \`,\`, found \`)\``, '"x": expected an integer beside `=`, found a string'],
  'orders[price > ].count() = "a" and orders.topN(price 5).head() = 3': [
    `]: ${AFTER} \`>\`, found \`]\``,
    '"a": expected an integer beside `=`, found a string',
    '5: expected `)`, found `5`',
  ],
  'person..age = 1 and person. = 2 and foo = 3': ['.: expected a name, found `.`', '=: expected a name, found `=`', FOO],
  'nmae = "x" baz = 3': ['nmae: unknown attribute `nmae`', 'baz: unexpected `baz`', 'baz: unknown attribute `baz`'],
  'foo = 1 person.agee < 3 not (homeAdress.city.isNull())': [
    FOO,
    'person: unexpected `person`',
    'person.agee: unknown attribute `person.agee`',
    'not: unexpected `not`',
    'homeAdress.city: unknown attribute `homeAdress.city`',
  ],
  'person.age = 1 exists E from xEvent where E.cure = 1': ['exists: unexpected `exists`', 'cure: unknown event field `cure`'],
  // … or what joins is not what is missing, and the rest would be judged by a guess.
  'person.age = 1 not in [foo]': ['not: unexpected `not`'],
  'person.age = 1 person.name': ['person: unexpected `person`'],
  // Something is too much.
  'person.age 5 and foo = 1 and person.name "x" = 3': ['5: unexpected `5`', FOO, '"x": unexpected `"x"`'],
  'person.name like %abc% and foo = 1': [`%: ${AFTER} \`like\`, found \`%\``, FOO],
  'person.age = # and foo = 1 or a.b = 1; homeAdress.city = "x"': [
    '#: unexpected "#"',
    FOO,
    'a.b: unknown attribute `a.b`',
    ';: unexpected ";"',
    'homeAdress.city: unknown attribute `homeAdress.city`',
  ],
  // Brackets.
  '(person.age = 5 and foo = 1': [FOO, '1: expected `)`, found the end'],
  'person.age = 5) and foo = 1 and person.name = 3': ['): unexpected `)`', FOO, '3: expected a string beside `=`, found an integer'],
  '(person.age = 5] and foo = 1': [']: expected `)`, found `]`', FOO],
  'person.birthMonth in [1, "a" and foo = 1': [
    '"a": the items of a list are of one type: integer before, here a string',
    FOO,
    '1: expected `]`, found the end',
  ],
  'person.name.contains("a" and foo = 1': [FOO, '1: expected `)`, found the end'],
  'homeOwner.isNull( and foo = 1': ['and: expected `)`, found `and`', FOO],
  '((((person.age = "x" and foo = 2))': ['"x": expected an integer beside `=`, found a string', FOO, '): expected `)`, found the end'],
  'person.name = "abc and foo = 1)': ['"abc and foo = 1): this text has no closing quote'],
  '(person.name = "abc and foo = 1)': ['"abc and foo = 1): this text has no closing quote'],
  // … of types what is wrong wherever the missing bracket belongs.
  '(person.age = "x"': ['"x": expected an integer beside `=`, found a string', '": expected `)`, found the end'],
  'orders[price = "x"': ['"x": expected an integer beside `=`, found a string', '": expected `]`, found the end'],
  '(person.age + person.age = "x"': ['": expected `)`, found the end'],
  'person.age = (1 + 2 and homeOwner': ['r: expected `)`, found the end'],
  'person.name.contains("a" and person.age = "x"': ['"x": expected an integer beside `=`, found a string', '": expected `)`, found the end'],
  'homeOwner and person.age = 1) = 2 and person.name = 3': ['): unexpected `)`', '3: expected a string beside `=`, found an integer'],
  // What cannot be read, and brackets that it hides.
  '((homeOwner and foo = 1 and person.age = "x" §': [
    '(: this `(` is never closed',
    '(: this `(` is never closed',
    FOO,
    '"x": expected an integer beside `=`, found a string',
    '§: unexpected "§"',
  ],
  'foo = 1 § and person.name = 3': [FOO, '§: unexpected "§"', '3: expected a string beside `=`, found an integer'],
  // What gives names: without it the names say nothing.
  'exists E xEvent where E.cur = 1 and E.cure = 2': ['xEvent: expected `from`, found `xEvent`'],
  'exists from xEvent where E.cur = "x" and E.y = 2': ['from: expected a name, found `from`'],
  'forall E in xEvent : E.cur = 1': ['in: expected `from`, found `in`'],
  'exists E from xEvent where E.cur = and E.cure = "x" and E.cur = 2': [
    `and: ${AFTER} \`=\`, found \`and\``,
    'cure: unknown event field `cure`',
    '2: expected a string beside `=`, found an integer',
  ],
  'exists E from xEvent where (E.cur = "a", I from E.items where I.b = 2': [',: expected `)`, found `,`', 'items: unknown event field `items`'],
  'let S = (person.age + ) in (S > 1 and foo = 2 and S = "a")': [`): ${AFTER} \`+\`, found \`)\``, FOO, '"a": expected an integer beside `=`, found a string'],
  'let S 5 in (S > 1 and T = 2)': ['5: expected a comparison, found `5`'],
  'xEvent.filter(x => x.cur = ).count() > "1" and foo = 1': [`): ${AFTER} \`=\`, found \`)\``, '"1": expected an integer beside `>`, found a string', FOO],
  'foo.in([1]) and agee.notIn("x") and bar.like("a%")': [
    FOO,
    'agee: unknown attribute `agee`',
    '"x": expected an array, found a string',
    'bar: unknown attribute `bar`',
  ],
  // Times and sequences.
  'person.lastLogin occurs <= three days before now and foo = 1': ['three: expected a number, found `three`', FOO],
  'person.lastLogin occurs between and now and foo = 1': [`and: ${AFTER} \`between\`, found \`and\``, FOO],
  'person.lastLogin occurs between yesterday and and foo = 1': [`and: ${AFTER} \`and\`, found \`and\``, FOO],
  'person.lastLogin occurs < 3 dayz before now or person.lastLogin occurs < 3 days ago': [
    'dayz: `dayz` is no unit of time',
    'ago: expected before, after or from, found `ago`',
  ],
  'chain(xEvent, timestamp, [A: WHAT(cur = ) WHEN(<= 3 dayz before now), B: WAT(cur = 1) COUNT(2), C: WHAT(foo = 1) COUNT(x)])': [
    `): ${AFTER} \`=\`, found \`)\``,
    'dayz: `dayz` is no unit of time',
    'WAT: expected WHAT(…), WHEN(…), COUNT(…) or WHERE(…), found `WAT`',
    'foo: unknown event field `foo`',
    'x: expected a number, found `x`',
  ],
  'chain(xEvent timestamp, [A: WHAT(cur = 1), B: WHAT(foo = 1)])': [
    'timestamp: expected `,`, found `timestamp`',
    '1: expected a string beside `=`, found an integer',
    'foo: unknown event field `foo`',
  ],
  'chain(xEvent, timestamp, [A: WHAT(cur = "a") WHAT(cur = "b")]) and foo = 1': ['WHAT: unexpected `WHAT`', FOO],
};

test.each(Object.entries(MISTAKES))('%s', (text, expected) => {
  expect(problemsOf(text)).toEqual(expected);
  expect(read(text).typed).toBeUndefined();
});

const VALID = Object.values(LANGUAGE_ROWS)
  .flatMap((cases) => Object.keys(cases))
  .filter((text) => !text.startsWith('(Profile) =>'));

describe('a mistake beside anything that is right is told as if it stood alone', () => {
  const alone = Object.keys(MISTAKES).filter(
    (text) => !/^\(|"abc and|topN|contains\("a"|in \[1|E\.items|isNull\(|orders\[price = |= \(1|= 5\)|^let|exists|forall/.test(text),
  );
  test.each(alone)('%s', (wrong) => {
    const expected = problemsOf(wrong);
    for (const [index, right] of VALID.entries()) {
      const text = index % 2 === 0 ? `(${right}) and ${wrong}` : `${wrong} or (${right})`;
      expect(problemsOf(text), text).toEqual(expected);
    }
  });
});

test('no damage makes the reader throw, point beside the text, or take an expression for right and wrong at once', () => {
  const pieces = [
    '',
    '(',
    ')',
    '[',
    ']',
    ',',
    '"',
    ' and ',
    ' or ',
    ' not ',
    '=',
    '.',
    ' in ',
    ' from ',
    ' where ',
    ':',
    '=>',
    '^',
    '%',
    '5',
    'x',
    '\u0000',
    '😀',
    "'",
  ];
  assert(
    property(constantFrom(...VALID), nat(400), nat(8), constantFrom(...pieces), nat(400), constantFrom(...pieces), (valid, at, length, put, other, also) => {
      const once = `${valid.slice(0, at % (valid.length + 1))}${put}${valid.slice((at % (valid.length + 1)) + length)}`;
      const text = `${once.slice(0, other % (once.length + 1))}${also}${once.slice(other % (once.length + 1))}`;
      const { typed, problems } = read(text);
      expect(typed === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
      expect(new Set(problems.map(({ start, end, message }) => `${start} ${end} ${message}`)).size).toBe(problems.length);
      for (const { start, end } of problems) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(Math.max(1, text.length));
      }
    }),
    { numRuns: 3000, seed: 20261124 },
  );
});

test('a word of another language at which the grammar is stuck is told once', () => {
  expect(problemsOf(' in person.age ==> 2')).toEqual(['in: expected a value or a condition, found `in`', '==: unexpected `==`']);
});

test.each([
  ['thousands of mistakes', 'person.age = = 1 and '.repeat(20_000)],
  ['brackets that do not fit', '(person.age = ] and '.repeat(100)],
  ['lists without an end', 'person.age in [1, 2 and '.repeat(100)],
  ['a mistake behind sixty thousand items', `person.age in [${Array.from({ length: 60_000 }, (_, index) => index).join(',')} 5] and foo = = 3`],
  ['a hundred thousand strange characters', '# '.repeat(100_000)],
  ['fifty thousand closing brackets', ')'.repeat(50_000)],
  ['sixteen thousand unknown names', `${'foo = 1 and '.repeat(16_000)}a b`],
])('hostile texts are told of within seconds: %s', { timeout: 60_000 }, (_, text) => {
  // Of this process alone: what else the machine does is no matter here.
  const started = process.cpuUsage();
  const { typed, problems } = read(text);
  const { user, system } = process.cpuUsage(started);
  expect(typed).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.length).toBeLessThanOrEqual(101);
  expect((user + system) / 1000).toBeLessThan(10_000);
});
