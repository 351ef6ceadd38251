import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { askBoth } from '../../support/pql/ask-both.ts';
import { loadWorld, type FieldDeclaration, type Plain, type World } from '../../support/pql/world.ts';
import { openDatabase } from '../../support/segment-database.ts';

const item: FieldDeclaration = { type: 'object', fields: { n: { type: 'integer' }, s: { type: 'string' } } };
const types: Readonly<Record<string, FieldDeclaration>> = {
  s: { type: 'string' },
  n: { type: 'integer' },
  d: { type: 'decimal(9,2)' },
  f: { type: 'double' },
  b: { type: 'boolean' },
  day: { type: 'date' },
  at: { type: 'timestamp' },
  texts: { type: 'array', items: { type: 'string' } },
  items: { type: 'array', items: item },
  map: { type: 'map', values: { type: 'integer' } },
  object: item,
};
const fields = {
  ...Object.fromEntries(Object.entries(types).flatMap(([name, type]) => [`l.${name}`, `r.${name}`].map((path) => [path, type]))),
  'half.s': { type: 'string' },
  'half.n': { type: 'integer' },
};

function side(prefix: 'l' | 'r'): Plain {
  const values: Plain = {
    s: 'ab',
    n: 2,
    d: '2.50',
    f: 2.5,
    b: prefix === 'l',
    day: '2024-02-29',
    at: '2024-02-29T12:00:00Z',
    texts: ['ab', null],
    items: [
      { n: 2, s: 'ab' },
      { n: null, s: null },
    ],
    map: { ab: 2, none: null },
    object: { n: 2, s: 'ab' },
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}

const columns = Object.fromEntries(Object.entries(fields).map(([path, field]) => [path, { column: path, ...field }]));
/** Of `both` all is known, of the others the left or the right half, or nothing; nobody but `both` has events. */
const world: World = {
  schema: toProfileSchema({
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true } },
    fields: columns,
    events: { dataset: 'e', profile: 'id', timestamp: 't', eventType: { column: 'k' }, fields: { n: { column: 'n', type: 'integer' } } },
  } as unknown as AttributesSpec),
  fields,
  eventFields: { n: { type: 'integer' } },
  people: [
    {
      id: 'both',
      profile: { ...side('l'), ...side('r'), 'half.s': 'ab', 'half.n': 2 },
      events: [
        { timestamp: '2024-02-29T12:00:00Z', n: null },
        { timestamp: null, n: 3 },
      ],
    },
    { id: 'left', profile: { ...side('l'), 'half.s': 'ab' }, events: [] },
    { id: 'right', profile: side('r'), events: [] },
    { id: 'none', profile: {}, events: [] },
  ].map(({ id, profile, events }) => ({ id, profile: { ...profile, 'identityMap.crmId': id }, events })),
};

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

/** For both, left, right, none: T when a member, F when a member of the negation, ? when of neither. */
async function valuesOf(text: string): Promise<string> {
  const yes = (await askBoth(connection, world, text)).split(' ');
  const no = (await askBoth(connection, world, `not (${text})`)).split(' ');
  return world.people.map(({ id }) => (yes.includes(id) ? 'T' : no.includes(id) ? 'F' : '?')).join('');
}

