import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

const PROJECT = 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: nested}\nspec: {}\n';

function manifest(format: string): string {
  return `apiVersion: reconcile/v1
kind: Source
metadata: {name: ${format}}
spec: {engine: duckdb, datasets: {people: {path: people.${format}}, events: {path: events.${format}}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: ${format}}
spec:
  source: ${format}
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields:
    colors: {column: colors, type: array, items: string}
    address:
      column: address
      type: object
      fields: {city: string, geo: {type: object, fields: {lat: double, tags: {type: array, items: string}}}}
    counts: {column: counts, type: map, values: integer}
    extra: {column: extra, type: object, fields: {tier: string, points: integer, since: date, visits: {type: array, items: integer}}}
    labels: {column: labels, type: array, items: string}
    orders:
      column: orders
      type: array
      items: {type: object, fields: {price: "decimal(9,2)", sku: string, lines: {type: array, items: {type: object, fields: {n: integer}}}}}
  events:
    dataset: events
    profile: id
    timestamp: ts
    eventType: {column: kind}
    fields:
      items: {column: items, type: array, items: {type: object, fields: {SKU: string, n: integer}}}
      web: {column: web, type: object, fields: {ref: {type: object, fields: {site: string}}}}
`;
}

/** Three people: of the first much is known, the second has empty lists and other keys, of the third nothing is known. */
const PEOPLE = `select * from (values
  (1, ['red', 'blue'], {city: 'Oslo', geo: {lat: 59.9, tags: ['a', 'b']}}, map {'x': 1, 'y': 2}, '{"tier": "gold", "points": 10, "since": "2020-02-29", "visits": [1, 2, 3]}'::json,
   '["red", null, "é"]'::json, [{price: 20.5::decimal(9, 2), sku: 'PS', lines: [{n: 1}, {n: 2}]}, {price: 5::decimal(9, 2), sku: 'AI', lines: []}]),
  (2, []::varchar[], {city: null, geo: {lat: null, tags: []::varchar[]}}, map {'y': 7}, '{"tier": "silver"}'::json, '[]'::json, []),
  (3, null, null, null, null, null, null)
) t(id, colors, address, counts, extra, labels, orders)`;
const EVENTS = `select * from (values
  (1, timestamp '2024-01-01 10:00', 'view', [{SKU: 'PS', n: 1}], {ref: {site: 'a'}}), (1, timestamp '2024-01-02 10:00', 'buy', [{SKU: 'AI', n: 3}], {ref: {site: 'b'}}),
  (2, timestamp '2024-01-03 10:00', 'view', null, null)) t(id, ts, kind, items, web)`;
const AS_TEXT = {
  people: 'select id, to_json(colors) as colors, to_json(address) as address, to_json(counts) as counts, extra, labels, to_json(orders) as orders',
  events: 'select id, ts, kind, to_json(items) as items, to_json(web) as web',
};

/** Conditions and how many of the three are members, whatever the columns are: lists, structs and maps (Parquet), JSON, or JSON in text (CSV). */
const CONDITIONS: readonly (readonly [string, number])[] = [
  ['colors.includes("red")', 1],
  ['colors = ["red", "blue"]', 1],
  ['colors.isNotNull() and colors.count() = 0', 1],
  ['address.city = "Oslo" and address.geo.lat > 59', 1],
  ['address.geo.tags.includes("b") and (exists T from address.geo.tags where T = "a")', 1],
  ['address.isNull()', 1],
  ['address.city.isNull()', 2],
  ['counts.get("x") = 1', 1],
  ['counts.get("y") > 1', 2],
  ['counts.keys().includes("x")', 1],
  ['counts.keys().count() = 1 and counts.values().sum() = 7', 1],
  ['extra.tier = "gold" and extra.points + 1 = 11', 1],
  ['extra.since = date(2020, 2, 29) and extra.since.getMonth() = 2', 1],
  ['extra.visits.sum() = 6 and extra.visits.head() = 1', 1],
  ['extra.points.isNull() and extra.tier.isNotNull()', 1],
  ['labels.includes("é") and labels.count() = 3 and labels.distinct().count() = 2', 1],
  ['labels.count() = 0', 2],
  ['orders[price > 10].count() = 1 and orders.sum(price) = 25.5', 1],
  ['orders[lines[n = 2 and ^.sku = "PS"]]', 1],
  ['exists O from orders where O.sku = "PS", L from O.lines where L.n = 1', 1],
  ['orders.topN(price, 1).head().sku = "PS" and orders.sku.intersects(["AI"])', 1],
  ['xEvent[items[SKU = "PS"]]', 1],
  ['exists E from xEvent where E.web.ref.site = "b", I from E.items where I.n > 2', 1],
  ['chain(xEvent, timestamp, [A: WHAT(items[SKU = "PS"]), B: WHAT(web.ref.site = "b")])', 1],
  ['xEvent.topN(timestamp, 1).head().web.ref.site = "b"', 1],
  ['xEvent.topN(timestamp, 1).head().items.head().SKU = "AI"', 1],
];

test('lists, structs, maps and JSON are the same to a segment, in Parquet, JSON and CSV', async () => {
  const formats = ['parquet', 'ndjson', 'csv'];
  using project = createTempProject({ 'reconcile.yaml': PROJECT });
  for (const format of formats) {
    const segments = CONDITIONS.map(
      ([pql], index) => `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: ${format}-${index}}\nspec:\n  attributes: ${format}\n  pql: |\n    ${pql}\n`,
    );
    project.write(`manifests/${format}.yaml`, [manifest(format), ...segments].join('---\n'));
  }
  const database = await (await DuckDBInstance.create()).connect();
  for (const [name, rows] of Object.entries({ people: PEOPLE, events: EVENTS })) {
    await database.run(`copy (${rows}) to '${project.directory}/${name}.parquet'`);
    await database.run(`copy (${rows}) to '${project.directory}/${name}.ndjson' (format json)`);
    await database.run(`copy (${AS_TEXT[name as keyof typeof AS_TEXT]} from (${rows})) to '${project.directory}/${name}.csv'`);
  }
  database.closeSync();

  expect(await reconcile(['-C', project.directory, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await reconcile(['-C', project.directory, '--now', '2024-06-01T00:00:00Z', 'evaluate', '--json']);

  expect(code, stderr).toBe(0);
  const found = (JSON.parse(stdout) as { readonly segments: readonly { readonly segment: string; readonly members: number }[] }).segments;
  const members = Object.fromEntries(found.map(({ segment, members: count }) => [segment, count]));
  for (const format of formats)
    expect(
      CONDITIONS.map(([pql], index) => [pql, members[`${format}-${index}`]]),
      format,
    ).toEqual(CONDITIONS);
});
