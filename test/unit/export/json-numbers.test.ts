import { expect, test } from 'vitest';
import { sql } from '../../../src/sql/sql.ts';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { openExportBench } from '../../support/export-bench.ts';

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  badValues: 'exclude',
  identities: { crmId: { column: 'id', primary: true } },
  fields: {
    price: { column: 'price', type: 'decimal' },
    prices: { column: 'prices', type: 'array', items: 'decimal' },
    words: { column: 'words', type: 'map', values: 'string' },
    paid: { column: 'paid', type: 'object', fields: { sum: 'decimal' } },
  },
};

interface Row {
  readonly price?: string;
  readonly prices?: string;
  readonly words?: string;
  readonly paid?: string;
}

function cell(text = ''): string {
  return text === '' ? '' : `"${text.replaceAll('"', '""')}"`;
}

async function lines(sources: readonly string[], ...rows: readonly Row[]): Promise<{ readonly lines: readonly string[]; readonly reasons: object }> {
  await using bench = await openExportBench();
  await bench.writePeople(
    `id,price,prices,words,paid\n${rows.map(({ price, prices, words, paid }, id) => [id, price, cell(prices), cell(words), cell(paid)].join(',')).join('\n')}\n`,
  );
  const { run } = await bench.run({
    attributes: ATTRIBUTES,
    predicate: sql`true`,
    profileColumns: [],
    mode: 'full',
    mapping: sources.map((source) => ({ source })),
    file: { format: 'json', sort: true },
    slot: 3_600_000,
    name: 'x',
  });
  expect(run.error).toBeUndefined();
  const text = run.files[0] === undefined ? '' : await bench.read(run.files[0].path);
  const read = text.split('\n').slice(0, -1);
  // What any reader takes.
  for (const line of read) JSON.parse(line);
  return { lines: read, reasons: run.counts.reasons };
}

test.each([
  ['5.', '5'],
  ['+5.', '5'],
  ['-0.', '-0'],
  ['.5', '0.5'],
  ['-.50', '-0.50'],
  ['007.10', '7.10'],
])('the decimal %s of a source is a number of JSON: %s', async (price, expected) => {
  expect((await lines(['price'], { price })).lines).toEqual([`{"price":${expected}}`]);
});

test.each([[['prices', 'words', 'paid']], [['prices', 'words', 'paid', 'price']]])(
  'decimals inside of values keep their digits, whatever columns stand beside (%s)',
  async (sources) => {
    const found = await lines(sources, {
      price: '1.10',
      prices: '[ 12345678901234567890.12,\n 1.50 , null]',
      words: '{"a, b": "x ]\\" , }", "c": [1 , ]}',
      paid: '{"sum": 99999999999999999999.01, "note": "two  blanks"}',
    });
    const nested =
      '{"prices":[12345678901234567890.12,1.50,null],"words":{"a, b":"x ]\\" , }","c":[1]},"paid":{"sum":99999999999999999999.01,"note":"two  blanks"}';
    expect(found.lines).toEqual([`${nested}${sources.includes('price') ? ',"price":1.10' : ''}}`]);
  },
);

test('NaN and infinity are no JSON, also where any value is taken or nobody declared one', async () => {
  const found = await lines(
    ['words', 'paid'],
    { words: '{"a": NaN}' },
    { paid: '{"sum": 1, "other": -Infinity}' },
    { words: '{"NaN": "infinite \\" NaN"}', paid: '{"sum": 1, "other": "nan"}' },
  );
  expect(found).toEqual({
    lines: ['{"words":{"NaN":"infinite \\" NaN"},"paid":{"sum":1,"other":"nan"}}'],
    reasons: { 'bad-value': 2 },
  });
});
