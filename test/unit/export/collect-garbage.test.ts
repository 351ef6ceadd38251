import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectGarbage, type GarbageDeps, type GarbageRequest } from '../../../src/export/collect-garbage.ts';
import type { AppliedResources } from '../../../src/export/deps.ts';
import { resolveJobs } from '../../../src/export/resolve-job.ts';
import { sweepSpool } from '../../../src/export/sweep-spool.ts';
import { DAY_MS } from '../../../src/model/instant.ts';
import { currentOwner, type Owner } from '../../../src/state/owner.ts';
import { openMemoryState } from '../../../src/state/memory/open-memory-state.ts';
import { StorageError } from '../../../src/storage/storage-error.ts';
import type { Storage } from '../../../src/storage/storage.ts';

const NOW = Date.UTC(2026, 5, 1);
const DEAD: Owner = { ...currentOwner(), pid: 2_147_000_000 };
const RESOURCES: AppliedResources = new Map(
  Object.entries({
    Source: { engine: 'duckdb', datasets: { people: { path: 'people.csv' } } },
    Attributes: { source: 'one', dataset: 'people', identities: { crmId: { column: 'id', primary: true } }, fields: { cc: { column: 'cc', type: 'string' } } },
    Segment: { attributes: 'one', pql: 'cc = "DE"' },
    Destination: { type: 'local-directory', storage: { type: 'local', path: 'out' } },
    Activation: { destination: 'one', segments: ['one'], mapping: [{ source: 'identityMap.crmId', target: 'id' }] },
  }).map(([kind, spec]) => [`${kind}/one` as never, { metadata: { name: 'one' }, spec }]),
);
const KEEP: Omit<GarbageRequest, 'dryRun'> = {
  resources: RESOURCES,
  now: NOW,
  keptDays: { runs: 90, spool: 7, rejects: 30, journal: 365, cache: 30 },
};

