import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeSnapshot } from '../../../src/export/place-snapshot.ts';
import { isAsSealed, sealOf } from '../../../src/export/sealed-file.ts';
import { syncsDuring } from '../../support/syncs-during.ts';

let state: string;
let spool: string;
let members: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'place-snapshot-'));
  spool = join(state, 'spool', 'r-1');
  members = join(state, 'snapshots', 'a', 's', 'r-1.parquet');
  await mkdir(spool, { recursive: true });
});
afterEach(() => rm(state, { recursive: true, force: true }));

function place(): Promise<void> {
  const pointer = { activation: 'a', segment: 's', path: 'snapshots/a/s/r-1.parquet', runId: 'r-1', slot: 0, members: 1, keys: [], target: 'x' };
  const paths = { project: state, state, spool: join(state, 'spool'), snapshots: join(state, 'snapshots'), cache: join(state, 'cache') };
  return placeSnapshot(paths, spool, { pointer, file: 'snapshot.parquet' });
}

test('the members are on the disk before they have their name, and the name before the pointer may move to it; no seal ever speaks of other members', async () => {
  for (const [earlier, now] of [
    ['none', 'first'],
    ['first', 'second'],
  ] as const) {
    await writeFile(join(spool, 'snapshot.parquet'), now);
    const synced = await syncsDuring(place, async () => [await readFile(members, 'utf8').catch(() => 'none'), existsSync(sealOf(members))]);
    expect(synced).toEqual([
      { what: 'file', then: [earlier, earlier !== 'none'] },
      { what: 'folder', then: [earlier, false] },
      { what: 'folder', then: [now, false] },
      { what: 'file', then: [now, false] },
      { what: 'folder', then: [now, true] },
    ]);
    await rm(join(spool, 'snapshot.parquet'));
  }
});

test('what an earlier attempt has put there is replaced by what the spool has, whatever it left, and again; nothing else stays', async () => {
  await mkdir(join(members, '..'), { recursive: true });
  await writeFile(members, 'of files that were made anew since');
  await writeFile(`${members}.new`, 'half');
  await writeFile(join(spool, 'snapshot.parquet'), 'members');
  for (let times = 0; times < 2; times += 1) {
    await place();
    expect([await readFile(members, 'utf8'), await isAsSealed(members)]).toEqual(['members', true]);
    expect(await readdir(join(members, '..'))).toEqual(['r-1.parquet', 'r-1.parquet.sha256']);
  }
  // A temporary name that is another file, as a kill between two attempts leaves it.
  const other = join(spool, 'other.parquet');
  await writeFile(other, 'other members');
  await link(other, `${members}.new`);
  await place();
  expect(await readFile(other, 'utf8')).toBe('other members');
  expect(await readdir(join(members, '..'))).toEqual(['r-1.parquet', 'r-1.parquet.sha256']);
});

test('where the spool has nothing to put there any more, what is there counts; without it the run cannot be recorded', async () => {
  await expect(place()).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(join(members, '..'), { recursive: true });
  await writeFile(members, 'members');
  await place();
  expect(await readFile(members, 'utf8')).toBe('members');
});
