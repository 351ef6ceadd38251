import { rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../../../src/sql/sql.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { openExportBench, type BenchJob, type ExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
let bench: ExportBench;
beforeEach(async () => {
  bench = await openExportBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const STATUS = { source: 'segmentMembership.status', target: 'status' } as const;
const ID = { source: 'identityMap.crmId', target: 'id' } as const;

test('a full export now writes everybody and leaves no snapshot and no spool', async () => {
  await bench.writePeople('id,first,last,email,country,income\n1,Ann,,a@x,DE,1.50\n2,,,b@x,FR,\n3,"",Q,c@x,DE,10\n');

  const { run } = await bench.run({ mapping: [ID, { source: 'first' }, { source: 'income' }, STATUS] });

  expect(run.error).toBeUndefined();
  expect(run).toMatchObject({ status: 'success', counts: { received: 3, activated: 3, excluded: 0, failed: 0 } });
  expect(await bench.read('out.csv')).toBe('id,first,income,status\n1,Ann,1.50,realized\n2,,,realized\n3,"",10,realized\n');
  expect(await bench.state.ledger.snapshot('act', 'all')).toBeUndefined();
  expect(await readdir(join(bench.folder, '.reconcile', 'spool'))).toEqual([]);
});

test('an attribute named `id` is written as itself, and judged', async () => {
  const attributes = {
    source: 'shop',
    dataset: 'people',
    identities: { crmId: { column: 'crm', primary: true } },
    fields: { id: { column: 'id', type: 'integer' } },
  } as const;
  await bench.writePeople('crm,id\n1,7\n2,8\n');
  const mapping = [{ source: 'identityMap.crmId', target: 'crm' }, { source: 'id' }] as const;

  const { run } = await bench.run({ attributes, mapping });

  expect(run.error).toBeUndefined();
  expect(await bench.read('out.csv')).toBe('crm,id\n1,7\n2,8\n');
  await bench.writePeople('crm,id\n1,x\n');
  await expect(bench.run({ attributes, mapping, slot: HOUR })).resolves.toMatchObject({ run: { status: 'failed', error: { code: 'RC4003' } } });
});

test('mandatory attributes exclude rows by the first reason in mapping order', async () => {
  await bench.writePeople('id,first,last,email,country,income\n1,Ann,A,a@x,DE,1\n2,,,b@x,FR,\n3,C,,c@x,DE,10\n,X,Y,d@x,DE,1\n');

  const { run } = await bench.run({ mapping: [ID, { source: 'first', mandatory: true }, { source: 'last', mandatory: true }] });

  expect(run.error).toBeUndefined();
  expect(run.counts).toEqual({ received: 4, activated: 1, excluded: 3, failed: 0, reasons: { 'no-identity': 1, 'no first': 1, 'no last': 1 } });
  expect(await bench.read('out.csv')).toBe('id,first,last\n1,Ann,A\n');
});

test('incremental: everybody, nobody, then joins and exits with what is known of the vanished', async () => {
  const options = {
    mode: 'incremental',
    mapping: [ID, { source: 'identityMap.Email', target: 'email' }, { source: 'first' }, STATUS],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  const head = 'id,first,last,email,country,income\n';
  await bench.writePeople(`${head}1,Ann,,a@x,DE,\n2,Bob,,b@x,DE,\n3,Cid,,c@x,FR,\n4,Dan,,,DE,\n`);
  const first = await bench.run({ ...options, slot: HOUR, name: 's1' });
  const second = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  await bench.writePeople(`${head}1,Anna,,a@x,DE,\n3,Cid,,c@x,DE,\n4,Dan,,,DE,\n`);
  const third = await bench.run({ ...options, slot: 3 * HOUR, name: 's3' });

  expect(first.run.error).toBeUndefined();
  expect(first.run.counts).toMatchObject({ received: 3, activated: 2, excluded: 1, reasons: { 'no email': 1 } });
  expect(second.run).toMatchObject({ status: 'success', files: [], counts: { received: 1, activated: 0, excluded: 1 } });
  expect(third.run.counts).toMatchObject({ received: 3, activated: 2, excluded: 1 });
  expect((await bench.read('s3.csv')).split('\n').toSorted()).toEqual(['', '2,b@x,,exited', '3,c@x,Cid,realized', 'id,email,first,status']);
  expect(await bench.state.ledger.snapshot('act', 'all')).toMatchObject({ members: 2 });
});

test('incremental: of a vanished profile only its keys are known, also where another value has to be unique', async () => {
  const options = {
    mode: 'incremental',
    mapping: [ID, { source: 'identityMap.Email', target: 'email' }, { source: 'first', expect: { unique: true } }, STATUS],
  } as const;
  const head = 'id,first,last,email,country,income\n';
  await bench.writePeople(`${head}1,Ann,,a@x,DE,\n2,Bob,,b@x,DE,\n`);
  await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}1,Ann,,a@x,DE,\n`);
  const { run } = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });

  expect(run.error).toBeUndefined();
  expect(await bench.read('s2.csv')).toBe('id,email,first,status\n2,b@x,,exited\n');
});

test('deduplication: who was left out for a missing attribute has been a member all the same, since they qualified', async () => {
  const head = 'id,first,last,email,country,income\n';
  const options = {
    mode: 'full',
    mapping: [
      { source: 'identityMap.Email', target: 'email' },
      { source: 'first', mandatory: true },
    ],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  await bench.writePeople(`${head}1,,,j@x,DE,\n`);
  await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}1,,,j@x,DE,\n2,Late,,j@x,DE,\n`);
  await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  await bench.writePeople(`${head}1,Early,,j@x,DE,\n2,Late,,j@x,DE,\n`);
  await bench.run({ ...options, slot: 3 * HOUR, name: 's3' });

  expect(await bench.read('s3.csv')).toBe('email,first\nj@x,Late\n');
});

test('deduplication by an attribute keeps the latest to qualify, on a tie the first in order', async () => {
  const head = 'id,first,last,email,country,income\n';
  const options = {
    mode: 'incremental',
    mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'first' }, { source: 'last' }],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  await bench.writePeople(`${head}1,John,Morris,j@x,DE,\n2,John,Doe,j@x,DE,\n3,Eve,E,e@x,DE,\n`);
  const first = await bench.run({ ...options, slot: HOUR, name: 's1' });
  const same = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  await bench.writePeople(`${head}1,John,Morris,j@x,DE,\n2,John,Doe,j@x,DE,\n3,Eve,E,e@x,DE,\n4,John,Zed,j@x,DE,\n`);
  const second = await bench.run({ ...options, slot: 3 * HOUR, name: 's3' });

  expect(first.run.counts).toMatchObject({ received: 3, activated: 2, reasons: { duplicate: 1 } });
  expect(await bench.read('s1.csv')).toBe('email,first,last\nj@x,John,Doe\ne@x,Eve,E\n');
  // Who has lost has lost: the tie is not decided anew.
  expect(same.run).toMatchObject({ status: 'success', files: [], counts: { received: 1, activated: 0, reasons: { duplicate: 1 } } });
  expect(second.run.counts).toMatchObject({ received: 2, activated: 1, reasons: { duplicate: 1 } });
  expect(await bench.read('s3.csv')).toBe('email,first,last\nj@x,John,Zed\n');
});

/** The worked example of activation-rules 2.9, A before B; the last name differs, the email and the country are shared. */
const JOHN = 'a,John,Doe,johndoe@x,DE,\n';
const JOHN_D = 'b,John,D,johndoe@x,DE,\n';

test.each([
  ['none', [{ source: 'email2', target: 'email' }, { source: 'first' }, { source: 'last' }], ['johndoe@x,John,Doe', 'johndoe@x,John,D']],
  ['an identity', [{ source: 'identityMap.Email', target: 'email' }, { source: 'first' }, { source: 'last' }], ['johndoe@x,John,D']],
  ['an attribute', [{ source: 'email2', target: 'email', key: true }, { source: 'first' }, { source: 'last' }], ['johndoe@x,John,D']],
  [
    'two attributes',
    [{ source: 'email2', target: 'email', key: true }, { source: 'last', key: true }, { source: 'first' }],
    ['johndoe@x,D,John', 'johndoe@x,Doe,John'],
  ],
] as const)('the worked example of deduplication, key: %s', async (_key, mapping, rows) => {
  const head = 'id,first,last,email,country,income\n';
  const attributes = {
    source: 'shop',
    dataset: 'people',
    identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email' } },
    fields: {
      first: { column: 'first', type: 'string' },
      last: { column: 'last', type: 'string' },
      email2: { column: 'email', type: 'string' },
      country: { column: 'country', type: 'string' },
    },
  } as const;
  const options = { attributes, mapping, mode: 'full', predicate: sql`p."country" = 'DE'`, profileColumns: ['country'] } as const;
  await bench.writePeople(`${head}${JOHN}${JOHN_D.replace('DE', 'FR')}`);
  const first = await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}${JOHN}${JOHN_D}`);
  const second = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  expect([first.run.counts.activated, second.run.error]).toEqual([1, undefined]);
  // B qualified later: in each competition that it is in, it wins.
  expect((await bench.read('s2.csv')).trimEnd().split('\n').slice(1).toSorted()).toEqual(rows.toSorted());
});

test('a key that another member still has is not left: no exit row, and the other one takes its place', async () => {
  const head = 'id,first,last,email,country,income\n';
  const options = {
    mode: 'incremental',
    mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'first' }, STATUS],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  await bench.writePeople(`${head}1,Ann,A,j@x,DE,\n2,Bob,B,j@x,DE,\n3,Cid,C,c@x,DE,\n`);
  await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}1,Ann,A,j@x,FR,\n2,Bob,B,j@x,DE,\n3,Cid,C,c@x,FR,\n`);
  const { run } = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  expect(await bench.read('s1.csv')).toBe('email,first,status\nj@x,Ann,realized\nc@x,Cid,realized\n');
  expect((await bench.read('s2.csv')).trimEnd().split('\n').slice(1).toSorted()).toEqual(['c@x,Cid,exited', 'j@x,Bob,realized']);
  expect(run.counts.received).toBe(run.counts.activated + run.counts.excluded);
});

