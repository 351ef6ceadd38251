import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DuckDBConnection } from '@duckdb/node-api';
import { isMember } from '../../../src/segment/evaluate/evaluate.ts';
import { readCondition } from '../../../src/segment/read-pql.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { smallWorld } from '../../support/pql/small-world.ts';
import { evaluated, loadWorld, WORLD_NOW } from '../../support/pql/world.ts';
import { membersQuery, openDatabase } from '../../support/segment-database.ts';

const world = smallWorld();
const profiles = evaluated(world);
const many = (count: number, of: (index: number) => string, join: string): string => Array.from({ length: count }, (_, index) => of(index)).join(join);
const nest = (count: number, inner: string, wrap: (text: string, index: number) => string): string =>
  Array.from({ length: count }).reduce<string>((text, _, index) => wrap(text, index), inner);
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await openDatabase([]);
  await loadWorld(connection, world);
});
afterAll(() => connection.closeSync());

/** Through the parser, the checker, the compiler, DuckDB and the evaluator: the members, or the code of the first problem. */
async function pass(text: string): Promise<string> {
  const { typed, problems } = readCondition(text, { schema: world.schema, attributes: 'customer' });
  if (typed === undefined) return problems[0]?.code ?? 'none';
  const rows = (await connection.runAndReadAll(printSql(membersQuery(typed, { now: WORLD_NOW }), 'duckdb'))).getRows();
  const ids = world.people.filter((_, index) => isMember(typed, profiles[index] as (typeof profiles)[number], { now: WORLD_NOW })).map(({ id }) => id);
  expect(rows.map(([id]) => id)).toEqual(ids);
  return ids.join(' ');
}

test.each([
  ['a thousand or', many(1000, (index) => `person.age = ${index + 30}`, ' or '), 'ada bob'],
  ['a thousand and', many(1000, (index) => `person.age != ${index + 39}`, ' and '), 'ada'],
  ['ten thousand numbers in a list', `person.age in [${many(10_000, String, ',')}]`, 'ada bob'],
  ['ten thousand texts in a list', `person.gender notIn [${many(10_000, (index) => `"x${index}"`, ',')}]`, 'ada bob'],
  ['a hundred brackets', nest(100, 'person.age = 40', (text) => `(${text})`), 'bob'],
  ['a hundred levels of and, or', nest(100, 'person.age = 40', (text, index) => `(${text} ${index % 2 === 0 ? 'or' : 'and'} person.age > 3)`), 'ada bob'],
  ['two hundred sums', `${many(200, () => 'person.age', ' + ')} = 8000`, 'bob'],
  ['six filters within each other', nest(6, 'person.age = 40', (text, index) => `(exists V${index} from numbers where (V${index} = 1 or ${text}))`), 'ada'],
  ['thirty steps', `chain(xEvent, timestamp, [${many(30, (index) => `C${index}: WHAT(cur = "${index}")`, ', ')}])`, ''],
  [
    'two thousand decimals in a list, and one whose digits nobody knows',
    `(xEvent.sum(commerce.item.price) + 0.5) in [${many(2000, (index) => `${index}.5`, ',')}, xEvent.sum(commerce.item.price)]`,
    'ada bob nil',
  ],
  [
    'thirty ways of an if',
    `${nest(30, 'income', (text, index) => `if (person.age = ${index}, xEvent.sum(commerce.item.price), ${text})`)} > 99.995`,
    'ada bob',
  ],
  ['a text of a megabyte', `person.name = "${'x'.repeat(900_000)}"`, ''],
])('%s', async (_name, text, expected) => {
  expect(await pass(text)).toBe(expected);
});

test.each([
  ['ten thousand characters of brackets', `${'('.repeat(5000)}person.age = 1${')'.repeat(5000)}`],
  ['ten thousand open brackets', '['.repeat(10_000)],
  ['ten thousand not', `${'not '.repeat(2500)}(person.age = 1)`],
  ['ten thousand !', `${'!'.repeat(10_000)}(person.age = 1)`],
  ['thousands of sums', `${many(5000, () => 'person.age', ' + ')} > 3`],
  ['thousands of members', `homeAddress${'.b'.repeat(5000)} = 1`],
  ['thousands of functions', `${'x => '.repeat(3000)}person.age = 1`],
  ['thousands of let', `${'let a = person.age in '.repeat(3000)}a = 1`],
  ['thousands of exists', `${'exists E from xEvent where '.repeat(1000)}person.age = 1`],
  ['filters too deep', nest(20, 'person.age = 40', (text, index) => `(exists V${index} from numbers where (V${index} = 1 or ${text}))`)],
  [
    'let names that double forty times',
    `${many(40, (index) => `let x${index} = ${index === 0 ? 'person.age' : `(x${index - 1} + x${index - 1})`} in `, '')}x39 > 3`,
  ],
  ['a thousand steps', `chain(xEvent, timestamp, [${many(1000, (index) => `C${index}: WHAT(cur = "${index}")`, ', ')}])`],
  ['a hundred thousand items', `person.age in [${many(150_000, String, ',')}]`],
])('%s: a clear refusal', async (_name, text) => {
  expect(await pass(text)).toBe('RC1202');
});

