import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { OUTBOX } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

function manifests(format: string): string {
  return `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.parquet}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {card: {column: card, type: integer}, price: {column: price, type: decimal}, active: {column: active, type: boolean}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: active}
spec: {attributes: person, pql: 'active = true'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: outbox
  segments: [active]
  mapping: [{source: card, key: true}, {source: price, key: true}, {source: segmentMembership.status, target: status}, {expression: 'if(active, "in", "out")', target: word}]
  export: incremental
  guards: {maxRemovedPercent: 100}
  file: {format: ${format}, name: "%DATETIME(dd)%"}
  schedule: {every: 24h, at: "00:00", start: 2026-01-01}
`;
}

/** Keys that neither 64 bits nor ten decimals hold, and one that ends in zeros. */
const ANN = '18446744073709551615::ubigint as card, 4.123456789012::decimal(20, 12) as price';
const BOB = '7::ubigint as card, 2.5::decimal(20, 12) as price';

/** A row as a file of the format has it; of what the source does not know any more `word` is NULL. */
const ROW: Readonly<Record<string, (card: string, price: string, status: string, word: string | null) => string>> = {
  csv: (card, price, status, word) => `${card},${price},${status},${word ?? ''}`,
  json: (card, price, status, word) => `{"card":${card},"price":${price},"status":"${status}","word":${JSON.stringify(word)}}`,
  parquet: (card, price, status, word) => `UBIGINT ${card} DECIMAL(20,12) ${price} ${status} ${word}`,
};

// The receiver finds whom to take out by the key of the row that put them in: another spelling of a number is nobody, a rounded one is somebody else.
test.each(Object.entries(ROW))(
  '%s: the exit of who left, and of whose profile is gone, has the digits and the type of the row that brought them',
  async (format, row) => {
    using project = createTempProject({
      'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: keys}\nspec: {}\n',
      'manifests/all.yaml': manifests(format),
    });
    const connection = await (await DuckDBInstance.create()).connect();
    const write = (...people: readonly string[]): Promise<unknown> =>
      connection.run(
        `copy (${people.map((person) => `select ${person}`).join(' union all ')}) to '${join(project.directory, 'people.parquet')}' (format parquet)`,
      );
    const command = async (now: string, ...args: readonly string[]): Promise<void> => {
      const ended = await reconcile(['-C', project.directory, '--now', now, ...args]);
      expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    };
    const read = async (day: string): Promise<readonly string[]> => {
      const path = `out/${day}.${format}`;
      if (format !== 'parquet') return project.read(path).trim().split('\n');
      const cells = `typeof(card) as kind, card::varchar, typeof(price), price::varchar, status, coalesce(word, 'null')`;
      const result = await connection.runAndReadAll(`select ${cells} from '${join(project.directory, path)}'`);
      return result.getRowsJson().map((cell) => cell.join(' '));
    };
    const [first, second] = ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'];

    await write(`'a' as id, ${ANN}, true as active`, `'b' as id, ${BOB}, true as active`);
    await command('2026-01-01T12:00:00Z', 'apply', '--auto-approve');
    await command(first, 'run', 'daily', '--slot', first);
    await write(`'b' as id, ${BOB}, false as active`);
    await command(second, 'run', 'daily', '--slot', second);

    expect((await read('02')).slice(format === 'csv' ? 1 : 0)).toEqual([
      row('18446744073709551615', '4.123456789012', 'realized', 'in'),
      row('7', '2.500000000000', 'realized', 'in'),
    ]);
    expect((await read('03')).slice(format === 'csv' ? 1 : 0).toSorted()).toEqual(
      [row('18446744073709551615', '4.123456789012', 'exited', null), row('7', '2.500000000000', 'exited', 'out')].toSorted(),
    );
  },
);

test('decimals that differ in zeros alone are one key, and one value where it has to be unique; rows have the digits of the source', async () => {
  const mapping = /mapping: .*/;
  const source = manifests('csv').replace('people.parquet', 'people.csv');
  const byKey = source.replace(mapping, 'mapping: [{source: card}, {source: price, key: true}, {source: segmentMembership.status, target: status}]');
  const unique = byKey.replace('key: true', 'expect: {unique: true}');
  using project = createTempProject({ 'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: keys}\nspec: {}\n' });
  const command = async (day: number, ...args: readonly string[]): Promise<void> => {
    const ended = await reconcile(['-C', project.directory, '--now', `2026-01-0${day}T00:00:00Z`, ...args]);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  };
  const run = async (day: number, ...people: readonly string[]): Promise<readonly string[]> => {
    project.write('people.csv', `id,card,price,active\n${people.join('\n')}\n`);
    await command(day, 'run', 'daily', '--slot', `2026-01-0${day}T00:00:00Z`);
    return project.read(`out/0${day}.csv`).trimEnd().split('\n').slice(1).toSorted();
  };
  project.write('manifests/all.yaml', byKey);
  await command(1, 'apply', '--auto-approve');
  expect(await run(1, 'a,1,1.5,true', 'b,2,1.50,true', 'c,3,01.5,true', 'd,4,-0.0,true', 'e,5,0,true', 'f,6,100,true', 'g,7,1,true')).toEqual([
    '1,1.5,realized',
    '4,-0.0,realized',
    '6,100,realized',
    '7,1,realized',
  ]);
  // The key did not leave: who had it too brings it. Nobody has 100 any more.
  expect(await run(2, 'b,2,1.50,true', 'c,3,01.5,true', 'd,4,-0.0,false', 'e,5,0,true', 'f,6,100.0,false', 'g,7,1,true')).toEqual([
    '2,1.50,realized',
    '5,0,realized',
    '6,100.0,exited',
  ]);
  project.write('manifests/all.yaml', unique);
  await command(2, 'apply', '--auto-approve');
  expect(await run(3, 'b,2,1.50,true', 'e,5,0,true', 'g,7,1,true', 'h,8,2.0,true', 'i,9,2,true')).toEqual(['8,2.0,realized']);
}, 60_000);

test('doubles of one value are one key: a zero, whatever its sign', async () => {
  const mapping = 'mapping: [{source: card}, {source: price, key: true}, {source: segmentMembership.status, target: status}]';
  using project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: keys}\nspec: {}\n',
    'manifests/all.yaml': manifests('csv')
      .replace('people.parquet', 'people.csv')
      .replace('type: decimal', 'type: double')
      .replace(/mapping: .*/, mapping),
  });
  const command = async (day: number, ...args: readonly string[]): Promise<void> => {
    const ended = await reconcile(['-C', project.directory, '--now', `2026-01-0${day}T00:00:00Z`, ...args]);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  };
  const run = async (day: number, ...people: readonly string[]): Promise<readonly string[]> => {
    project.write('people.csv', `id,card,price,active\n${people.join('\n')}\n`);
    await command(day, 'run', 'daily', '--slot', `2026-01-0${day}T00:00:00Z`);
    return project.read(`out/0${day}.csv`).trimEnd().split('\n').slice(1).toSorted();
  };
  await command(1, 'apply', '--auto-approve');
  expect(await run(1, 'a,1,-0.0,true', 'b,2,0,true', 'c,3,1e2,true', 'd,4,100,true')).toEqual(['1,-0.0,realized', '3,100.0,realized']);
  expect(await run(2, 'a,1,-0.0,false', 'b,2,0,true', 'c,3,1e2,false', 'd,4,100,false')).toEqual(['2,0.0,realized', '3,100.0,exited']);
}, 60_000);