test('two who were delivered with one key leave together: one exit row, with what the latest of them has', async () => {
  const head = 'id,first,last,email,country,income\n';
  const options = {
    mode: 'incremental',
    mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'first' }, STATUS],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  await bench.writePeople(`${head}1,Ann,A,j@x,DE,\n`);
  await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}1,Ann,A,j@x,DE,\n2,Bob,B,j@x,DE,\n`);
  await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  await bench.writePeople(`${head}1,Ann,A,j@x,FR,\n2,Bob,B,j@x,FR,\n`);
  const { run } = await bench.run({ ...options, slot: 3 * HOUR, name: 's3' });
  expect(await bench.read('s2.csv')).toBe('email,first,status\nj@x,Bob,realized\n');
  expect(await bench.read('s3.csv')).toBe('email,first,status\nj@x,Bob,exited\n');
  expect(run.counts).toMatchObject({ received: 2, activated: 1, reasons: { duplicate: 1 } });
});

test('whoever is left out competes for no key, and keeps none from leaving', async () => {
  const head = 'id,first,last,email,country,income\n';
  const options = {
    mode: 'incremental',
    mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'first', mandatory: true }, STATUS],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  await bench.writePeople(`${head}1,Ann,A,j@x,DE,\n2,,B,j@x,DE,\n`);
  const first = await bench.run({ ...options, slot: HOUR, name: 's1' });
  await bench.writePeople(`${head}1,Ann,A,j@x,FR,\n2,,B,j@x,DE,\n`);
  await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  expect(first.run.counts).toMatchObject({ received: 2, activated: 1, reasons: { 'no first': 1 } });
  expect(await bench.read('s1.csv')).toBe('email,first,status\nj@x,Ann,realized\n');
  expect(await bench.read('s2.csv')).toBe('email,first,status\nj@x,Ann,exited\n');
});

test.each([
  [10, ['out.csv']],
  [20, ['out.csv', 'out_2.csv']],
  [21, ['out.csv', 'out_2.csv', 'out_3.csv']],
  [0, ['out.csv']],
])('%i rows in parts of 10: %j, without a header where none is wanted', async (rows, files) => {
  await bench.writePeople(`id,first,last,email,country,income\n${Array.from({ length: Math.max(1, rows) }, (_, n) => `${n},n,,,,`).join('\n')}\n`);
  const { run } = await bench.run({ file: { maxRows: 10, csv: { header: false } }, ...(rows === 0 ? { predicate: sql`false` } : {}) });
  expect(run.files.map(({ path }) => path)).toEqual(files);
  const texts = await Promise.all(files.map((name) => bench.read(name)));
  expect(texts.join('')).toBe(Array.from({ length: rows }, (_, n) => `${n},n\n`).join(''));
});

test('parts are the same when a column is called as the engine calls a row’s number', async () => {
  await bench.writePeople(`id,first,last,email,country,income\n${Array.from({ length: 5 }, (_, n) => `${n},n${n},,,,`).join('\n')}\n`);
  const mapping = [
    { source: 'identityMap.crmId', target: 'id' },
    { source: 'first', target: 'file_row_number' },
  ];

  const { run } = await bench.run({ mapping, file: { maxRows: 4 } });

  expect(run.files.map(({ rows }) => rows)).toEqual([4, 1]);
  expect(await bench.read('out_2.csv')).toBe('id,file_row_number\n4,n4\n');
});

function stopAt(point: string, name: string): void {
  if (name === point) throw new Error('stopped');
}

test.each<[string, Partial<BenchJob>, string]>([
  ['nothing', {}, 'id,first,status\n2,,exited\n3,Cid,realized\n'],
  ['the mapping', { mapping: [ID, STATUS] }, 'id,first,status\n2,,exited\n3,Cid,realized\n'],
  ['the place: everybody goes there', { target: 'there' }, 'id,first,status\n1,Ann,realized\n3,Cid,realized\n'],
  // Encryption itself is a stage of its own: here only whether the files are made anew.
  [
    'encryption: what is not encrypted does not leave',
    { encryption: { pgpPublicKey: { file: 'k' } }, mapping: [ID, STATUS] },
    'id,status\n2,exited\n3,realized\n',
  ],
])('a run that was stopped goes on after a change of %s', async (_what, change, expected) => {
  const options = { mapping: [ID, { source: 'first' }, STATUS], mode: 'incremental', name: 's1' } as const;
  await bench.writePeople('id,first\n1,Ann\n2,Bob\n');
  await bench.run({ ...options, slot: HOUR });
  await bench.writePeople('id,first\n1,Ann\n3,Cid\n');
  const next = { ...options, slot: 2 * HOUR, name: 's2' };
  await expect(bench.run({ ...next, crashPoint: (name) => stopAt('journaled-written', name) })).rejects.toThrow('stopped');

  const { run } = await bench.run({ ...next, ...change });

  expect(run.error).toBeUndefined();
  expect((await bench.read('s2.csv')).split('\n').toSorted()).toEqual(expected.split('\n').toSorted());
});

test('a run that was killed with its snapshot in place, and is made anew for another place, records who went there', async () => {
  const options = { mapping: [ID, STATUS], mode: 'incremental', slot: HOUR } as const;
  await bench.writePeople('id\n1\n2\n');
  await expect(bench.run({ ...options, name: 's1', crashPoint: (name) => stopAt('snapshot-placed', name) })).rejects.toThrow('stopped');
  await bench.writePeople('id\n1\n3\n');
  // The bench has one folder for all places.
  await rm(join(bench.folder, 'out', 's1.csv'));

  const there = await bench.run({ ...options, name: 's1-there', target: 'there' });
  await bench.writePeople('id\n2\n3\n');
  const next = await bench.run({ ...options, slot: 2 * HOUR, name: 's2', target: 'there' });

  expect(there.run.error).toBeUndefined();
  expect((await bench.read('s1-there.csv')).split('\n').toSorted()).toEqual(['', '1,realized', '3,realized', 'id,status']);
  expect(next.run.error).toBeUndefined();
  expect((await bench.read('s2.csv')).split('\n').toSorted()).toEqual(['', '1,exited', '2,realized', 'id,status']);
});

test.each<[string, string | undefined, RegExp]>([
  ['is gone', undefined, /it is not there/],
  ['is shorter', 'id,', /it has 3 bytes, 32 were written/],
  ['has other bytes', 'id,status\n1,realized\n3,realized\n', /its SHA-256 differs/],
])('a file that %s when it is read back fails the run, and the slot goes on once nothing is in its way', async (_what, other, why) => {
  const options = { mapping: [ID, STATUS], mode: 'incremental', slot: HOUR, name: 's1', file: { manifest: true } } as const;
  const path = join(bench.folder, 'out', 's1.csv');
  await bench.writePeople('id\n1\n2\n');
  const spoil = (name: string): void => {
    if (name !== 'published') return;
    rmSync(path);
    if (other !== undefined) writeFileSync(path, other);
  };

  const failed = await bench.run({ ...options, crashPoint: spoil });
  const left = await readdir(join(bench.folder, 'out'));
  const recorded = await bench.state.ledger.snapshot('act', 'all');
  await rm(path, { force: true });
  const { run } = await bench.run(options);

  expect(failed.run).toMatchObject({ status: 'failed', error: { code: 'RC4009', message: expect.stringMatching(why) }, counts: { activated: 0, failed: 2 } });
  expect([left.filter((name) => name !== 's1.csv'), recorded]).toEqual([[], undefined]);
  expect(run).toMatchObject({ status: 'success', counts: { activated: 2 } });
  expect(await bench.read('s1.csv')).toBe('id,status\n1,realized\n2,realized\n');
});

test('a run of changes, stopped, whose activation was deleted meanwhile and declared anew: everybody; what is visible stays as it is', async () => {
  const options = { mapping: [ID, STATUS], mode: 'incremental' } as const;
  const declareAnew = async (slot: number, point: string): ReturnType<typeof bench.run> => {
    await bench.writePeople('id\n1\n2\n');
    await bench.run({ ...options, slot, name: `before${slot}` });
    await bench.writePeople('id\n1\n3\n');
    const next = { ...options, slot: slot + HOUR, name: point };
    await expect(bench.run({ ...next, crashPoint: (name) => stopAt(point, name) })).rejects.toThrow('stopped');
    await bench.state.ledger.prune({ activation: 'act' });
    return bench.run(next);
  };

  const unseen = await declareAnew(HOUR, 'journaled-written');
  const seen = await declareAnew(5 * HOUR, 'journaled-published');

  expect(unseen.run).toMatchObject({ status: 'success', counts: { received: 2, activated: 2 } });
  expect((await bench.read('journaled-written.csv')).split('\n').toSorted()).toEqual(['', '1,realized', '3,realized', 'id,status']);
  expect(seen.run).toMatchObject({ status: 'failed', error: { code: 'RC4012', message: expect.stringContaining('what was applied since') } });
  expect((await bench.read('journaled-published.csv')).split('\n').toSorted()).toEqual(['', '2,exited', '3,realized', 'id,status']);
});

test('parts hold exactly maxRows rows', async () => {
  await bench.writePeople(`id,first,last,email,country,income\n${Array.from({ length: 25 }, (_, n) => `${n},"N ""${n}""\n",,,,`).join('\n')}\n`);

  const { run } = await bench.run({ file: { maxRows: 10 } });

  expect(run.files.map(({ path, rows }) => [path, rows])).toEqual([
    ['out.csv', 10],
    ['out_2.csv', 10],
    ['out_3.csv', 5],
  ]);
  expect((await bench.read('out_3.csv')).startsWith('id,first\n20,"N ""20""\n"\n')).toBe(true);
});

test('a run that hangs ends at its deadline, as a failure that says what hung and with what to do', async () => {
  await bench.writePeople('id,first,last,email,country,income\n1,Ann,,a@x,DE,\n');
  const mute: Storage = {
    ...createLocalStorage({ root: join(bench.folder, 'out') }),
    publish: (_key, _file, { signal }) => new Promise((_done, failed) => signal?.addEventListener('abort', () => failed(new Error('cut')), { once: true })),
  };

  const { run } = await bench.run({ slot: HOUR, deps: { storage: async () => mute, deadlineMs: HOUR / 1000 } });

  expect(run).toMatchObject({ status: 'failed', counts: { activated: 0, failed: 1 } });
  expect(run.error).toEqual({
    code: 'RC4034',
    message: 'the run did not end within 0.001 hours: it was stopped while its files were sent',
    hint: 'find out what hangs (`reconcile doctor` tries every connection), then start it again: it goes on where it stands',
  });
  const again = await bench.run({ slot: HOUR });
  expect(again.run).toMatchObject({ id: run.id, status: 'success', attempt: 2 });
});
