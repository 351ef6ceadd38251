import { expect, test } from 'vitest';
import { explainTree } from '../../../src/segment/evaluate/explain-tree.ts';
import { readFixture } from '../../../src/segment/evaluate/read-fixture.ts';
import { runSegmentTests } from '../../../src/segment/run-tests.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { typedOf } from '../../support/segment-database.ts';

const { schema } = smallWorld();
const NOW = Date.UTC(2024, 2, 1);

function run(pql: string, tests: Parameters<typeof runSegmentTests>[0]['tests']): ReturnType<typeof runSegmentTests> {
  return runSegmentTests({ name: 's', pql, typed: typedOf(pql, schema), schema, tests, segments: new Map() }, NOW);
}

test('a test passes, fails with what decided, or is broken', () => {
  const results = run('homeAddress.countryISO = "CA" and (person.age > 30 or xEvent.count() > 2)', [
    { name: 'a member', profile: { 'homeAddress.countryISO': 'CA', 'person.age': 31 }, member: true },
    { name: 'nested attributes', profile: { homeAddress: { countryISO: 'CA' }, person: { age: 31 } }, member: true },
    { name: 'too young', profile: { 'homeAddress.countryISO': 'CA', 'person.age': 20 }, events: [{ eventType: 'view' }], member: true },
    { name: 'typo', profile: { 'homeAddress.countryIS': 'CA' }, member: true },
  ]);
  expect(results.map(({ status }) => status)).toEqual(['passed', 'passed', 'failed', 'broken']);
  expect(results[2]?.why.map(({ text }) => text)).toEqual(['person.age > 30', 'xEvent.count() > 2']);
  expect(results[3]?.problems).toEqual([
    { path: ['profile', 'homeAddress.countryIS'], message: 'unknown attribute `homeAddress.countryIS`', hint: 'did you mean `homeAddress.countryISO`?' },
  ]);
});

