import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { ColumnNeed, Engine } from '../../../src/engine/engine.ts';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { sql } from '../../../src/sql/sql.ts';
import { createTempProject, type TempProject } from '../../support/temp-project.ts';
import { startTinyDisk } from '../../support/tiny-disk.ts';

const PEOPLE = 60_000;
/** Texts that a copy could lose: NULL and the empty one, quotes, line breaks, what looks like a number. */
const TEXTS = ['plain', '', null, 'a "quoted" one', 'two\nlines', 'Zoë 🎈', '007', '1.50', ' blanks ', ','];
const people = Array.from({ length: PEOPLE }, (_, id) => ({
  id: String(id),
  name: TEXTS[id % TEXTS.length] ?? null,
  amount: id % 7 === 0 ? null : `${id % 50}.${id % 3 === 0 ? '50' : '5'}`,
  note: createHash('sha256').update(String(id)).digest('hex'),
  more: { deep: [id % 3, null], text: TEXTS[(id + 1) % TEXTS.length] },
}));
const cell = (text: string | null): string => (text === null ? '' : text === '' || /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const CSV = `id,name,amount,note\n${people.map(({ id, name, amount, note }) => [id, name, amount, note].map(cell).join(',')).join('\n')}\n`;
const EVENTS = `who,at,what\n${people.map(({ id, note }) => `${Number(id) % 900},2026-01-0${(Number(id) % 9) + 1}T10:00:00Z,${note}`).join('\n')}\n`;
const JSON_LINES = `${people.map((person) => JSON.stringify(person)).join('\n')}\n`;

const ATTRIBUTES = {
  source: 'shop',
  dataset: 'people',
  identities: { crmId: { column: 'id', primary: true } },
  fields: { name: { column: 'name', type: 'string' }, amount: { column: 'amount', type: 'decimal' }, note: { column: 'note', type: 'string' } },
  events: { dataset: 'visits', profile: 'who', timestamp: 'at', eventType: { value: 'visit' }, fields: { what: { column: 'what', type: 'string' } } },
} as const satisfies AttributesSpec;
const NEEDS: readonly ColumnNeed[] = [
  { profile: ['name', 'amount'], event: undefined },
  { profile: ['note'], event: ['what'] },
];

let project: TempProject;
beforeEach(() => {
  project = createTempProject({ 'visits.csv': EVENTS });
});
afterEach(() => project[Symbol.dispose]());

function openEngine(file: string, attributes: AttributesSpec = ATTRIBUTES, temporaryFolder = join(project.directory, 'spill')): Engine {
  return createDuckDbEngine({
    model: {
      name: 'person',
      attributes,
      sourceName: 'shop',
      source: { engine: 'duckdb', datasets: { people: { path: file }, visits: { path: 'visits.csv' } } },
    },
    project: project.directory,
    cacheFolder: join(project.directory, 'cache'),
    temporaryFolder,
    memoryLimitMb: 224,
    threads: 2,
  });
}

/** What the views hold, in order, as the engine writes it. */
async function written(engine: Engine, relation: 'profile' | 'event'): Promise<string> {
  const path = join(project.directory, 'written.json');
  await engine.write({
    query: relation === 'profile' ? sql`select * from profile` : sql`select * from event`,
    path,
    format: { type: 'json', array: false, dateFormat: '%Y-%m-%d', timestampFormat: '%Y-%m-%dT%H:%M:%SZ' },
  });
  return readFileSync(path, 'utf8');
}

/** The views that read a copy. */
async function copied(engine: Engine): Promise<readonly unknown[]> {
  const views = await engine.rows(sql`select view_name from duckdb_views() where not internal and contains(sql, 'kept.parquet') order by 1`);
  return views.map((row) => row['view_name']);
}

describe.each([
  ['CSV', 'people.csv', CSV, ATTRIBUTES],
  ['CSV, compressed', 'people.csv.gz', gzipSync(CSV), ATTRIBUTES],
  [
    'JSON',
    'people.jsonl',
    JSON_LINES,
    {
      ...ATTRIBUTES,
      fields: {
        ...ATTRIBUTES.fields,
        more: { column: 'more', type: 'object', fields: { text: { type: 'string' }, deep: { type: 'array', items: { type: 'integer' } } } },
      },
    },
  ],
] as const)('%s that several jobs read', (_name, file, content, attributes) => {
  test('is read from one copy, which holds the same in the same order; what nobody spoke of comes from the file', async () => {
    project.write(file, content);
    const needs = [...NEEDS, ...('more' in attributes.fields ? [{ profile: ['more'], event: undefined }] : [])];
    await using alone = openEngine(file, attributes);
    await using together = openEngine(file, attributes);
    together.share(needs);
    for (const need of needs) {
      const [own, shared] = [await alone.open(need), await together.open(need)];
      expect({ ...shared, columns: [...shared.columns] }).toEqual({ ...own, columns: [...own.columns] });
      expect(await copied(together)).toContain('profile');
      expect(await copied(alone)).toEqual([]);
      expect((await written(together, 'profile')) === (await written(alone, 'profile'))).toBe(true);
      if (need.event !== undefined) expect((await written(together, 'event')) === (await written(alone, 'event'))).toBe(true);
    }
    await using some = openEngine(file, attributes);
    some.share([{ profile: ['note'], event: undefined }]);
    await some.open({ profile: ['note'], event: undefined });
    await some.open({ profile: ['name'], event: undefined });
    expect(await copied(some)).toEqual([]);
    await alone.open({ profile: ['name'], event: undefined });
    expect((await written(some, 'profile')) === (await written(alone, 'profile'))).toBe(true);
  });
});

test('a file that changes between two jobs is read anew', async () => {
  project.write('people.csv', CSV);
  await using engine = openEngine('people.csv');
  engine.share(NEEDS);
  const before = await engine.open(NEEDS[0] as ColumnNeed);
  appendFileSync(join(project.directory, 'people.csv'), 'new,Last,1,\n');
  const after = await engine.open(NEEDS[0] as ColumnNeed);

  expect([before.health.rows, after.health.rows]).toEqual([PEOPLE, PEOPLE + 1]);
  expect(await engine.rows(sql`select "name" as n from profile where "id" = 'new'`)).toEqual([{ n: 'Last' }]);
  expect(await copied(engine)).toEqual(['profile']);
});

test('small files, and files in columns, are read as they are', async () => {
  project.write('people.csv', CSV.slice(0, CSV.indexOf('\n500,') + 1));
  await using engine = openEngine('people.csv');
  engine.share(NEEDS);
  await engine.open({ profile: ['name', 'amount'], event: undefined });
  expect(await copied(engine)).toEqual([]);
});

test('without room for a copy each job reads the file', async () => {
  await using disk = await startTinyDisk(1 << 20);
  project.write('people.csv', CSV);
  const spill = join(disk.folder, 'spill');
  mkdirSync(spill);
  await using engine = openEngine('people.csv', ATTRIBUTES, spill);
  engine.share(NEEDS);
  await engine.open(NEEDS[0] as ColumnNeed);
  expect(await copied(engine)).toEqual([]);
  expect(await engine.rows(sql`select count("name") as n from profile`)).toEqual([{ n: (PEOPLE / 10) * 9 }]);
  await engine.open(NEEDS[1] as ColumnNeed);
});
