import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OUTBOX } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';

const ORDERS =
  '{type: array, items: {type: object, fields: {sku: string, price: "decimal(9,2)", paid: boolean, lines: {type: array, items: {type: object, fields: {at: timestamp, tags: {type: map, values: integer}}}}}}}';
const FIELD = (column: string): string => `{column: ${column}, ${ORDERS.slice(1)}`;

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}, visits: {path: visits.ndjson}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  badValues: \${var.badValues}
  identities: {crmId: {column: id, primary: true}}
  fields:
    name: {column: name, type: string}
    orders: ${FIELD('orders')}
  events:
    dataset: visits
    profile: id
    timestamp: ts
    eventType: {value: visit}
    fields:
      basket: ${FIELD('basket')}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: buyers}
spec: {attributes: person, pql: 'orders.sum(price) >= 10'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: visitors}
spec: {attributes: person, pql: 'xEvent[basket[paid]]'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: named}
spec: {attributes: person, pql: 'name.isNotNull()'}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: mail}
spec:
  destination: outbox
  segments: [buyers]
  mapping: [{source: identityMap.crmId, target: id}, {source: name}]
  export: full
  file: {name: "%SEGMENT_ID%_%DATETIME(YYYYMMdd)%"}
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
`;

/** Two rows whose orders are fine, and three of which something inside does not fit. */
const ROWS = [
  '[{"sku": "PS", "price": 20.5, "paid": true, "lines": [{"at": "2024-01-01T10:00:00+02:00", "tags": {"a": 1, "b": null}}], "more": {"x": []}}, null]',
  '',
  '[{"price": 5}, {"price": 12, "lines": [{"at": "2024-01-01"}, {"tags": {"a": 1, "b c": 1.5}}]}]',
  '{"price": 50}',
  '[{"price": 50}',
];
const BASKETS = ['[{"paid": true}]', '[{"paid": "perhaps"}]'];

let project: TempProject;
beforeAll(() => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: nested}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'environments/strict.yaml': 'badValues: fail\n',
    'environments/mild.yaml': 'badValues: exclude\n',
    'people.csv': `id,name,orders\n${ROWS.map((text, index) => `${index},p${index},${text === '' ? '' : `"${text.replaceAll('"', '""')}"`}\n`).join('')}`,
    'visits.ndjson': BASKETS.map((text, index) => `{"id": ${index}, "ts": "2024-01-01T00:00:00Z", "basket": ${text}}\n`).join(''),
  });
});
afterAll(() => project[Symbol.dispose]());

function ask(env: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--env', env, '--now', '2026-06-01T00:00:00Z', ...args]);
}

const TOLD = '`orders[1].lines[1].tags["b c"]` in column `orders` of dataset `people` is declared integer, but row 3 holds 1.5; 2 more such values';

describe('a value inside that is not of its type', () => {
  test('fails what reads it as a column of its own would, with the way to it, its row and how many there are', async () => {
    const preview = await ask('strict', 'preview', 'buyers');
    expect(preview.code).toBe(1);
    expect(preview.stderr).toContain(`error RC4003  ${TOLD}`);
    expect(preview.stderr).toContain('correct the value or the type of `orders` in Attributes; `badValues: exclude` leaves such rows out and counts them');
    const again = await ask('strict', 'preview', 'buyers', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ diagnostics: [{ code: 'RC4003', message: TOLD }] });

    const plan = await ask('strict', 'plan');
    expect(plan.code).toBe(0);
    expect(plan.stderr).toContain(`warning RC4003  the people of Activation/mail cannot be counted: ${TOLD}`);
  });

  test('of events is told as one of events', async () => {
    const { code, stderr } = await ask('strict', 'preview', 'visitors');
    expect(code).toBe(1);
    expect(stderr).toContain('`basket[0].paid` in column `basket` of dataset `visits` is declared boolean, but row 2 holds "perhaps"\n');
  });

  test('matters only to who reads the column', async () => {
    expect(await ask('strict', 'preview', 'named')).toMatchObject({ code: 0, stdout: expect.stringContaining('5 members') });
  });

  test('keeps a run from being a success, and nothing is written', async () => {
    rmSync(`${project.directory}/.reconcile`, { recursive: true, force: true });
    expect(await ask('strict', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const { code, stdout } = await ask('strict', 'run', 'mail', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [
        { status: 'failed', counts: { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} }, files: [], error: { code: 'RC4003', message: TOLD } },
      ],
    });
    expect(await ask('strict', 'evaluate', 'buyers')).toMatchObject({ code: 1, stderr: expect.stringContaining(TOLD) });
  });

  test('leaves its row out and is counted, where the Attributes say so; `explain` knows', async () => {
    rmSync(`${project.directory}/.reconcile`, { recursive: true, force: true });
    expect(await ask('mild', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const { code, stdout } = await ask('mild', 'run', 'mail', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [{ status: 'success', counts: { received: 4, activated: 1, excluded: 3, failed: 0, reasons: { 'bad-value': 3 } } }],
    });
    expect(project.read('out/buyers_20260601.csv')).toBe('id,name\n0,p0\n');
    const left = await ask('mild', 'explain', 'mail', '--member', '2');
    expect(left.stdout).toContain('excluded from the file: `orders` is not of the declared type');
    const kept = await ask('mild', 'explain', 'mail', '--member', '0');
    expect(kept.stdout).toMatch(/true +orders\.sum\(price\) >= 10 +20\.5 /);
  });
});

test('a value that is no array, and text that is no JSON, are told as the whole they are', async () => {
  const kind = '"{""price"": 50}"';
  using wrong = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: nested}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'people.csv': `id,name,orders\n1,a,"[{""price"": 50}"\n2,b,${kind}\n`,
    'visits.ndjson': '{"id": 1, "ts": "2024-01-01T00:00:00Z", "basket": []}\n',
  });
  const args = ['-C', wrong.directory, '--var', 'badValues=fail', 'preview', 'buyers'];
  const text = await reconcile(args);
  expect(text.stderr).toContain(
    'column `orders` of dataset `people` is declared array, but row 1 holds "[{\\"price\\": 50}", which is not JSON; 1 more such value\n',
  );
  wrong.write('people.csv', `id,name,orders\n1,a,\n2,b,${kind}\n`);
  const other = await reconcile(args);
  expect(other.stderr).toContain('column `orders` of dataset `people` is declared array, but row 2 holds {"price": 50}\n');
});

test('a zone inside a nested time counts, and `explain` reads what the engine reads', async () => {
  using zoned = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: nested}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS.replace('orders.sum(price) >= 10', 'orders[paid and lines[at < date(2024, 1, 2)]]'),
    // Midnight in Berlin is still the day before; a number and a word are booleans as well.
    'people.csv': `id,name,orders\n1,a,"[{""paid"": ""yes"", ""lines"": [{""at"": ""2024-01-02T00:30:00+01:00""}]}]"\n2,b,"[{""paid"": 1, ""lines"": [{""at"": ""2024-01-02T00:30:00""}]}]"\n`,
    'visits.ndjson': '{"id": 1, "ts": "2024-01-01T00:00:00Z", "basket": []}\n',
  });
  const args = ['-C', zoned.directory, '--var', 'badValues=fail'];
  expect(await reconcile([...args, 'preview', 'buyers', '--json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"members":1') });
  expect(await reconcile([...args, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  expect((await reconcile([...args, 'explain', 'mail', '--member', '1'])).stdout).toMatch(/^in buyers/m);
  expect((await reconcile([...args, 'explain', 'mail', '--member', '2'])).stdout).toMatch(/^not in buyers/m);
});
