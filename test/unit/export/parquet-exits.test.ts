import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { sql } from '../../../src/sql/sql.ts';
import { openExportBench } from '../../support/export-bench.ts';

const ATTRIBUTES: AttributesSpec = {
  source: 'shop',
  dataset: 'people',
  identities: { crmId: { column: 'id', primary: true } },
  fields: { card: { column: 'card', type: 'decimal' }, seen: { column: 'seen', type: 'timestamp' } },
};

interface Case {
  readonly key: 'card' | 'seen';
  readonly members: readonly string[];
  readonly joiner: string;
  /** The first file, and the second, in which everybody but the joiner is gone. */
  readonly first: readonly string[];
  readonly second: readonly string[];
}

// A Parquet column has one type for joins and exits: digits that the source has no more must not be rounded to the key of somebody else.
test.each<Case>([
  {
    key: 'card',
    members: ['0.05', '.5', '1.00', '12345678901234567890'],
    joiner: '7',
    first: ['0.05', '0.50', '1.00', '12345678901234567890.00'],
    second: ['0.05 out', '0.50 out', '1.00 out', '12345678901234567890.00 out', '7.00'],
  },
  { key: 'card', members: ['1.5', '200'], joiner: '0.125', first: ['1.5', '200.0'], second: ['1.500 out', '200.000 out', '0.125'] },
  {
    key: 'seen',
    members: ['2026-01-01T00:00:00.25Z', '2026-01-01T00:00:00.5Z', '1969-12-31T23:59:59.000001Z', '2026-01-01T01:00:00+01:00'],
    joiner: '2026-01-02',
    first: ['1969-12-31 23:59:59.000001', '2026-01-01 00:00:00', '2026-01-01 00:00:00.25', '2026-01-01 00:00:00.5'],
    second: ['1969-12-31 23:59:59.000001 out', '2026-01-01 00:00:00 out', '2026-01-01 00:00:00.25 out', '2026-01-01 00:00:00.5 out', '2026-01-02 00:00:00'],
  },
])('Parquet, key $key: exits of vanished profiles have the key of the row that brought them ($members)', async ({ key, members, joiner, first, second }) => {
  await using bench = await openExportBench();
  const database = await (await DuckDBInstance.create()).connect();
  const fileOf = async (hours: number, people: readonly string[]): Promise<readonly string[]> => {
    await bench.writePeople(`id,${key}\n${people.join('\n')}\n`);
    const { run } = await bench.run({
      attributes: ATTRIBUTES,
      predicate: sql`true`,
      profileColumns: [],
      mode: 'incremental',
      mapping: [
        { source: key, key: true },
        { source: 'segmentMembership.status', target: 'status' },
      ],
      file: { format: 'parquet' },
      slot: hours * 3_600_000,
      name: `s${hours}`,
    });
    expect(run.error).toBeUndefined();
    expect(run.counts).toMatchObject({ received: run.counts.activated, excluded: 0 });
    const path = join(bench.folder, 'out', run.files[0]?.path ?? '');
    const cell = `"${key}"::varchar || case status when 'exited' then ' out' else '' end`;
    return (await database.runAndReadAll(`select ${cell} from '${path}' order by status, "${key}"`)).getRows().map(String);
  };
  const joined = await fileOf(
    1,
    members.map((value, id) => `${id},${value}`),
  );
  const left = await fileOf(2, [`9,${joiner}`]);
  database.closeSync();
  expect({ joined, left }).toEqual({ joined: first, left: second });
});
