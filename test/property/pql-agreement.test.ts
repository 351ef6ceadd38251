import { assert, asyncProperty, gen, nat } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileSegments, withClause } from '../../src/segment/compile/compile-segments.ts';
import { countStatement } from '../../src/segment/compile/count-statement.ts';
import { evaluate, type EvaluatedProfile } from '../../src/segment/evaluate/evaluate.ts';
import { readCondition } from '../../src/segment/read-pql.ts';
import type { Typed } from '../../src/segment/typed.ts';
import { ident, joinSql, sql } from '../../src/sql/sql.ts';
import { drawCondition } from '../support/pql/draw-expression.ts';
import { randomDraw } from '../support/pql/random-draw.ts';
import { STORAGE_FORMS, storeWorld, type StorageForm, type StoredWorld } from '../support/pql/stored-world.ts';
import { drawWorld, evaluated, WORLD_NOW, type World } from '../support/pql/world.ts';
import { typedOf } from '../support/segment-database.ts';

/** `PQL_CASES=50000 PQL_SEED=… npx vitest run test/property` for the long run; every expression over every person of its world is one case. */
const CASES = Number(process.env['PQL_CASES'] ?? 3000);
const SEED = Number(process.env['PQL_SEED'] ?? 20261124);
const PEOPLE = 24;
/** Each stored in a form of its own: what the engine leaves out of a scan, and how it reads a value, depends on it. */
const FORMS: readonly StorageForm[] = STORAGE_FORMS;
const AT_ONCE = 20;

interface Loaded {
  readonly world: World;
  readonly profiles: readonly EvaluatedProfile[];
  readonly segments: ReadonlyMap<string, Typed>;
  readonly form: StorageForm;
  readonly stored: StoredWorld;
}

const worlds: Loaded[] = [];

beforeAll(async () => {
  for (const [index, form] of FORMS.entries()) {
    const seed = SEED + index;
    const world = drawWorld(randomDraw(seed), PEOPLE);
    const stored = await storeWorld(world, form, randomDraw(seed + 2000));
    const draw = randomDraw(seed + 1000);
    const segments = new Map(['s-one', 's-two', 's-three'].map((name) => [name, typedOf(drawCondition(draw, world), world.schema)]));
    worlds.push({ world, form, stored, segments, profiles: evaluated(world) });
  }
}, 60_000);

afterAll(async () => {
  for (const { stored } of worlds) await stored.close();
});

test(
  `the evaluator and DuckDB agree on ${CASES} expressions (seed ${SEED})`,
  async () => {
    let seen = 0;
    let mixed = 0;
    await assert(
      asyncProperty(gen(), async (draw) => {
        const from = (count: number): number => draw(nat, { max: count - 1 });
        const loaded = worlds[from(FORMS.length)] as Loaded;
        const texts = Array.from({ length: AT_ONCE }, () => drawCondition(from, loaded.world, [...loaded.segments.keys()])).filter(
          (text) => !isTooDeep(text, loaded.world),
        );
        const answers = await compare(loaded, texts);
        seen += texts.length;
        mixed += answers.filter((answer) => answer > 0 && answer < PEOPLE).length;
      }),
      { numRuns: Math.ceil(CASES / AT_ONCE), seed: SEED, endOnFailure: process.env['PQL_QUICK'] !== undefined },
    );
    // Cases in which everybody or nobody is a member would prove little.
    expect(mixed / seen).toBeGreaterThan(0.4);
  },
  CASES * 100 + 60_000,
);

/** What is drawn may, once in many thousand, stand deeper within itself than the language allows: that is refused for both. */
function isTooDeep(text: string, { schema }: World): boolean {
  const { problems } = readCondition(text, { schema, attributes: 'customer' });
  return problems.some(({ message }) => message.includes('deep within each other'));
}

/** Asks both for all members of all expressions; returns how many members each has. */
async function compare({ world, profiles, segments, stored, form }: Loaded, texts: readonly string[]): Promise<readonly number[]> {
  const typed = texts.map((text, index) => ({ name: `s${index}`, typed: typedOf(text, world.schema) }));
  const compiled = compileSegments(typed, { now: WORLD_NOW, dialect: 'duckdb', segments });
  const columns = typed.flatMap(({ name }) => [
    sql`${compiled.predicates.get(name) ?? sql`null`} as ${ident(name)}`,
    sql`coalesce(${compiled.filters.get(name) ?? sql`null`}, false) as ${ident(`${name}w`)}`,
  ]);
  const query = sql`${withClause(compiled.with)}select p."id" as id, ${joinSql(columns, ', ')} from ${compiled.from}`;
  let rows: ReadonlyMap<unknown, Readonly<Record<string, unknown>>>;
  try {
    rows = new Map((await stored.ask(query)).map((row) => [row['id'], row]));
  } catch (error) {
    throw new Error(`${form}: ${(error as Error).message.slice(0, 500)}\nof: ${texts.join('\n    ')}`, { cause: error });
  }
  const members = typed.map(({ typed: tree }, index) => {
    const wanted = profiles.map((profile) => evaluate(tree, profile, { now: WORLD_NOW, segments }) === true);
    for (const column of [`s${index}`, `s${index}w`]) {
      const found = world.people.map(({ id }) => rows.get(id)?.[column]);
      const differs = found.findIndex((value, person) => value !== wanted[person]);
      if (differs >= 0) {
        throw new Error(
          `${texts[index] ?? ''}\nevaluator ${String(wanted[differs])}, DuckDB ${String(found[differs])} (${column === `s${index}` ? 'predicate' : 'filter'}, ${form}), for ${JSON.stringify(world.people[differs], null, 1)}`,
        );
      }
    }
    return wanted.filter(Boolean).length;
  });
  // Counted all together, alone, and without those that need a profile beside its events, for which there is another statement.
  const decided = typed.filter(({ name }) => compiled.decided.has(name) || !compiled.joined.has(name));
  for (const some of [typed, typed.slice(0, 1), decided]) {
    const apart = compileSegments(some, { now: WORLD_NOW, dialect: 'duckdb', segments });
    const names = some.map(({ name }) => name);
    const counts = Object.values((await stored.ask(countStatement(apart, names)))[0] ?? {});
    const wanted = typed.flatMap(({ name }, index) => (names.includes(name) ? [members[index] ?? 0] : []));
    if (names.length > 0 && String(counts) !== String(wanted)) {
      throw new Error(
        `${form}: counted ${String(counts)}, wanted ${String(wanted)}:\n${names.map((name) => texts[typed.findIndex((one) => one.name === name)]).join('\n')}`,
      );
    }
  }
  return members;
}
