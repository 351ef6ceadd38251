import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reconcile, ROOT } from '../support/reconcile.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reconcile-test-'));
  await cp(join(ROOT, 'examples/quickstart/manifests'), join(directory, 'manifests'), { recursive: true });
  await cp(join(ROOT, 'examples/quickstart/reconcile.yaml'), join(directory, 'reconcile.yaml'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Adds a segment with one test to the project. */
async function addSegment(pql: string, test: string): Promise<void> {
  const text = `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: tried}\nspec:\n  attributes: customer\n  pql: '${pql}'\n  tests:\n    - ${test}\n`;
  await writeFile(join(directory, 'manifests/tried.yaml'), text);
}

test('the example’s tests pass without any data', async () => {
  const { code, stdout } = await reconcile(['-C', directory, 'test']);
  expect(stdout).toMatch(/(\d+) of \1 tests passed/);
  expect(code).toBe(0);
});

test('a failing test says which part decided, at its place, and in JUnit for CI', async () => {
  await addSegment(
    'homeAddress.countryCode = "DE" and loyalty.points > 10',
    '{name: "few <points>", profile: {homeAddress.countryCode: DE, loyalty.points: 3}, member: true}',
  );
  const { code, stdout, stderr } = await reconcile(['-C', directory, 'test', 'tried', '--junit', 'junit.xml']);
  expect(code).toBe(1);
  expect(stdout).toContain('FAILED  few <points>');
  expect(stdout).toContain('0 of 1 test passed');
  expect(stderr).toContain('manifests/tried.yaml:8:');
  expect(stderr).toContain('`loyalty.points > 10` is false');
  expect(stderr).toContain('loyalty.points: 3');
  expect(stderr).not.toContain('countryCode = "DE"` is');
  const junit = await readFile(join(directory, 'junit.xml'), 'utf8');
  expect(junit).toContain('<testsuite name="tried" tests="1" failures="1" errors="0">');
  expect(junit).toContain('name="few &lt;points&gt;"');
});

test('an event of a source with one type of events has that type', async () => {
  await addSegment('xEvent[eventType = "purchase"].count() = 1', '{name: one, events: [{timestamp: 2026-11-20T10:00:00Z}], member: true}');
  const { code, stdout, stderr } = await reconcile(['-C', directory, 'test', 'tried']);
  expect(code, stderr + stdout).toBe(0);
});

test('a test’s name cannot act on the terminal', async () => {
  await addSegment('loyalty.points > 10', '{name: "e\\e[2Jf\\u202E\\u009Bg", profile: {loyalty.points: 3}, member: true}');
  const { stdout, stderr } = await reconcile(['-C', directory, 'test', 'tried']);
  expect(stdout).toContain('FAILED  e\ufffd[2Jf\ufffd\ufffdg\n');
  expect(stderr).toContain('`e\ufffd[2Jf\ufffd\ufffdg` expected a member');
});

test('as JSON, one document that says what failed and where', async () => {
  await addSegment('loyalty.points > 10', '{name: few, profile: {loyalty.points: 3}, member: true}');
  const { code, stdout } = await reconcile(['-C', directory, 'test', 'tried', '--json']);
  const result = JSON.parse(stdout) as { ok: boolean; summary: unknown; tests: readonly object[]; diagnostics: readonly { code: string }[] };
  expect(code).toBe(1);
  expect(result).toMatchObject({
    ok: false,
    summary: { tests: 1, passed: 0, failed: 1 },
    tests: [{ segment: 'tried', status: 'failed', wanted: true, found: false, file: 'manifests/tried.yaml' }],
  });
  expect(result.diagnostics[0]?.code).toBe('RC1220');
});

test('a fixture with a typo is an invalid manifest, an unknown segment bad usage, a report that cannot be written a failure', async () => {
  await addSegment('loyalty.points > 10', '{name: few, profile: {loyalty.point: 3}, member: true}');
  const typo = await reconcile(['-C', directory, 'test']);
  expect([typo.code, typo.stderr]).toEqual([8, expect.stringContaining('did you mean `loyalty.points`?')]);
  await addSegment('loyalty.points > 10', '{name: few, profile: {loyalty.points: 3}, member: false}');
  const unknown = await reconcile(['-C', directory, 'test', 'tryed']);
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('did you mean `tried`?')]);
  const unwritable = await reconcile(['-C', directory, 'test', '--junit', 'no/such/folder/junit.xml']);
  expect([unwritable.code, unwritable.stderr]).toEqual([1, expect.stringContaining('cannot be written: there is no such file or folder')]);
});

test('a value inside a fixture that does not fit its declared type is told at its own place, each of them', async () => {
  await writeFile(
    join(directory, 'manifests/nested.yaml'),
    `apiVersion: reconcile/v1
kind: Attributes
metadata: {name: nested}
spec:
  source: shop
  dataset: customers
  identities: {crmId: {column: customer_id, primary: true}}
  fields:
    orders:
      column: orders
      type: array
      items: {type: object, fields: {sku: string, price: "decimal(6,2)", big: decimal, n: integer, on: date, rates: {type: map, values: double}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: tried}
spec:
  attributes: nested
  pql: orders.sum(price) > 10
  tests:
    - name: fine
      profile: {orders: [{sku: A, price: 12.5, big: "1234567890123456789012345678", n: "-9223372036854775808", on: 2024-02-29, rates: {a: 1e3}}, {}, null]}
      member: true
    - name: not fine
      profile:
        orders:
          - {price: 1.555}
          - {price: cheap, n: 1.5}
          - {n: "9223372036854775808", on: 2023-02-29}
          - {rates: {a: much}, big: "12345678901234567890123456789"}
          - {rates: [1]}
          - 5
          - {prise: 1}
      member: true
`,
  );
  const { code, stdout, stderr } = await reconcile(['-C', directory, 'test', 'tried', '--json']);
  expect(code, stderr).toBe(8);
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly file: string; readonly line: number; readonly column: number; readonly message: string }[];
  };
  expect(diagnostics.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`)).toEqual([
    'manifests/nested.yaml:27:21 expected a decimal(6,2), found `1.555`',
    'manifests/nested.yaml:28:21 expected a decimal(6,2), found `"cheap"`',
    'manifests/nested.yaml:28:31 expected an integer, found `1.5`',
    'manifests/nested.yaml:29:17 expected an integer, found `"9223372036854775808"`',
    'manifests/nested.yaml:29:44 expected a date, found `"2023-02-29"`',
    'manifests/nested.yaml:30:25 expected a double, found `"much"`',
    'manifests/nested.yaml:30:37 expected a decimal, found `"12345678901234567890123456789"`',
    'manifests/nested.yaml:31:21 expected a map of double, found `[1]`',
    'manifests/nested.yaml:32:13 expected an object, found `5`',
    'manifests/nested.yaml:33:14 unknown member `prise`',
  ]);
});