let folder: string;
const state = openMemoryState();
let abandoned: string[];
let deps: GarbageDeps;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'garbage-'));
  abandoned = [];
  const storage = {
    abandon: async (key: string, token: string) => void abandoned.push(`${token} ${key}`),
    async [Symbol.asyncDispose]() {},
  } as unknown as Storage;
  deps = {
    ledger: state.ledger,
    store: state.store,
    card: () => undefined,
    storage: async () => storage,
    log: () => {},
    paths: { project: folder, state: folder, spool: join(folder, 'spool'), snapshots: join(folder, 'snapshots'), cache: join(folder, 'cache') },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A run that had announced two files and a list of digests when its process was killed, or when it ended as `end` says. */
async function leave(id: string, slot: number | null, at: number, end?: 'failed' | 'success'): Promise<void> {
  const [one] = resolveJobs({ resources: RESOURCES, activation: 'one', slot, now: at }, () => undefined);
  const claimed = await state.ledger.claim({ activation: 'one', segment: 'one', slot, mode: 'full', owner: DEAD, now: at, newId: id, staleAfterMs: 1 });
  if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
  const file = { file: 'part', rows: 1, bytes: 1, sha256: 'x', replace: false };
  const work = {
    target: one?.job.target,
    parts: [
      { ...file, key: 'a' },
      { ...file, key: 'b' },
    ],
    checksums: { ...file, key: 'c' },
  };
  await state.ledger.advance(claimed.claim, { step: 'written', work, now: at });
  if (end !== undefined)
    await state.ledger.finish(claimed.claim, {
      status: end,
      counts: { received: 1, activated: 1, excluded: 0, failed: 0, reasons: {} },
      files: [],
      endedAt: at,
      work,
    });
  await mkdir(join(folder, 'spool', id), { recursive: true });
  await writeFile(join(folder, 'spool', id, 'part'), 'x'.repeat(1000));
}

test('gc gives up what nobody goes on with, spool and unfinished uploads alike, and keeps what a slot may go on from', async () => {
  await leave('overtaken', NOW - 20 * DAY_MS, NOW - 20 * DAY_MS, 'failed');
  await leave('succeeded', NOW - 19 * DAY_MS, NOW - 19 * DAY_MS, 'success');
  await leave('goes-on', NOW - 18 * DAY_MS, NOW - 18 * DAY_MS, 'failed');
  await leave('goes-on-too', NOW - 17 * DAY_MS, NOW - 17 * DAY_MS, 'failed');
  await leave('killed-now', null, NOW - DAY_MS);

  const dry = await collectGarbage(deps, { ...KEEP, dryRun: true });
  expect([abandoned, (await readdir(join(folder, 'spool'))).length]).toEqual([[], 5]);
  const done = await collectGarbage(deps, { ...KEEP, dryRun: false });

  expect(done).toEqual(dry);
  expect(done).toMatchObject({ spools: 3, bytes: 3000 });
  expect((await readdir(join(folder, 'spool'))).toSorted()).toEqual(['goes-on', 'goes-on-too']);
  expect(abandoned.toSorted()).toEqual(['killed-now a', 'killed-now b', 'killed-now c', 'overtaken a', 'overtaken b', 'overtaken c']);
});

test('the next run sweeps exports now whose process was killed, at their destination too', async () => {
  await leave('of-a-slot', NOW - 12 * DAY_MS, NOW - 12 * DAY_MS, 'failed');
  await leave('killed-then', null, NOW - DAY_MS);
  await sweepSpool(deps, RESOURCES);
  expect(await readdir(join(folder, 'spool'))).toEqual(['of-a-slot']);
  expect(abandoned).toEqual(['killed-then a', 'killed-then b', 'killed-then c']);
});

test('an upload that cannot be removed, or a destination that cannot be reached, keeps nothing else from going', async () => {
  await leave('first', null, NOW - DAY_MS);
  let closed = 0;
  const stubborn = {
    async abandon(key: string, token: string) {
      if (key === 'a') throw new StorageError('transient', 'the connection broke');
      abandoned.push(`${token} ${key}`);
    },
    [Symbol.asyncDispose]: async () => void (closed += 1),
  } as unknown as Storage;
  await sweepSpool({ ...deps, storage: async () => stubborn }, RESOURCES);
  expect([abandoned, closed, await readdir(join(folder, 'spool'))]).toEqual([['first b', 'first c'], 1, []]);

  await leave('second', null, NOW - DAY_MS);
  const said: unknown[] = [];
  const away = {
    ...deps,
    storage: () => Promise.reject(new StorageError('authentication', 'the key is refused')),
    log: (...words: unknown[]) => void said.push(words),
  };
  await sweepSpool(away, RESOURCES);
  expect(await readdir(join(folder, 'spool'))).toEqual([]);
  expect(said).toEqual([['warn', expect.stringContaining('could not be removed'), { run: 'second', code: 'RC5003' }]]);
});

test('each kind has its time: rejects, records, journal', async () => {
  const lists = join(folder, 'rejects', 'one', 'one');
  await mkdir(lists, { recursive: true });
  for (const [name, days] of [
    ['old', 31],
    ['new', 29],
  ] as const) {
    await writeFile(join(lists, `${name}.csv`), 'id,reason\n');
    await utimes(join(lists, `${name}.csv`), (NOW - days * DAY_MS) / 1000, (NOW - days * DAY_MS) / 1000);
  }
  await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
  for (const days of [400, 10]) {
    const at = NOW - days * DAY_MS;
    const applyId = `a${days}`;
    await state.store.commit(
      lease,
      [],
      [
        { type: 'begin', applyId, at, actor: 'jo', planDigest: 'd', operations: 0 },
        { type: 'end', applyId, at, status: 'done' },
      ],
    );
  }
  const done = await collectGarbage(deps, { ...KEEP, keptDays: { ...KEEP.keptDays, runs: 18 }, dryRun: false });
  expect(done).toMatchObject({ rejects: 1, journalEntries: 2, runs: 1 });
  expect(await readdir(lists)).toEqual(['new.csv']);
});

test('the members on record stay however old they are, those before them go', async () => {
  const pair = { activation: 'kept', segment: 'one' };
  const snapshots = join(folder, 'snapshots', 'kept', 'one');
  await mkdir(snapshots, { recursive: true });
  for (const [id, days] of [
    ['before', 41],
    ['on-record', 40],
  ] as const) {
    const slot = NOW - days * DAY_MS;
    const claimed = await state.ledger.claim({ ...pair, slot, mode: 'incremental', owner: DEAD, now: slot, newId: id, staleAfterMs: 1 });
    if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
    const counts = { received: 1, activated: 1, excluded: 0, failed: 0, reasons: {} };
    const snapshot = { ...pair, path: `snapshots/kept/one/${id}.parquet`, runId: id, slot, members: 1, keys: [], target: 'x' };
    await state.ledger.finish(claimed.claim, { status: 'success', counts, files: [], endedAt: slot, work: {}, snapshot });
    await writeFile(join(snapshots, `${id}.parquet`), 'x');
  }
  expect(await collectGarbage(deps, { ...KEEP, dryRun: false })).toMatchObject({ snapshots: 1 });
  expect(await readdir(snapshots)).toEqual(['on-record.parquet']);
});

test('a snapshot whose run began after the records were read stays for a day', async () => {
  const snapshots = join(folder, 'snapshots', 'one', 'one');
  await mkdir(snapshots, { recursive: true });
  for (const [name, hours] of [
    ['just-placed', 1],
    ['of-nobody', 25],
  ] as const) {
    const at = (NOW - hours * 3_600_000) / 1000;
    await writeFile(join(snapshots, `${name}.parquet`), 'x');
    await utimes(join(snapshots, `${name}.parquet`), at, at);
  }
  expect(await collectGarbage(deps, { ...KEEP, dryRun: false })).toMatchObject({ snapshots: 1 });
  expect(await readdir(snapshots)).toEqual(['just-placed.parquet']);
});

test('what a living process is at is nobody’s garbage, nor what a killed run will want again, nor what is young', async () => {
  await state.ledger.claim({
    activation: 'busy',
    segment: 'one',
    slot: null,
    mode: 'full',
    owner: currentOwner(),
    now: NOW,
    newId: 'at-work',
    staleAfterMs: 1,
  });
  await leave('between', NOW - 10 * DAY_MS, NOW - 10 * DAY_MS, 'failed');
  await leave('killed-late', NOW - 2 * DAY_MS, NOW - 2 * DAY_MS, 'failed');
  await leave('latest', NOW - DAY_MS, NOW - DAY_MS, 'success');
  for (const [name, hours] of [
    ['at-work', 100],
    ['unknown-young', 1],
    ['unknown-old', 25],
  ] as const) {
    await mkdir(join(folder, 'spool', name), { recursive: true });
    await utimes(join(folder, 'spool', name), (NOW - hours * 3_600_000) / 1000, (NOW - hours * 3_600_000) / 1000);
  }
  const snapshots = join(folder, 'snapshots', 'one', 'one');
  await mkdir(snapshots, { recursive: true });
  for (const run of ['killed-late', 'latest']) await writeFile(join(snapshots, `${run}.parquet`), 'x');

  await sweepSpool(deps, RESOURCES);
  const done = await collectGarbage(deps, { ...KEEP, dryRun: false });

  expect(done).toMatchObject({ spools: 2, snapshots: 1 });
  expect((await readdir(join(folder, 'spool'))).toSorted()).toEqual(['at-work', 'killed-late', 'latest', 'unknown-young']);
  expect(await readdir(snapshots)).toEqual(['killed-late.parquet']);
});
