import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Database } from '../../../src/engine/duckdb/database.ts';
import { sql } from '../../../src/sql/sql.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spill-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(): Promise<Database> {
  return Database.open({ temporaryFolder: folder, memoryLimitMb: 64, threads: 2 });
}

/** Sorts more than fits into memory. */
const SPILLING = sql`select count(*) as n, max(h) as h from (select hash(range) as h, range as r, repeat('x', 40) as t from range(3000000) order by h, r limit 2900000)`;

test('two databases at once spill into folders of their own, find the same, and leave nothing', async () => {
  const results = await (async () => {
    await using one = await open();
    await using other = await open();
    expect(await readdir(folder)).toHaveLength(2);
    return await Promise.all([one.rows(SPILLING), other.rows(SPILLING)]);
  })();
  expect(results[0]).toEqual(results[1]);
  expect(results[0]?.[0]?.['n']).toBe(2_900_000);
  expect(await readdir(folder)).toEqual([]);
});

test('what a killed process has left is removed, what others use is kept', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const host = encodeURIComponent(hostname());
  const [dead, alive, elsewhere] = [`${host}~${pid}~00000000`, `${host}~${process.pid}~00000000`, `other-machine~${pid}~00000000`];
  for (const name of [dead, alive, elsewhere]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'duckdb_temp_storage_DEFAULT-0.tmp'), 'x');
  }
  await (await open())[Symbol.asyncDispose]();
  expect((await readdir(folder)).toSorted()).toEqual([alive, elsewhere].toSorted());
});

test('no room to spill is told as RC2004 with what to do', async () => {
  await using database = await open();
  await database.run(sql`set max_temp_directory_size = '1MB'`);
  await expect(database.rows(SPILLING)).rejects.toMatchObject({ code: 'RC2004', hint: expect.stringContaining('RECONCILE_MEMORY_MB') as string });
});
