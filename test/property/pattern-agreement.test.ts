import type { DuckDBConnection } from '@duckdb/node-api';
import { assert, asyncProperty, gen, nat } from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patternSql } from '../../src/segment/pattern/pattern-sql.ts';
import { readPattern } from '../../src/segment/pattern/read-pattern.ts';
import { printSql } from '../../src/sql/print-sql.ts';
import { joinSql, literal, sql, type Sql } from '../../src/sql/sql.ts';
import { drawPattern, drawText } from '../support/pql/draw-pattern.ts';
import { openDatabase } from '../support/segment-database.ts';

/** `PQL_CASES=50000 PQL_SEED=… npx vitest run test/property/pattern` for the long run; a pattern over a text is one case. */
const CASES = Number(process.env['PQL_CASES'] ?? 6000);
const SEED = Number(process.env['PQL_SEED'] ?? 20261124);
const PATTERNS = 20;
const TEXTS = 10;
const GROUPS = [0, 1, 2, 3];

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await openDatabase([]);
});
afterAll(() => connection.closeSync());

interface Answer {
  readonly matches: boolean;
  /** Of a match; empty for a group that the pattern does not have, which is refused where the group is asked for. */
  readonly groups: readonly string[];
}

/** By text, or undefined for a pattern that is refused. */
type Answers = readonly Answer[] | undefined;

function ours(pattern: string, texts: readonly string[]): Answers {
  const read = readPattern(pattern);
  if ('message' in read) return undefined;
  return texts.map((text) => {
    const matches = read.matches(text);
    const groups = GROUPS.map((group) => (group > read.groups ? '' : read.group(text, group)));
    expect(groups[0] === undefined).toBe(!matches);
    return { matches, groups: matches ? (groups as Answer['groups']) : [] };
  });
}

/** All patterns as values of rows, where a refused one answers NULL. */
async function ofRows(patterns: readonly string[], texts: readonly string[]): Promise<readonly Answers[]> {
  const rows = patterns.flatMap((pattern, p) => texts.map((text, t) => sql`(${literal(p)}, ${literal(t)}, ${literal(pattern)}, ${literal(text)})`));
  const groups = GROUPS.map((group) => sql`try(regexp_extract(t, p, ${literal(group)}))`);
  const query = sql`select try(regexp_matches(t, p)), ${joinSql(groups, ', ')} from (values ${joinSql(rows, ', ')}) as v(a, b, p, t) order by a, b`;
  const found = await ask(query);
  return patterns.map((_, p) => {
    const answers = found.slice(p * texts.length, (p + 1) * texts.length);
    if (answers.some(([matches]) => matches === null)) return undefined;
    return answers.map(([matches, ...rest]) => ({ matches: matches as boolean, groups: matches === true ? (rest as string[]) : [] }));
  });
}

/** Patterns as segments compile them: constants, which the optimizer looks into. */
async function ofConstants(patterns: readonly string[], texts: readonly string[]): Promise<readonly (readonly boolean[])[]> {
  const rows = texts.map((text, t) => sql`(${literal(t)}, ${literal(text)})`);
  const asked = patterns.map((pattern) => sql`regexp_matches(t, ${patternSql(pattern)})`);
  const found = await ask(sql`select ${joinSql(asked, ', ')} from (values ${joinSql(rows, ', ')}) as v(b, t) order by b`);
  return patterns.map((_, index) => found.map((row) => row[index] as boolean));
}

async function ask(query: Sql): Promise<readonly (readonly unknown[])[]> {
  return (await connection.runAndReadAll(printSql(query, 'duckdb'))).getRows();
}

test(
  `the same patterns are read and find the same as in DuckDB: ${CASES} cases (seed ${SEED})`,
  async () => {
    const seen = { refused: 0, found: 0, missed: 0 };
    await assert(
      asyncProperty(gen(), async (draw) => {
        const from = (count: number): number => draw(nat, { max: count - 1 });
        const texts = Array.from({ length: TEXTS }, () => drawText(from));
        const patterns = Array.from({ length: PATTERNS }, () => drawPattern(from));
        const theirs = await ofRows(patterns, texts);
        for (const [index, pattern] of patterns.entries()) {
          const mine = ours(pattern, texts);
          expect({ pattern, texts, answers: mine }).toEqual({ pattern, texts, answers: theirs[index] });
          if (mine === undefined) seen.refused += 1;
          else for (const { matches } of mine) seen[matches ? 'found' : 'missed'] += 1;
        }
        const constants = patterns.filter((pattern) => ours(pattern, texts) !== undefined);
        if (constants.length === 0) return;
        const found = await ofConstants(constants, texts);
        for (const [index, pattern] of constants.entries()) {
          const wanted = ours(pattern, texts)?.map(({ matches }) => matches);
          expect({ pattern, texts, answers: found[index] }).toEqual({ pattern, texts, answers: wanted });
        }
      }),
      { numRuns: Math.ceil(CASES / PATTERNS / TEXTS), seed: SEED },
    );
    const cases = seen.found + seen.missed;
    expect(seen.refused * TEXTS).toBeGreaterThan(CASES / 20);
    expect(Math.min(seen.found, seen.missed)).toBeGreaterThan(cases / 5);
  },
  CASES * 20 + 60_000,
);

test('beginnings and ends of the text mean the same wherever they stand in a constant', async () => {
  const tokens = ['a', 'b', '^', '$', '\\A', '\\z', '(?:)', '(^)', '|', '\\$'];
  const texts = ['', 'a', 'b', 'ab', 'ba', 'aab', 'a$', '^b', 'a\nb'];
  const two = tokens.flatMap((one) => tokens.map((other) => one + other));
  const patterns = [...tokens, ...two, ...two.flatMap((start) => tokens.map((end) => start + end))];
  const read = patterns.flatMap((pattern) => ours(pattern, texts)?.map(({ matches }, index) => [pattern, texts[index], matches] as const) ?? []);
  const found = await ofConstants([...new Set(read.map(([pattern]) => pattern))], texts);
  const wrong = read.filter(([, , matches], index) => found[Math.floor(index / texts.length)]?.[index % texts.length] !== matches);
  expect(read.length).toBeGreaterThan(1000 * texts.length);
  expect(wrong).toEqual([]);
});

function show(answers: Answers): string {
  if (answers === undefined) return 'refused';
  return answers.map(({ matches, groups }) => (matches ? groups.join('|') : 'no match')).join();
}

const regressions = JSON.parse(readFileSync(new URL('pattern-regressions.json', import.meta.url), 'utf8')) as readonly {
  readonly pattern: string;
  readonly text: string;
  readonly answer: string;
  readonly because: string;
}[];

/** What JavaScript's own expressions, the port or the first reading of them got wrong. */
test.each(regressions)('$pattern over $text: $because', async ({ pattern, text, answer }) => {
  expect(show(ours(pattern, [text]))).toBe(answer);
  expect(show((await ofRows([pattern], [text]))[0])).toBe(answer);
});
