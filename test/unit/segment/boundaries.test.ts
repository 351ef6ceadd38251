import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { toProfileSchema } from '../../../src/segment/profile-schema.ts';
import { askBoth } from '../../support/pql/ask-both.ts';
import { loadWorld, type World } from '../../support/pql/world.ts';
import { openDatabase } from '../../support/segment-database.ts';

/** Times around every boundary; each is a person’s, and the time of their only event. */
const TIMES: Readonly<Record<string, string>> = {
  y2000: '2000-12-31T23:59:59.999999Z',
  y2001: '2001-01-01T00:00:00Z',
  leap: '2020-02-29T00:00:00Z',
  jan31: '2024-01-31T15:30:00.250Z',
  sunday: '2024-02-25T23:59:59.999999Z',
  monday: '2024-02-26T00:00:00Z',
  feb28: '2024-02-28T23:59:59.999999Z',
  feb29: '2024-02-29T00:00:00Z',
  zone: '2024-03-01T00:30:00+02:00',
  justBefore: '2024-02-29T23:59:59.999999Z',
  midnight: '2024-03-01T00:00:00Z',
  almost: '2024-03-01T15:30:00.249999Z',
  now: '2024-03-01T15:30:00.250Z',
  later: '2024-03-01T15:30:00.250001Z',
  tomorrow: '2024-03-02T00:00:00Z',
};
const NOW = Date.UTC(2024, 2, 1, 15, 30, 0, 250);

const world: World = {
  schema: toProfileSchema({
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true } },
    fields: { at: { column: 'at', type: 'timestamp' }, born: { column: 'born', type: 'date' } },
    events: { dataset: 'e', profile: 'id', timestamp: 't', eventType: { column: 'k' } },
  } as AttributesSpec),
  fields: { at: { type: 'timestamp' }, born: { type: 'date' } },
  eventFields: {},
  people: peopleOf(TIMES),
};

function peopleOf(times: Readonly<Record<string, string>>): World['people'] {
  return Object.entries(times).map(([id, at]) => ({
    id,
    profile: { at, born: at.slice(0, 10), 'identityMap.crmId': id },
    events: [{ timestamp: at, eventType: 'x' }],
  }));
}

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

const WINDOWS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'between has both ends, an instant to itself, a day to its end': {
    'between today and now': 'midnight almost now',
    'between now and now': 'now',
    'between today and today': 'midnight almost now later',
    'between yesterday and today': 'feb29 zone justBefore midnight almost now later',
    'between date(2024, 2, 29) and date(2024, 2, 29)': 'feb29 zone justBefore',
    'between last week and this week': 'sunday monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    'between now and today': 'now later',
    'between tomorrow and yesterday': '',
  },
  'distances before: <= has T - N, < has not, both have T': {
    '<= 1 days before today': 'feb29 zone justBefore midnight',
    '< 1 days before today': 'zone justBefore midnight',
    '>= 1 days before today': 'y2000 y2001 leap jan31 sunday monday feb28 feb29',
    '> 1 days before today': 'y2000 y2001 leap jan31 sunday monday feb28',
    '<= 0 days before now': 'now',
    '< 0 days before now': '',
    '<= 1 milliseconds before now': 'almost now',
    '<= 930 minutes before now': 'almost now',
  },
  'distances after': {
    '<= 1 days after today': 'midnight almost now later tomorrow',
    '< 1 days after today': 'midnight almost now later',
    '>= 1 days after today': 'tomorrow',
    '> 0 days from now': 'later tomorrow',
    '>= 0 days from now': 'now later tomorrow',
  },
  '= is the calendar unit that holds T - N, != the rest': {
    '= 1 days before now': 'feb29 zone justBefore',
    '= 0 weeks before now': 'monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    '= 1 weeks before now': 'sunday',
    '= 1 months before now': 'sunday monday feb28 feb29 zone justBefore',
    '= 0 days after today': 'midnight almost now later',
    '!= 0 years before now': 'y2000 y2001 leap',
  },
  'before, after and on': {
    'before today': 'y2000 y2001 leap jan31 sunday monday feb28 feb29 zone justBefore',
    'after yesterday': 'midnight almost now later tomorrow',
    'after now': 'later tomorrow',
    'before now': 'y2000 y2001 leap jan31 sunday monday feb28 feb29 zone justBefore midnight almost',
    today: 'midnight almost now later',
    yesterday: 'feb29 zone justBefore',
    tomorrow: 'tomorrow',
    'on now': 'now',
    'this minute': 'almost now later',
    'this millisecond': 'now later',
    'after this month': '',
    'before this month': 'y2000 y2001 leap jan31 sunday monday feb28 feb29 zone justBefore',
  },
  'weeks begin on Monday': {
    'this week': 'monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    'last week': 'sunday',
    'before this week': 'y2000 y2001 leap jan31 sunday',
  },
  'months and years end where they end': {
    '<= 1 months before date(2024, 3, 31)': 'feb29 zone justBefore midnight almost now later tomorrow',
    '<= 1 months before date(2024, 3, 29)': 'feb29 zone justBefore midnight almost now later tomorrow',
    '< 1 months after date(2024, 1, 31)': 'jan31 sunday monday feb28',
    '<= 1 months after date(2024, 1, 31)': 'jan31 sunday monday feb28 feb29',
    '<= 4 years before date(2024, 2, 29)': 'leap jan31 sunday monday feb28 feb29',
    '<= 4 years before date(2024, 2, 28)': 'leap jan31 sunday monday',
    '>= 1 years after date(2019, 2, 28)': 'leap jan31 sunday monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    '= 1 years after date(2019, 12, 31)': 'leap',
  },
  'decades begin with a 0, centuries and millennia with a 1': {
    'this decade': 'leap jan31 sunday monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    'this century': 'y2001 leap jan31 sunday monday feb28 feb29 zone justBefore midnight almost now later tomorrow',
    'last century': 'y2000',
    'last millennium': 'y2000',
    'on date(2000, 12, 31)': 'y2000',
    'next millennium': '',
  },
};

