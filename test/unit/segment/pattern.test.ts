import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patternProblem, readPattern, type Pattern } from '../../../src/segment/pattern/read-pattern.ts';
import { openDatabase } from '../../support/segment-database.ts';

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
});
afterAll(() => connection.closeSync());

async function engineReads(pattern: string): Promise<boolean> {
  return connection.run('select regexp_matches($1, $2)', ['a', pattern]).then(
    () => true,
    () => false,
  );
}

/** How often a part may stand in a pattern of the engine: found by halving. */
async function mostOf(part: string, most: number): Promise<number> {
  let [fits, refused] = [1, most];
  while (refused - fits > 1) {
    const middle = Math.floor((fits + refused) / 2);
    if (await engineReads(part.repeat(middle))) fits = middle;
    else refused = middle;
  }
  return fits;
}

test.each([
  ['[é-鿿]{90}', 1, 2000],
  ['(?i:[à-ö]straßeK){20}', 1, 2000],
  ['(?i:\\w[^k-s].){50}', 1, 2000],
  ['(?:ab|[\\x{7f}-\\x{10FFFF}]*?|(c)+|(?:^d)?){30}', 1, 4000],
  // Of a newer Unicode than the engine's.
  ['\\p{Greek}{20}', 0.9, 2000],
  ['[^\\p{Latin}]{10}', 0.9, 2000],
])(
  'a pattern is too large where it is too large for the engine: %s',
  async (part, exactness, most) => {
    const theirs = await mostOf(part, most);
    expect(theirs).toBeLessThan(most - 1);
    expect(patternProblem(part.repeat(Math.floor(theirs * exactness)))).toBeUndefined();
    expect(patternProblem(part.repeat(theirs + 1))?.message).toContain('too large');
  },
  120_000,
);

test.each([
  ['(?=x)', 'look-ahead and look-behind are not supported in patterns'],
  ['(?<!x)', 'look-ahead and look-behind are not supported in patterns'],
  ['(a)\\1', 'back references are not supported in patterns'],
  ['(?<n>a)', 'the pattern cannot be read: `(?<` is no name of a group'],
  ['a(?>b)', 'the pattern cannot be read: `(?>` is not supported in patterns'],
  ['a\\e', 'the pattern cannot be read: `\\e` is no escape'],
  ['[\\p{Emoji}]', 'the pattern cannot be read: `\\p{Emoji}` is no class of characters'],
  ['a++', 'the pattern cannot be read: `++` repeats a repetition'],
  ['*', 'the pattern cannot be read: there is nothing that `*` could repeat'],
  ['(a', 'the pattern cannot be read: a `(` has no `)`'],
  ['a)', 'the pattern cannot be read: a `)` has no `(`'],
  ['[a', 'the pattern cannot be read: the class `[a` has no end'],
  ['[z-a]', 'the pattern cannot be read: `z-a` is no class of characters'],
  ['a{1001}', 'the pattern cannot be read: `{1001}` repeats too often or backwards'],
  ['\\', 'the pattern cannot be read: `\\` at the end'],
  ['\\p{L}{900}', 'the pattern cannot be read: too large, with its repetitions written out'],
])('what cannot be read is told in words: %s', async (pattern, message) => {
  expect(patternProblem(pattern)?.message).toBe(message);
  expect(await engineReads(pattern)).toBe(false);
});

const LONG = `${'a'.repeat(50_000)}!`;

test.each(['^(a+)+$', '(a|aa)+$', '(.*)(.*)(.*)(.*)(.*)(.*)[^a!]', '([a-zA-Z]+)*$', '^(?:a?){500}a{500}$', '(\\w+\\s?)+$', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
  'a long text takes time in proportion to its length: %s',
  (source) => {
    const pattern = readPattern(source) as Pattern;
    const started = performance.now();
    pattern.matches(LONG);
    pattern.group(LONG, 1);
    expect(performance.now() - started).toBeLessThan(20_000);
  },
  60_000,
);
