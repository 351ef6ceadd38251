import { DuckDBInstance } from '@duckdb/node-api';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

/** What different writers, or one writer on different days, make of the same columns: pandas writes whole numbers as doubles where one is missing. */
const FILES = [
  `select * from (values (1::bigint, 2::smallint, 9007199254740993::bigint, date '2024-01-01', 1.5::decimal(4, 1), 0.1::float, [0.1::float]), (2, 3, 1, date '2024-01-02', 2.5, 16777216, null))
    t(id, days, total, since, price, rate, rates), (values (1, [9007199254740993, 1], {'A': 9007199254740993, 'b': [{'x': 1::bigint, 'y': 'q'}]}, map {'k': 9007199254740993}, '["caf\\u00e9"]'), (2, [], null, null, null)) u(nr, totals, o, m, words) where nr = id`,
  `select * from (values (3::double, 1.5::double, 2::double, timestamp '2024-01-01 12:00', 1.55::decimal(4, 2), 0.1::double, [0.2::double]), (4, null, null, timestamp '2024-01-02 12:00', 2.45, 1e300, []))
    t(ID, Days, total, since, price, rate, rates), (values (3, [1.0::double, null], {'b': [{'x': 9007199254740992::double, 'z': 1}], 'a': 2::double}, map {'k': 0.5::double}, ['"', 'café']), (4, [9007199254740992], {'b': null, 'a': null}, map {}, [])) u(nr, totals, o, m, words) where nr = id`,
  "select 5 as id, 5 as nr, '+7' as note",
];

/** Conditions and the ids of their members. */
const CONDITIONS = [
  ['days = 1.5', '3'],
  ['days > 1.6', '1 2'],
  ['days < 2.4', '1 3'],
  ['days in [2, 1.5]', '1 3'],
  ['total = 9007199254740993', '1'],
  ['total = 9007199254740992', ''],
  ['total <= 2', '2 3'],
  ['since < date(2024, 1, 2)', '1 3'],
  ['since occurs on date(2024, 1, 1)', '1 3'],
  ['since occurs before date(2024, 1, 2)', '1 3'],
  ['since occurs <= 12 hours before date(2024, 1, 2)', '2 3'],
  ['price > 1.46 and price < 2.46', '1 3 4'],
  ['price = 1.52', ''],
  ['rate = 0.1', '1 3'],
  ['rate > 1e200', '4'],
  ['rates.includes(0.1) or rates.includes(0.2)', '1 3'],
  ['totals.includes(9007199254740993)', '1'],
  ['totals.includes(9007199254740992)', '4'],
  ['totals = [1, null]', '3'],
  ['totals.includes(1) and totals.count() = 2', '1 3'],
  ['o.a = 9007199254740993', '1'],
  ['o.a = 2 and o.b.filter(x = 9007199254740992).count() = 1', '3'],
  ['m.get("k") = 9007199254740993 or m.get("k") = 0.5', '1 3'],
  ['words.includes("café")', '1 3'],
  ['words.includes("\\"")', '3'],
  ['total.isNull()', '4 5'],
  ['note = "+7"', '5'],
  ['identityMap.get("crmId") in ["1", "3", "5"]', '1 3 5'],
  ['xEvent.count() = 1', '1 3'],
] as const;

const project = createTempProject({
  'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
  'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: s}
spec: {engine: duckdb, datasets: {people: {path: "people/*.parquet"}, events: {path: "events/*.parquet"}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: s
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields:
    nr: {column: nr, type: string}
    days: {column: days, type: double}
    total: {column: total, type: integer}
    since: {column: since, type: timestamp}
    price: {column: price, type: decimal}
    rate: {column: rate, type: double}
    rates: {column: rates, type: array, items: double}
    totals: {column: totals, type: array, items: integer}
    o: {column: o, type: object, fields: {a: integer, b: {type: array, items: {type: object, fields: {x: integer, y: string}}}}}
    m: {column: m, type: map, values: decimal}
    words: {column: words, type: array, items: string}
    note: {column: note, type: string}
  events: {dataset: events, profile: person, timestamp: at, eventType: {value: visit}, fields: {}}
`,
});

beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const folder of ['people', 'events']) mkdirSync(join(project.directory, folder));
  for (const [index, query] of FILES.entries()) await connection.run(`copy (${query}) to '${project.directory}/people/${index}.parquet'`);
  await connection.run(`copy (select 1 as person, timestamp '2024-01-01' as at) to '${project.directory}/events/0.parquet'`);
  await connection.run(`copy (select 3::double as person, date '2024-01-01' as at) to '${project.directory}/events/1.parquet'`);
  connection.closeSync();
});

afterAll(() => project[Symbol.dispose]());

test.for(CONDITIONS)('files that hold a column in types of their own: %s', async ([pql, members]) => {
  const { stdout, stderr } = await reconcile(['-C', project.directory, 'preview', '--attributes', 'person', '--json', '--pql', `nr.isNotNull() and (${pql})`]);
  expect(stderr).toBe('');
  const { sample } = JSON.parse(stdout) as { readonly sample: readonly { readonly nr: string }[] };
  const found = sample.map(({ nr }) => nr).sort();
  expect(found.join(' ')).toBe(members);
});
