import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '../../../src/sql/sql.ts';
import { openExportBench, type ExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const HEAD = 'id,first,last,email,country,income\n';
const STATUS = { source: 'segmentMembership.status', target: 'status' } as const;
/** One exports in full, the other what changes. */
let whole: ExportBench;
let bench: ExportBench;
beforeEach(async () => {
  whole = await openExportBench();
  bench = await openExportBench();
});
afterEach(async () => {
  await whole[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

const lines = async (name: string, of = bench): Promise<string[]> => (await of.read(name)).trimEnd().split('\n').slice(1).toSorted();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test.each([
  ['key: true', { key: true }],
  ['expect unique', { expect: { unique: true } }],
  ['both', { key: true, expect: { unique: true } }],
])('what is said of the primary identity beside its being the key changes nothing: %s', async (_name, more) => {
  const options = {
    mapping: [{ source: 'identityMap.crmId', target: 'id', ...more }, { source: 'first' }, STATUS],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
  } as const;
  for (const place of [whole, bench]) await place.writePeople(`${HEAD}1,Ann,A,a@x,DE,\n2,Bob,B,b@x,DE,\n3,Cid,C,c@x,FR,\n`);
  const full = await whole.run({ ...options, mode: 'full', slot: HOUR, name: 'full' });
  const first = await bench.run({ ...options, mode: 'incremental', slot: HOUR, name: 'i1' });
  await bench.writePeople(`${HEAD}1,Ann,A,a@x,FR,\n3,Cid,C,c@x,DE,\n`);
  const second = await bench.run({ ...options, mode: 'incremental', slot: 2 * HOUR, name: 'i2' });

  for (const { run } of [full, first, second]) expect([run.status, run.error, run.counts.reasons]).toEqual(['success', undefined, {}]);
  expect(await lines('full.csv', whole)).toEqual(['1,Ann,realized', '2,Bob,realized']);
  expect(await lines('i1.csv')).toEqual(['1,Ann,realized', '2,Bob,realized']);
  expect(await lines('i2.csv')).toEqual(['1,Ann,exited', '2,,exited', '3,Cid,realized']);
});

test.each([
  ['an email', 'Email', 'Ann@x.io', ' ann@X.io', 'ann@x.io'],
  ['a phone', 'Phone', '+49 170 1234', '0049-1701234', '491701234'],
])(
  'two spellings of %s as the primary identity have one hash: one row, and nobody leaves with the hash of who stays',
  async (_name, namespace, one, other, spelt) => {
    const attributes = {
      source: 'shop',
      dataset: 'people',
      identities: { [namespace]: { column: 'id', primary: true } },
      fields: { first: { column: 'first', type: 'string' }, country: { column: 'country', type: 'string' } },
    } as const;
    const options = {
      attributes,
      mapping: [{ source: `identityMap.${namespace}`, target: 'hash', transform: 'sha256' }, { source: 'first' }, STATUS],
      predicate: sql`p."country" = 'DE'`,
      profileColumns: ['country'],
    } as const;
    const [both, third] = [sha256(spelt), sha256(namespace === 'Email' ? 'c@x.io' : '777')];
    const left = namespace === 'Email' ? 'c@x.io' : '777';
    for (const place of [whole, bench]) await place.writePeople(`${HEAD}${one},Ann,,,DE,\n${other},Bob,,,DE,\n${left},Cid,,,DE,\n,Nil,,,DE,\n`);
    const full = await whole.run({ ...options, mode: 'full', slot: HOUR, name: 'full' });
    const first = await bench.run({ ...options, mode: 'incremental', slot: HOUR, name: 'i1' });
    // The one that was told of is gone, and the third.
    await bench.writePeople(`${HEAD}${other},Bob,,,DE,\n`);
    const second = await bench.run({ ...options, mode: 'incremental', slot: 2 * HOUR, name: 'i2' });
    await bench.writePeople(`${HEAD}x,Nobody,,,FR,\n`);
    const all = await bench.run({ ...options, mode: 'incremental', slot: 3 * HOUR, name: 'i3' });

    for (const { run } of [full, first, second, all]) expect([run.status, run.error]).toEqual(['success', undefined]);
    expect(full.run.counts).toMatchObject({ received: 4, activated: 2, excluded: 2, reasons: { 'no-identity': 1, duplicate: 1 } });
    const told = [`${both},Ann,realized`, `${third},Cid,realized`].toSorted();
    expect(await lines('full.csv', whole)).toEqual(told);
    expect(await lines('i1.csv')).toEqual(told);
    expect(await lines('i2.csv')).toEqual([`${both},Bob,realized`, `${third},,exited`].toSorted());
    expect(await lines('i3.csv')).toEqual([`${both},,exited`]);
  },
);

test('an email as the primary identity is hashed from now on: whoever leaves takes no spelling along that stays', async () => {
  const attributes = {
    source: 'shop',
    dataset: 'people',
    identities: { Email: { column: 'id', primary: true } },
    fields: { country: { column: 'country', type: 'string' } },
  } as const;
  const options = { attributes, predicate: sql`p."country" = 'DE'`, profileColumns: ['country'], mode: 'incremental' } as const;
  await bench.writePeople(`${HEAD}A@x,,,,DE,\na@x,,,,DE,\nc@x,,,,DE,\n`);
  const plain = await bench.run({ ...options, mapping: [{ source: 'identityMap.Email', target: 'hash' }, STATUS], slot: HOUR, name: 'i1' });
  await bench.writePeople(`${HEAD}a@x,,,,DE,\n`);
  const hashed = await bench.run({
    ...options,
    mapping: [{ source: 'identityMap.Email', target: 'hash', transform: 'sha256' }, STATUS],
    slot: 2 * HOUR,
    name: 'i2',
  });

  for (const { run } of [plain, hashed]) expect([run.status, run.error]).toEqual(['success', undefined]);
  expect(await lines('i1.csv')).toEqual(['A@x,realized', 'a@x,realized', 'c@x,realized']);
  expect(await lines('i2.csv')).toEqual([`${sha256('c@x')},exited`]);
});

test('an identity and its column may be called like something that every JavaScript object has: their values are looked at as others', async () => {
  const attributes = { source: 'shop', dataset: 'people', identities: { constructor: { column: 'constructor', primary: true } }, fields: {} } as const;
  await bench.writePeople('constructor\n1\n1\n');

  const { run } = await bench.run({ attributes, mapping: [{ source: 'identityMap.constructor', target: 'id' }] });

  expect(run).toMatchObject({ status: 'failed', error: { message: expect.stringMatching(/stands 2 times|more than once|duplicate/) as string } });
});