test('a test’s own now counts, and decimals are exact', () => {
  const results = run('person.birthdate occurs before today and income + 0.2 = 0.3', [
    { name: 'then', now: '1990-01-01T00:00:00Z', profile: { 'person.birthdate': '1995-01-01', income: '0.1' }, member: false },
    { name: 'now', profile: { 'person.birthdate': '1995-01-01', income: '0.1' }, member: true },
    { name: 'not quite', profile: { 'person.birthdate': '1995-01-01', income: '0.11' }, member: false },
  ]);
  expect(results.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
});

test.each([
  [{ 'person.age': 'forty' }, 'expected an integer, found `"forty"`'],
  [{ 'person.birthdate': '2023-02-29' }, 'expected a date, found `"2023-02-29"`'],
  [{ homeOwner: 'yes' }, 'expected a boolean, found `"yes"`'],
  [{ 'person.lastLogin': 'yesterday' }, 'expected a timestamp, found `"yesterday"`'],
  [{ numbers: 3 }, 'expected an array of integer, found `3`'],
  [{ 'person.age': '9223372036854775808' }, 'expected an integer, found `"9223372036854775808"`'],
  [{ income: '1.555' }, 'expected a decimal(12,2), found `"1.555"`'],
  [{ income: '12345678901' }, 'expected a decimal(12,2), found `"12345678901"`'],
  [{ numbers: [1, 1.5] }, 'expected an integer, found `1.5`'],
])('a fixture that no source could hold is told: %j', (profile, message) => {
  expect(readFixture(profile, [], schema).problems.map((problem) => problem.message)).toEqual([message]);
});

test('a fixture that gives an attribute twice, nested and by path, is told', () => {
  const { problems } = readFixture({ 'homeAddress.city': 'Oslo', homeAddress: { city: 'Rome', countryISO: 'IT' } }, [], schema);
  expect(problems).toEqual([{ path: ['profile', 'homeAddress'], message: 'the attribute `homeAddress.city` has a value already' }]);
});

test('explain gives each node its text, its value and how often it held', () => {
  const pql = 'homeAddress.city = "Quebec" and exists E from xEvent where E.commerce.item.price > 50';
  const events = [
    { eventType: 'view', 'commerce.item.price': '60.00' },
    { eventType: 'view', 'commerce.item.price': '10' },
  ];
  const { profile } = readFixture({ 'homeAddress.city': 'Oslo' }, events, schema);
  const tree = explainTree(typedOf(pql, schema), pql, profile, { now: NOW });
  expect(tree).toMatchObject({ truth: false, value: 'false', text: pql });
  const [city, exists] = tree.children;
  expect(city).toMatchObject({ text: 'homeAddress.city = "Quebec"', truth: false, children: [{ text: 'homeAddress.city', value: '"Oslo"' }] });
  expect(exists).toMatchObject({ truth: true, children: [{ text: 'E.commerce.item.price > 50', value: '1 of 2', items: { asked: 2, held: 1 } }] });
});

test('explain gives what `let` names a value, and a folder none', () => {
  const pql = 'let A = person.age in (A > 30 or homeAddress.isNull())';
  const { profile } = readFixture({ 'homeAddress.city': 'Oslo', 'person.age': 31 }, [], schema);
  const [, or] = explainTree(typedOf(pql, schema), pql, profile, { now: NOW }).children;
  expect(or?.children).toMatchObject([
    { text: 'A > 30', children: [{ text: 'A', value: '31' }] },
    { text: 'homeAddress.isNull()', truth: false, children: [] },
  ]);
});

function why(pql: string, member: boolean): readonly string[] {
  const [result] = run(pql, [{ name: 't', profile: { 'person.age': 31, homeOwner: true }, events: [{ eventType: 'view' }], member }]);
  return result?.why.map(({ text, truth }) => `${text}: ${String(truth)}`) ?? [];
}

test('what decided is told through not and let, as it was written', () => {
  expect(why('let A = (person.age > 30) in (not A and homeOwner)', true)).toEqual(['A: true']);
  expect(why('not (person.age > 30 or homeOwner)', true)).toEqual(['person.age > 30: true', 'homeOwner: true']);
  expect(why('let A = (person.age + 1) in (A = 32 and A > 40)', true)).toEqual(['A > 40: false']);
  expect(why('person.name.isNotNull() and homeOwner', true)).toEqual(['person.name.isNotNull(): false']);
  expect(why('person.age.isNotNull() and homeOwner', false)).toEqual(['person.age.isNotNull(): true', 'homeOwner: true']);
  expect(why('not (exists E from xEvent where E.eventType = "view")', true)).toEqual(['(exists E from xEvent where E.eventType = "view"): true']);
});

test('explain names the events that fit', () => {
  const events = [1, 2, 3, 4].map((day) => ({ timestamp: `2024-02-0${day}T00:00:00Z`, eventType: day === 4 ? 'view' : 'purchase' }));
  const { profile } = readFixture({}, events, schema);
  const eventsOf = (pql: string): unknown => explainTree(typedOf(pql, schema), pql, profile, { now: NOW }).events;
  const bought = { fitting: 3, of: 4, first: ['2024-02-01 purchase', '2024-02-02 purchase', '2024-02-03 purchase'] };
  expect(eventsOf('exists E from xEvent where E.eventType = "purchase"')).toEqual(bought);
  expect(eventsOf('chain(xEvent, timestamp, [A: WHAT(eventType = "purchase")])')).toEqual(bought);
  expect(eventsOf('chain(xEvent, timestamp, [A: WHEN(today)])')).toEqual({ fitting: 0, of: 4, first: [] });
  expect(eventsOf('forall E from xEvent where E.eventType = "purchase"')).toBeUndefined();
});

test('a sequence that is not complete names the step that lacks events', () => {
  const events = ['purchase', 'view', 'view', 'cart'].map((eventType, day) => ({ timestamp: `2024-02-0${day + 1}T00:00:00Z`, eventType }));
  const { profile } = readFixture({}, [...events, { eventType: 'cart' }], schema);
  const lacking = (steps: string): unknown => {
    const pql = `chain(xEvent, timestamp, [${steps}])`;
    return explainTree(typedOf(pql, schema), pql, profile, { now: NOW }).lacking;
  };
  const [view, cart] = ['WHAT(eventType = "view")', 'WHAT(eventType = "cart")'];
  expect(lacking(`A: ${view}, B: ${cart}`)).toBeUndefined();
  expect(lacking(`A: ${cart}, B: ${view}`)).toEqual({ step: 'B', needed: 1, fitting: 2, later: 0, previous: { step: 'A', after: '2024-02-04' } });
  expect(lacking(`A: ${view}, B: ${view} COUNT(2), C: ${cart}`)).toMatchObject({ step: 'B', needed: 2, fitting: 2, later: 1 });
  expect(lacking(`A: ${cart} COUNT(2), B: ${view}`)).toEqual({ step: 'A', needed: 2, fitting: 1, later: 1, previous: undefined });
  expect(lacking('A: COUNT(5)')).toMatchObject({ step: 'A', needed: 5, fitting: 4 });
});

test('an event of a type that no event has, and an identity without its folder, are told', () => {
  const events = new Map(schema.events ?? []).set('eventType', { type: { kind: 'string' }, labels: [], constant: 'purchase' });
  const { problems } = readFixture({ Email: 'a@example.com' }, [{ eventType: 'purchase' }, {}, { eventType: 'view' }], { ...schema, events });
  expect(problems).toEqual([
    { path: ['profile', 'Email'], message: 'unknown attribute `Email`', hint: 'did you mean `identityMap.Email`?' },
    { path: ['events', 2, 'eventType'], message: 'all events are `purchase`, found `"view"`', hint: 'the Attributes fix it: `eventType: {value: purchase}`' },
  ]);
});
