import { expect, test } from 'vitest';
import type { MappingEntry } from '../../../src/model/generated/kinds.ts';
import { openExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const EMAIL = { source: 'identityMap.Email', target: 'email' } as const;

interface Row {
  readonly id: number;
  readonly key: string;
  readonly first: string;
  readonly last: string;
}

/** Few duplicates and many, which take different ways; and how far the columns that decide a tie have to be read. */
const SHAPES: readonly { readonly name: string; readonly keys: number; readonly first: (id: number) => string; readonly last: (id: number) => string }[] = [
  { name: 'few shared keys', keys: 4900, first: (id) => `f${(id * 7919) % 101}`, last: (id) => `l${(id * 31) % 7}` },
  { name: 'all keys shared', keys: 50, first: (id) => `f${(id * 7919) % 101}`, last: (id) => `l${(id * 31) % 7}` },
  { name: 'many keys, the first column decides', keys: 1700, first: (id) => `f${String((id * 7919) % 5000).padStart(4, '0')}`, last: () => 'l' },
  { name: 'the first column never decides', keys: 1700, first: () => 'f', last: (id) => `l${(id * 31) % 7}` },
  { name: 'some rows differ in nothing but the id', keys: 900, first: (id) => `f${id % 2}`, last: (id) => (id % 5 === 0 ? '' : 'l') },
];

const MAPPINGS: Readonly<
  Record<string, { readonly mapping: readonly MappingEntry[]; readonly key: (row: Row) => string; readonly tie: (row: Row) => string[] }>
> = {
  'one identity': { mapping: [EMAIL, { source: 'first' }, { source: 'last' }], key: ({ key }) => key, tie: ({ first, last }) => [first, last] },
  'two attributes': {
    mapping: [{ source: 'country', target: 'email', key: true }, { source: 'first' }, { source: 'last', key: true }],
    key: ({ key, last }) => `${key}/${last}`,
    tie: ({ first }) => [first],
  },
  'nothing but the key': { mapping: [EMAIL], key: ({ key }) => key, tie: () => [] },
};

test.each(
  SHAPES.flatMap((shape) =>
    Object.keys(MAPPINGS).flatMap((keyed) => (['now', 'slot', 'incremental'] as const).map((way) => ({ shape: shape.name, keyed, way, ...shape }))),
  ),
)(
  '$shape, $keyed, $way: the winners are those of a comparison by hand, and the same bytes when keys are compared in parts',
  async ({ keyed, way, keys, first, last }) => {
    await using bench = await openExportBench();
    await using inParts = await openExportBench();
    const people = 5000;
    const rows: Row[] = Array.from({ length: people }, (_, id) => ({ id, key: `k${id % keys}`, first: first(id), last: last(id) }));
    const text = `id,first,last,email,country,income\n${rows.map((row) => `${row.id},${row.first},${row.last === '' ? '""' : row.last},${row.key},${row.key},`).join('\n')}\n`;
    await bench.writePeople(text);
    await inParts.writePeople(text);
    const { mapping = [], key, tie } = MAPPINGS[keyed] ?? { mapping: [], key: () => '', tie: () => [] };

    const job = { mapping, ...(way === 'now' ? {} : { slot: HOUR, mode: way === 'slot' ? ('full' as const) : ('incremental' as const) }) };
    const { run } = await bench.run(job);
    const parts: string[] = [];
    const { run: other } = await inParts.run({
      ...job,
      deps: { rowsPerPart: 700 },
      crashPoint: (name) => void (name.startsWith('selected-part') && parts.push(name)),
    });

    const best = new Map<string, Row>();
    // At last the ids decide, as texts: that is what the source's are.
    const rank = (row: Row): string => [...tie(row), String(row.id)].join('\u0000');
    for (const row of rows) {
      const winner = best.get(key(row));
      if (winner === undefined || rank(row) < rank(winner)) best.set(key(row), row);
    }
    expect(run.error).toBeUndefined();
    const lost = people - best.size;
    expect(run.counts).toEqual({ received: people, activated: best.size, excluded: lost, failed: 0, reasons: lost === 0 ? {} : { duplicate: lost } });
    const lines = (await bench.read('out.csv')).trimEnd().split('\n').slice(1);
    const wanted = [...best.values()].map((row) => (mapping.length === 1 ? row.key : `${row.key},${row.first},${row.last === '' ? '""' : row.last}`));
    expect(lines.toSorted()).toEqual(wanted.toSorted());
    expect(other.counts).toEqual(run.counts);
    expect((await inParts.read('out.csv')) === (await bench.read('out.csv'))).toBe(true);
    const competed = way === 'now' && lost === 0 ? 0 : Math.ceil(people / 700);
    expect(parts).toEqual(Array.from({ length: competed }, (_, index) => `selected-part-${index + 1}`));
  },
);
