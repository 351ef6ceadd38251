import { expect, test } from 'vitest';
import { openExportBench } from '../../support/export-bench.ts';

/** Few duplicates, many with few keys, many with many keys: three ways to the same winners. */
test.each([
  ['few', 5000, 4900],
  ['many, few keys', 5000, 50],
])('%s duplicates: the winners are those of a window over everything', async (_name, people, keys) => {
  await using bench = await openExportBench();
  const rows = Array.from({ length: people }, (_, id) => ({ id, key: `k${id % keys}`, first: `f${(id * 7919) % 101}`, last: `l${(id * 31) % 7}` }));
  await bench.writePeople(`id,first,last,email,country,income\n${rows.map(({ id, key, first, last }) => `${id},${first},${last},${key},DE,`).join('\n')}\n`);

  const { run } = await bench.run({
    mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'first' }, { source: 'last' }],
    file: { sort: true },
  });

  const best = new Map<string, (typeof rows)[number]>();
  const rank = (row: (typeof rows)[number]): string => [row.first, row.last, String(row.id)].join('\u0000');
  for (const row of rows) if (!best.has(row.key) || rank(row) < rank(best.get(row.key) ?? row)) best.set(row.key, row);
  expect(run.error).toBeUndefined();
  expect(run.counts).toEqual({ received: people, activated: keys, excluded: people - keys, failed: 0, reasons: { duplicate: people - keys } });
  const lines = (await bench.read('out.csv')).trimEnd().split('\n').slice(1).toSorted();
  expect(lines).toEqual([...best.values()].map(({ key, first, last }) => `${key},${first},${last}`).toSorted());
});
