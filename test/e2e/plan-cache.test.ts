import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject, manySegments } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

/** Enough to be worth a cache. */
const many = (): string => `${manySegments(300)}${'# what it is for\n'.repeat(4000)}`;

let project: TempProject;
let cache: string;
beforeEach(async () => {
  project = createShopProject();
  cache = join(project.directory, '.reconcile', 'cache', 'outcome');
  project.write('manifests/more.yaml', many());
  project.write(
    'manifests/remote.yaml',
    `apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: remote}\nspec: {type: sftp, storage: {type: sftp, host: h, username: u, password: {env: TEST_SFTP_PASSWORD}, hostKey: "SHA256:${'a'.repeat(43)}", path: /in}}\n`,
  );
  project.write('environments/prod.yaml', 'limit: 50\n');
  expect(await run(['apply', '--auto-approve', '--no-input'])).toMatchObject({ code: 0 });
});
afterEach(() => project[Symbol.dispose]());

const run = (args: readonly string[], env: Readonly<Record<string, string>> = { TEST_SFTP_PASSWORD: 'one' }): Promise<Ended> =>
  reconcile(['-C', project.directory, '--now', '2026-01-01T00:00:00Z', ...args], { env });
const plan = (...args: string[]): Promise<Ended> => run(['plan', '--json', '--detailed-exitcode', ...args]);
const digestOf = ({ stdout }: Ended): string => (JSON.parse(stdout) as { digest: string }).digest;

test('what is remembered gives the very plan that reading everything gives', async () => {
  const remembered = await plan();
  expect(existsSync(cache)).toBe(true);
  rmSync(join(project.directory, '.reconcile', 'cache'), { recursive: true });
  const read = await plan();

  expect(remembered.code).toBe(0);
  expect(JSON.parse(remembered.stdout)).toEqual(JSON.parse(read.stdout));
});

test.each<[string, () => void, number]>([
  ['a changed manifest', () => project.write('manifests/more.yaml', many().replace('income > 7', 'income > 8')), 2],
  ['a new manifest', () => project.write('manifests/new.yaml', manySegments(1).replace('s0', 'new')), 2],
  ['a removed manifest', () => rmSync(join(project.directory, 'manifests/more.yaml')), 2],
  ['a broken manifest', () => project.write('manifests/more.yaml', 'kind: ['), 8],
  ['a broken card of the project', () => project.write('destinations/mine/destination.yaml', 'type: ['), 8],
  ['a missing column', () => project.write('data/people.csv', 'id,email,income\n1,a@b,2\n'), 1],
  [
    'other guards',
    () => project.write('reconcile.yaml', 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {guards: {maxDeletes: 0}}\n'),
    0,
  ],
  ['a garbled cache', () => writeFileSync(cache, '{"version":'), 0],
])('%s is seen', async (_, change, code) => {
  expect((await plan()).code).toBe(0);
  change();

  expect((await plan()).code).toBe(code);
});

const all = (change: (text: string) => string): void => project.write('manifests/all.yaml', change(project.read('manifests/all.yaml')));

test.each<[string, () => void, number]>([
  ['one segment', () => all((text) => text.replace("'income > 50'", "'income > 51'")), 0],
  ['a renamed segment that an activation names', () => all((text) => text.replace('metadata: {name: rich}', 'metadata: {name: richer}')), 8],
  [
    'a field that hundreds of segments use',
    () => all((text) => text.replace('income: {column: income, type: integer}', 'income: {column: income, type: string}')),
    8,
  ],
  ['another column behind that field', () => all((text) => text.replace('income: {column: income,', 'income: {column: id,')), 0],
  ['a second segment of one name', () => project.write('manifests/again.yaml', manySegments(1)), 8],
  ['an edit that changes nothing', () => all((text) => `# said again\n${text}`), 0],
])('%s: the plan beside a cache is the plan without one', async (_, change, code) => {
  expect((await plan()).code).toBe(0);
  expect(existsSync(cache)).toBe(true);
  change();
  const [first, second] = [await run(['plan', '--json', '--no-impact']), await run(['plan', '--json', '--no-impact'])];
  rmSync(join(project.directory, '.reconcile', 'cache'), { recursive: true });
  const read = await run(['plan', '--json', '--no-impact']);

  expect([first.code, second.code, read.code]).toEqual([code, code, code]);
  expect(first.stdout).toBe(read.stdout);
  expect(second.stdout).toBe(read.stdout);
});

test('a change of the state, of a secret or of the environment is seen', async () => {
  const before = await plan();
  expect(before.code).toBe(0);

  expect((await run(['plan', '--detailed-exitcode'], { TEST_SFTP_PASSWORD: 'two' })).code).toBe(2);
  expect((await plan('--env', 'prod')).code).toBe(64);
  expect(digestOf(await plan('--var', 'x=1'))).not.toBe(digestOf(before));
  await run(['destroy', '--auto-approve', '--allow-deletes=307']);
  expect((await plan()).code).toBe(2);
});