describe.each(Object.entries(WINDOWS))('%s', (_rule, windows) => {
  test.each(Object.entries(windows))('%s', async (window, ids) => {
    expect(await askBoth(connection, world, `at occurs ${window}`, { now: NOW })).toBe(ids);
    // WHEN has the same boundaries, asked of each event.
    expect(await askBoth(connection, world, `chain(xEvent, timestamp, [A: WHEN(${window})])`, { now: NOW })).toBe(ids);
  });
});

const ask = (text: string): Promise<string> => askBoth(connection, world, text, { now: NOW });

test('a date is its whole day, in UTC, whatever the time of day was', async () => {
  expect(await ask('born occurs today')).toBe('zone midnight almost now later');
  expect(await ask('born = date(2024, 2, 29)')).toBe('feb29 justBefore');
  expect(await ask('born.getDayOfMonth() = 29 and born.getMonth() = 2')).toBe('leap feb29 justBefore');
  expect(await ask('at.getDayOfMonth() = 29 and at.getYear() = 2024')).toBe('feb29 zone justBefore');
  expect(await ask('at = born')).toBe('y2001 leap monday feb29 midnight tomorrow');
});

test('a slot in another place of the year moves now, today and every period', async () => {
  const leapEve = { now: Date.UTC(2020, 1, 28, 23, 59, 59, 999) };
  expect(await askBoth(connection, world, 'at occurs tomorrow', leapEve)).toBe('leap');
  expect(await askBoth(connection, world, 'at occurs <= 1 milliseconds after now', leapEve)).toBe('leap');
  const newYear = { now: Date.UTC(2001, 0, 1) };
  expect(await askBoth(connection, world, 'at occurs last year', newYear)).toBe('y2000');
  expect(await askBoth(connection, world, 'at occurs last century and at occurs yesterday', newYear)).toBe('y2000');
  expect(await askBoth(connection, world, 'at occurs this century and at < tomorrow', newYear)).toBe('y2001');
});

describe('the edges of the calendar, where sources put what never began or never ends', () => {
  const edges: World = {
    ...world,
    people: peopleOf({ first: '0001-01-01T00:00:00Z', usual: '2024-03-01T00:00:00Z', lastDay: '9999-12-31T00:00:00Z', last: '9999-12-31T23:59:59.999999Z' }),
  };
  let database: DuckDBConnection;
  beforeAll(async () => {
    database = await openDatabase([]);
    await loadWorld(database, edges);
  });
  afterAll(() => database.closeSync());

  test.each(
    Object.entries({
      'at occurs date(9999, 12, 31)': 'lastDay last',
      'at occurs between now and date(9999, 12, 31)': 'lastDay last',
      'at occurs after date(9999, 12, 31)': '',
      'at occurs before date(9999, 12, 31)': 'first usual',
      'at occurs date(1, 1, 1)': 'first',
      'at occurs = 0 days from date(9999, 12, 31)': 'lastDay last',
      'at occurs != 0 months from date(9999, 12, 31)': 'first usual',
      'at occurs < 30 weeks after date(9999, 12, 31)': 'lastDay last',
      'at occurs < 30 weeks after born': 'first usual lastDay last',
      'at occurs > 1 days after born': '',
      // What lies outside of the calendar is farther away than its edges are, whether a constant or an attribute leads there.
      'at occurs = 12 weeks after born': '',
      'at occurs = 12 weeks after date(9999, 12, 31)': '',
      'at occurs = 1 centuries after date(9999, 12, 31)': '',
      'at occurs = 3 days before born': '',
      'at occurs != 3 days before date(1, 1, 1)': 'first usual lastDay last',
      'at occurs = 1 centuries before born': '',
      // Nothing of the first century lies in one before it.
      'date(1, 1, 1) occurs = 21 centuries before at': '',
      'date(1, 1, 1) occurs = 3 millennia before at': '',
      'date(1, 1, 1) occurs = 20 centuries before at': 'usual',
      'at occurs >= 17 decades before born': '',
      'at occurs <= 17 decades before born': 'first usual lastDay',
      'at occurs > 3000 years before now': '',
      'at occurs < 3000 years before now': 'first usual',
      'at occurs between last millennium and next decade': 'usual',
    }),
  )('%s', async (text, ids) => {
    expect(await askBoth(database, edges, text, { now: NOW })).toBe(ids);
    expect(await askBoth(database, edges, `(exists E from xEvent where ${text.replace('at occurs', 'E.timestamp occurs')})`, { now: NOW })).toBe(ids);
  });
});