/** Each operator with NULL on neither side, the right, the left and on both. */
const VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'comparisons: unknown with NULL on either side': {
    'l.s = r.s': 'T???',
    'l.s != r.s': 'F???',
    'l.n < r.n': 'F???',
    'l.n <= r.n': 'T???',
    'l.d > r.f': 'F???',
    'l.d >= r.n': 'T???',
    'l.b = r.b': 'F???',
    'l.day < r.at': 'T???',
    'l.at = r.at': 'T???',
    'l.texts = r.texts': 'T???',
    'l.texts != r.texts': 'F???',
    'l.n = 2': 'TT??',
    '2 != l.n': 'FF??',
  },
  'events without a time are asked beside a window of time': {
    'xEvent[n = 3].count() = 1 and xEvent[timestamp occurs after date(1999, 1, 1) and n.isNull()].count() = 1': 'TFFF',
  },
  'a folder is null when all in it are': {
    'half.isNull()': 'FFTT',
    'half.isNotNull()': 'TTFF',
    'l.isNull()': 'FFTT',
  },
  'and, or, not: Kleene': {
    'l.b and r.b': 'F?F?',
    'l.b or r.b': 'TT??',
    'not l.b': 'FF??',
    'l.b and true': 'TT??',
    'l.b and false': 'FFFF',
    'l.b or true': 'TTTT',
    'l.b or false': 'TT??',
    'r.b and false or l.b': 'TT??',
  },
  'if: an unknown test takes the second way': {
    'if (l.b, true, false)': 'TTFF',
    'if (r.b, true, l.b)': 'TT??',
    'if (true, l.b, r.b)': 'TT??',
    'if (l.b, 1, 2) = 1': 'TTFF',
  },
  'arithmetic: unknown with NULL on either side': {
    'l.n + r.n = 4': 'T???',
    'l.n - r.n = 4': 'F???',
    'l.d * r.n = 5': 'T???',
    'l.n / r.n = 1': 'T???',
    'l.n % r.n = 0': 'T???',
    '-l.n = -2': 'TT??',
    'l.n / 0 = 1 or l.n % 0 = 1': '????',
  },
  'texts: unknown with NULL on either side': {
    'l.s.startsWith(r.s)': 'T???',
    'l.s.doesNotStartWith(r.s)': 'F???',
    'l.s.endsWith(r.s)': 'T???',
    'l.s.doesNotEndWith(r.s, false)': 'F???',
    'l.s.contains(r.s)': 'T???',
    'l.s.doesNotContain(r.s)': 'F???',
    'l.s.equals(r.s, false)': 'T???',
    'l.s.notEqualTo(r.s)': 'F???',
    'l.s like "a%"': 'TT??',
    'l.s.matches("^a")': 'TT??',
    'l.s.regexGroup("(b)", 1) = "b"': 'TT??',
    'l.s.regexGroup("(x)", 1) = "b"': '????',
  },
  'lists: false with NULL on either side, NULL items skipped': {
    'l.s in r.texts': 'TFFF',
    'l.s notIn r.texts': 'FFFF',
    'l.s in ["ab"]': 'TTFF',
    'l.s notIn ["ab"]': 'FFFF',
    'l.s notIn ["x", null]': 'TTFF',
    'l.s in [null]': 'FFFF',
    'l.texts.includes(r.s)': 'TFFF',
    'l.texts.intersects(r.texts)': 'TFFF',
    'l.texts.subsetOf(r.texts)': 'TFFF',
    'l.texts.supersetOf(r.texts)': 'TFFF',
    'l.texts.intersection(r.texts).isNull()': 'FTTT',
    'l.texts.intersection(r.texts) = ["ab"]': 'T???',
    'l.texts.distinct() = ["ab"]': 'TT??',
    'l.texts = ["ab", null]': 'TT??',
    '[].count() = 0 and not ([].includes("a"))': 'TTTT',
  },
  'arrays: a missing one has no items': {
    'l.texts.count() = 2': 'TTFF',
    'l.texts.count() = 0': 'FFTT',
    'l.items.sum(n) = 2': 'TTFF',
    'l.items.sum(n) = 0': 'FFTT',
    'l.items.average(n) = 2': 'TT??',
    'l.items.min(n) = 2': 'TT??',
    'l.items.max(s) = "ab"': 'TT??',
    'l.items.head().n = 2': 'TT??',
    'l.items.topN(n, 5).count() = 1': 'TTFF',
    'l.items.bottomN(n, 5).head().n = 2': 'TT??',
    'l.items.groupBy(s).count() = 1': 'TTFF',
    'l.items.map(n).count() = 2': 'TTFF',
    'l.items[n = 2].count() = 1': 'TTFF',
    'l.items.filter(n = r.n).count() = 1': 'TFFF',
    'l.items': 'TTFF',
    'exists X from l.items where X.n = 2': 'TTFF',
    'exists X from l.items where X.n = 3': 'FFFF',
    'forall X from l.items where X.n = 2': 'FFTT',
    'forall X from l.items where X.n = 2 or X.n.isNull()': 'TTTT',
    'select X from l.items where X.s = r.s': 'TFFF',
    '(sum X.n over X from l.items where X.n > 1) = 2': 'TTFF',
  },
  'maps and objects': {
    'l.map.get("ab") = 2': 'TT??',
    'l.map.get("none") = 2': '????',
    'l.map.get(r.s) = 2': 'T???',
    'l.map.keys().count() = 2': 'TTFF',
    'l.map.keys().isNull()': 'FFTT',
    'l.map.values() = [2, null]': 'TT??',
    'l.object.n = 2': 'TT??',
    'l.object.isNull()': 'FFTT',
    'l.isNull()': 'FFTT',
    'identityMap.get("crmId").isNotNull()': 'TTTT',
  },
  'isNull and inSegment are never unknown': {
    'l.n.isNull()': 'FFTT',
    'l.n.isNotNull()': 'TTFF',
    '(l.n + r.n).isNull()': 'FTTT',
    '(l.b and r.b).isNull()': 'FTFT',
    'xEvent.isNull()': 'FFFF',
  },
  'dates and times: unknown with NULL on either side': {
    'l.day.getMonth() = 2 and l.day.getYear() = 2024 and l.at.getDayOfMonth() = 29': 'TT??',
    'l.at occurs <= 1 days before r.at': 'T???',
    'l.at occurs = 0 days before r.day': 'T???',
    'l.at occurs before r.day': 'F???',
    'l.at occurs after r.day': 'F???',
    'l.at occurs on r.day': 'T???',
    'l.at occurs between r.day and now': 'T???',
    'l.at occurs between now and r.day': 'FF??',
    'l.at occurs today': 'FF??',
  },
  'null written down': {
    'null.isNull()': 'TTTT',
    'l.texts.includes(null)': 'FFFF',
    'l.texts.intersects([null])': 'FFFF',
    '[null].subsetOf(l.texts)': 'TTFF',
    '[null].count() = 1 and [null, 2].sum() = 2 and [null].head().isNull()': 'TTTT',
    '[null] = [null]': 'TTTT',
    'if (l.b, null, 2) = 2': '??TT',
    'if (l.b, null, 2).isNull()': 'TTFF',
    'if (l.b, 2, null) + 1 = 3': 'TT??',
    'let V = null in (V.isNull() and l.b)': 'TT??',
    'l.items.map(null).count() = 2': 'TTFF',
    'l.map.get(null).isNull()': 'TTTT',
    'l.s.startsWith(null)': '????',
    'null in [1, 2]': 'FFFF',
    '[[1, null], [null]] = [[1, null], [null]]': 'TTTT',
  },
  'let takes its value along, unknown or not': { 'let V = (l.n + r.n) in (V = 4 or l.b)': 'TT??', 'let V = l.b in (V)': 'TT??' },
  'events: nobody’s are none; one without a time is in no sequence': {
    'xEvent.count() = 2': 'TFFF',
    'xEvent.sum(n) = 3': 'TFFF',
    'xEvent.sum(n) = 0': 'FTTT',
    'xEvent.min(n) = 3': 'T???',
    'exists E from xEvent where E.n = 3': 'TFFF',
    'exists E from xEvent where E.timestamp occurs before now': 'TFFF',
    'forall E from xEvent where E.timestamp occurs before now': 'FTTT',
    'forall E from xEvent where not (E.timestamp occurs after now)': 'FTTT',
    'chain(xEvent, timestamp, [A: WHAT(true) COUNT(1)])': 'TFFF',
    'chain(xEvent, timestamp, [A: WHAT(true) COUNT(2)])': 'FFFF',
    'chain(xEvent, timestamp, [A: WHAT(n = 3)])': 'FFFF',
    'xEvent.topN(timestamp, 2).count() = 1': 'TFFF',
    'xEvent[n = r.n or n > 2].count() = 1': 'TFFF',
  },
};

describe.each(Object.entries(VALUES))('%s', (_rule, cases) => {
  test.each(Object.entries(cases))('%s', async (text, values) => {
    expect(await valuesOf(text)).toBe(values);
  });
});
