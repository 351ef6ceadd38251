import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Database } from '../../../src/engine/duckdb/database.ts';
import { sql } from '../../../src/sql/sql.ts';

/** Lists of two million numbers: they stay in memory, whatever folder there is to spill to. */
const LISTS = sql`select sum(len(l)) as n from (select range % 50000 as k, list(range order by range desc) as l from range(2000000) group by k)`;
const LIMIT = sql`select current_setting('memory_limit') as n`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reconcile-memory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('what runs out of memory is done again with more where there is more, and the limit is the old one afterwards', async () => {
  const options = { temporaryFolder: folder, memoryLimitMb: 24, threads: 2 };
  {
    await using short = await Database.open(options);
    await expect(short.rows(LISTS)).rejects.toMatchObject({ code: 'RC2004' });
  }
  await using roomy = await Database.open({ ...options, mostMemoryMb: 1000 });
  const limit = await roomy.rows(LIMIT);
  expect(await roomy.rows(LISTS)).toEqual([{ n: 2_000_000 }]);
  expect(await roomy.rows(LIMIT)).toEqual(limit);
});

test('what has been given little on purpose falls back on what is usual, not on more', async () => {
  await using db = await Database.open({ temporaryFolder: folder, memoryLimitMb: 300, mostMemoryMb: 1000, threads: 2 });
  const limits: unknown[] = [];
  await db.withMemory(24, async () => {
    limits.push(...(await db.rows(LIMIT)));
    return db.rows(LISTS);
  });
  expect(limits).toEqual([{ n: '22.8 MiB' }, { n: '286.1 MiB' }]);
});
