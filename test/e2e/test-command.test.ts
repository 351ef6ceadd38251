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
  expect([unwritable.code, unwritable.stderr]).toEqual([1, expect.stringContaining('cannot write')]);
});