/** What an engine may read in a way of its own is either refused, or both find the same people. */
test.each([
  ['person.name like "%"', 'ada bob'],
  ['person.name like ""', ''],
  ['person.name like "%%%\\\\%"', ''],
  ['person.name like "[J]%"', ''],
  ['person.name like "____ ___"', 'ada'],
  ['person.name.contains("")', 'ada bob'],
  ['person.name.matches("")', 'ada bob'],
  ['person.name.matches("a{1000}")', ''],
  ['person.name.matches("[a&&b]")', 'ada bob'],
  ['person.name.matches("(?i:JOHN)")', 'ada bob'],
  ['person.name.matches("\\\\p{Lu}\\\\w+ \\\\p{Lu}")', 'ada'],
  ['person.name.matches("\\\\bAda\\\\b")', 'ada'],
  ['person.name.regexGroup("(J)|(j)", 0) = "j"', 'bob'],
  ['person.name.matches("(a{10}){101}")', 'RC1214'],
  ['person.name.matches("a{1001}")', 'RC1214'],
  ['person.name.matches("a{1,1001}")', 'RC1214'],
  ['person.name.matches("\\\\p{L}{900}")', 'RC1214'],
  ['person.name.matches("(?<n>a)")', 'RC1214'],
  ['person.name.regexGroup("(?P<n>J)", 1) = "J"', 'ada'],
  ['person.name.matches("(a)\\\\1")', 'RC1214'],
  ['person.name.matches("(?!a)")', 'RC1214'],
  ['person.name.matches("a++")', 'RC1214'],
  ['person.name.matches("[[:upper:]][[:^upper:]]+ ")', 'ada'],
  ['person.name.matches("\\\\QJohn A\\\\E")', 'ada'],
  ['person.name.matches("Ada\\\\z")', 'ada'],
  ['person.name.matches("a\\\\Z")', 'RC1214'],
  ['person.name.matches("(")', 'RC1214'],
  ['person.name.matches("\\\\")', 'RC1214'],
  ['person.name.regexGroup("(a)", 2) = ""', 'RC1214'],
  [`person.name.regexGroup("${'()'.repeat(10)}", 9) = ""`, 'ada bob'],
  [`person.name.regexGroup("${'()'.repeat(10)}", 10) = ""`, 'RC1214'],
  ['person.age = 9223372036854775808', 'RC1208'],
  ['person.age > -9223372036854775809', 'RC1208'],
  ['person.age > -9223372036854775808', 'ada bob'],
  ['income > 0.0000000000000000000000000001', 'ada bob'],
  ['income > 0.000000000000000000000000000000000000001', 'RC1208'],
  ['income < 12345678901234567890123456789012345678.5', 'RC1208'],
  ['score < 1e308', 'ada bob'],
  ['score < 1e309', 'RC1208'],
  ['person.name = "\\u0000"', 'RC1208'],
  ['person.name = "\\ud800"', 'RC1208'],
  // The quotient would not fit, the remainder does.
  ['-9223372036854775808 % -1 = 0', 'ada bob nil'],
  ['person.name != "\\ud83d\\ude00\u200f\ufeff\u0001"', 'ada bob'],
  ['now occurs < 1000000000000 millennia before now', 'ada bob nil'],
  ['now occurs < 1000000000001 days before now', 'RC1208'],
  ['date(0, 1, 1) < now', 'RC1208'],
  ['date(9999, 12, 31) occurs < 10 years after date(9999, 1, 1)', 'ada bob nil'],
])('hostile: %s', async (text, expected) => {
  expect(await pass(text)).toBe(expected);
});

test('five thousand expressions are read in a few seconds', () => {
  // Of this process alone: what else the machine does is no matter here.
  const started = process.cpuUsage();
  for (let index = 0; index < 5000; index += 1) {
    const text = `homeAddress.city = "${index}" and chain(xEvent, timestamp, [A: WHAT(eventType = "purchase" and commerce.item.price > ${index}) WHEN(<= ${index} days before now)])`;
    expect(readCondition(text, { schema: world.schema, attributes: 'customer' }).problems).toEqual([]);
  }
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(10_000);
});
