import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine, ProfilePart } from '../../../src/engine/engine.ts';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import { OutOfMemoryError } from '../../../src/engine/out-of-memory.ts';
import { countSegments } from '../../../src/export/count-segments.ts';
import type { AppliedResource } from '../../../src/export/deps.ts';
import { resourceKey, type ResourceKey } from '../../../src/model/resource.ts';

const PEOPLE = 60_000;
const EVENTS = 600_000;
const SEGMENTS = {
  first: 'xEvent.topN(amount, 3).head().sku = "sku7"',
  none: 'not (exists E from xEvent where E.amount >= 0)',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reconcile-count-'));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  // Whole numbers of two widths as keys, and people without events.
  await connection.run(`copy (select range as id from range(${PEOPLE})) to '${join(folder, 'people.parquet')}'`);
  await connection.run(`copy (select (hash(range) % ${PEOPLE - 5000})::int as person, timestamp '2026-01-01' + to_seconds(range) as ts, 'sku' || hash(range, 1) % 900 as sku,
    (hash(range, 2) % 100000)::int as amount from range(${EVENTS})) to '${join(folder, 'events.parquet')}'`);
  connection.closeSync();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `wrap`: around the engine. */
function count(memoryLimitMb: number, wrap = (engine: Engine): Engine => engine): ReturnType<typeof countSegments> {
  const source = { engine: 'duckdb', datasets: { people: { path: 'people.parquet' }, events: { path: 'events.parquet' } } } as const;
  const fields = { sku: { column: 'sku', type: 'string' }, amount: { column: 'amount', type: 'integer' } };
  const attributes = {
    source: 'big',
    dataset: 'people',
    identities: { id: { column: 'id', primary: true } },
    fields: {},
    events: { dataset: 'events', profile: 'person', timestamp: 'ts', eventType: { value: 'purchase' }, fields },
  };
  const resources = new Map<ResourceKey, AppliedResource>([
    [resourceKey('Source', 'big'), { metadata: { name: 'big' }, spec: source }],
    [resourceKey('Attributes', 'person'), { metadata: { name: 'person' }, spec: attributes }],
    ...Object.entries(SEGMENTS).map(([name, pql]) => [resourceKey('Segment', name), { metadata: { name }, spec: { attributes: 'person', pql } }] as const),
  ]);
  const engine = (model: Parameters<typeof createDuckDbEngine>[0]['model']): ReturnType<typeof createDuckDbEngine> =>
    wrap(createDuckDbEngine({ model, project: folder, cacheFolder: join(folder, 'cache'), temporaryFolder: join(folder, 'spill'), memoryLimitMb, threads: 2 }));
  return countSegments({ engine }, { resources, segments: Object.keys(SEGMENTS), now: Date.UTC(2026, 10, 1) });
}

test('lists of events that do not fit in memory are counted part by part, to the same numbers', async () => {
  const roomy = await count(2000);
  expect(roomy.every(({ members }) => members > 0 && members < PEOPLE)).toBe(true);
  expect(await count(40)).toEqual(roomy);
}, 120_000);

/** Runs out of memory where `tooMuch` says, as a part is opened. */
function shortOfMemory(opened: ProfilePart[], tooMuch: (part: ProfilePart) => boolean) {
  return (engine: Engine): Engine => {
    // All together, too.
    let fails = true;
    return {
      ...engine,
      async openPart(part) {
        opened.push(part);
        fails = tooMuch(part);
        await engine.openPart(part);
      },
      rows: (...args) => (fails ? Promise.reject(new OutOfMemoryError(undefined)) : engine.rows(...args)),
    };
  };
}

test('a part that does not fit is divided further, and everybody is counted once', async () => {
  const wanted = await count(2000);
  const opened: ProfilePart[] = [];
  expect(
    await count(
      2000,
      shortOfMemory(opened, ({ number, of }) => of === 64 && number % 8 === 3),
    ),
  ).toEqual(wanted);
  expect(opened.filter(({ of }) => of === 64)).toHaveLength(64);
  expect(opened.filter(({ of }) => of === 256)).toHaveLength(8 * 4);
}, 120_000);

test('when no part fits, the others are not tried at that size', async () => {
  const wanted = await count(2000);
  const opened: ProfilePart[] = [];
  expect(
    await count(
      2000,
      shortOfMemory(opened, ({ of }) => of === 64),
    ),
  ).toEqual(wanted);
  expect(opened.filter(({ of }) => of === 64)).toHaveLength(1);
  expect(opened.filter(({ of }) => of === 256)).toHaveLength(256);
}, 120_000);

test('events of one person that do not fit are told as such', async () => {
  const opened: ProfilePart[] = [];
  const failing = count(
    2000,
    shortOfMemory(opened, ({ number }) => number % 64 === 5),
  );
  await expect(failing).rejects.toMatchObject({
    code: 'RC2004',
    message: 'the events of one person do not fit in memory',
    hint: expect.stringContaining('RECONCILE_MEMORY_MB') as string,
  });
  expect(opened.at(-1)).toEqual({ number: 5, of: 65_536 });
}, 120_000);

/** Takes part 8 away as soon as all are written. */
function losingPart(engine: Engine): Engine {
  const short = shortOfMemory([], () => false)(engine);
  return {
    ...short,
    async openPart(part) {
      await short.openPart(part);
      if (part.number !== 7) return;
      const spill = join(folder, 'spill');
      for (const name of await readdir(spill, { recursive: true })) if (/profile.*part=8$/.test(name)) await rm(join(spill, name), { recursive: true });
    },
  };
}

test('a part that somebody has taken away is an error, not a part without people', async () => {
  await expect(count(2000, losingPart)).rejects.toMatchObject({ code: 'RC2001' });
}, 120_000);
