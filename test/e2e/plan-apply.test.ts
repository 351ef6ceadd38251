import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlanJson } from '../../src/model/plan.ts';
import { reconcile, type Ended, type ReconcileOptions } from '../support/reconcile.ts';
import { createShopProject, manySegments } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

const NOW = '2026-01-01T00:00:00Z';
let project: TempProject;
beforeEach(() => {
  project = createShopProject();
});
afterEach(() => project[Symbol.dispose]());

const run = (args: readonly string[], options?: ReconcileOptions): Promise<Ended> => reconcile(['-C', project.directory, '--now', NOW, ...args], options);
const apply = (...args: string[]): Promise<Ended> => run(['apply', '--auto-approve', '--no-input', ...args]);
const planJson = async (...args: string[]): Promise<PlanJson> => JSON.parse((await run(['plan', '--json', ...args])).stdout) as PlanJson;
const replace = (from: string, to: string): void => {
  const text = project.read('manifests/all.yaml');
  expect(text).toContain(from);
  project.write('manifests/all.yaml', text.replace(from, to));
};
/** Everything that a read-only command must leave alone: all but caches and the database's side files. */
const footprint = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(project.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('.reconcile/cache') && !/-(wal|shm)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(project.directory.length), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );

describe('plan and apply', () => {
  test('apply twice: the second plan is empty, --detailed-exitcode tells', async () => {
    expect(await run(['plan', '--detailed-exitcode'])).toMatchObject({ code: 2 });
    expect(await apply()).toMatchObject({ code: 0 });
    expect(await run(['plan', '--detailed-exitcode'])).toMatchObject({ code: 0, stdout: expect.stringContaining('No changes') as string });
  });

  test('plan changes nothing on disk', async () => {
    await apply();
    replace('income > 50', 'income > 55');
    const before = footprint();

    await run(['plan']);
    await run(['plan', '--json', '--no-impact']);
    await run(['plan', '--markdown', '--no-refresh']);

    expect(footprint()).toEqual(before);
  });

  test('--json tells what each changed segment uses, through the segments that it names too', async () => {
    replace('name: {column: name, type: string}', 'name: {column: name, type: string, labels: [I1]}');
    project.write(
      'manifests/more.yaml',
      `apiVersion: reconcile/v1
kind: Segment
metadata: {name: named-rich}
spec: {attributes: person, pql: 'inSegment("rich") and name.isNotNull() and not identityMap.Email.isNull()'}
`,
    );
    const { changes } = await planJson('--no-refresh');
    const uses = Object.fromEntries(changes.filter(({ kind }) => kind === 'Segment').map((change) => [change.name, change.uses]));

    expect(uses).toEqual({
      rich: { attributes: ['income'], events: [], segments: [], labels: [] },
      poor: { attributes: ['income'], events: [], segments: [], labels: [] },
      'named-rich': { attributes: ['identityMap.Email', 'income', 'name'], events: [], segments: ['rich'], labels: ['I1'] },
    });
    await apply();
    replace('income > 50', 'income > 55');
    expect((await planJson()).changes).toMatchObject([{ name: 'rich', uses: { attributes: ['income'] } }]);
  });

  test('says who comes and goes, what the next file is called, and what would be held', async () => {
    await apply();
    expect(await run(['run', 'letter', '--slot', '2026-01-01T02:00:00Z', '--now', '2026-01-01T02:00:00Z'])).toMatchObject({ code: 0 });
    replace("pql: 'income > 50'", 'pql: \'income > 50 and name.startsWith("Name 2")\'');
    replace('export: incremental', 'export: incremental\n  guards: {maxRemovedPercent: 10}');

    const { impact, summary, changes } = await planJson();

    expect(summary).toMatchObject({ create: 0, update: 2, delete: 0 });
    expect(changes[0]).toMatchObject({
      action: 'update',
      kind: 'Segment',
      name: 'rich',
      source: { file: 'manifests/all.yaml', line: 17 },
      patch: [{ op: 'replace', path: '/spec/pql' }],
    });
    const row = impact.find(({ segment }) => segment === 'rich');
    expect(row).toMatchObject({ activation: 'letter', added: 0, delivered: 180, files: ['outbox_rich_20260101_020000.csv'] });
    expect((row?.delivered ?? 0) - (row?.removed ?? 0)).toBe(row?.members);
    expect(row?.removed).toBeGreaterThan(18);
    expect(row?.nextSlots[0]).toBe('2026-01-01T02:00:00Z');
    expect(row?.held?.accept).toBe(
      `reconcile -C ${project.directory} run letter --segment rich --slot 2026-01-01T02:00:00Z --allow-removed=${row?.removed ?? 0}`,
    );
  });

  test('a saved plan is private, is applied exactly, and is stale afterwards', async () => {
    const file = join(project.directory, 'plan.bin');
    expect(await run(['plan', '--out', file])).toMatchObject({ code: 0, stdout: expect.stringContaining(`apply ${file}`) as string });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    replace('income > 50', 'income > 1');

    expect(await run(['apply', file])).toMatchObject({ code: 0 });
    expect((await planJson('--no-impact')).changes.map(({ name }) => name)).toEqual(['rich']);
    expect(await run(['apply', file])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/Source\/shop has been created[^]*plan again: {2}reconcile/) as string,
    });
    expect((await run(['apply', file, '--json'])).stdout).toMatch(/^\{"ok":false,"diagnostics":\[\{"code":"RC3010"/);
  });

  test('changed rows in a source never make a plan stale', async () => {
    // A file that is named stands beside the project, wherever the command was typed.
    await run(['plan', '--out', 'plan.bin']);
    expect(project.read('plan.bin')).toContain('reconcile-plan');
    project.write('data/people.csv', 'id,email,name,income\n1,a@b,A,99\n');

    expect(await run(['apply', 'plan.bin'])).toMatchObject({ code: 0 });
  });

  test.each<[string, (bytes: Buffer) => Buffer, number, RegExp]>([
    ['garbage', () => Buffer.from('hello'), 1, /RC3011 .* is not a plan file/],
    ['cut off', (bytes) => bytes.subarray(0, -9), 1, /RC3012 .* is cut off/],
    ['altered', (bytes) => Buffer.from(bytes.toString().replace('income > 50', 'income > 00')), 1, /RC3013 .* was altered/],
    ['of a later format', (bytes) => Buffer.from(bytes.toString().replace('reconcile-plan 1', 'reconcile-plan 9')), 4, /RC3014 .* another version/],
  ])('a plan file that is %s is told apart and applies nothing', async (_, damage, code, text) => {
    const file = join(project.directory, 'plan.bin');
    await run(['plan', '--no-refresh', '--no-impact', '--out', file]);
    writeFileSync(file, damage(readFileSync(file)));

    expect(await run(['apply', file])).toMatchObject({ code, stderr: expect.stringMatching(text) as string });
    expect((await planJson('--no-refresh', '--no-impact')).summary.create).toBe(6);
  });

  test('a missing column is reported at its manifest line, by plan and by apply, with 1', async () => {
    replace('name: {column: name, type: string}', 'name: {column: nmae, type: string}');

    const planned = await run(['plan']);

    expect(planned).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /error RC2002 {2}dataset `people` has no column `nmae`\n {2}--> manifests\/all.yaml:14:20[^]*did you mean `name`/,
      ) as string,
    });
    expect((await planJson()).diagnostics).toContainEqual(expect.objectContaining({ code: 'RC2002', line: 14, column: 20 }));
    expect(await apply()).toMatchObject({ code: 1 });
    expect(await run(['plan', '--no-refresh'])).toMatchObject({ code: 0 });
  });

  test('an unset secret is reported as not compared by plan, and fails the apply of its resource', async () => {
    project.write(
      'manifests/sftp.yaml',
      `apiVersion: reconcile/v1
kind: Destination
metadata: {name: remote}
spec: {type: sftp, storage: {type: sftp, host: h, username: u, password: {env: TEST_SFTP_PASSWORD}, hostKey: "SHA256:${'a'.repeat(43)}", path: /in}}
`,
    );

    const planned = await run(['plan', '--json']);
    const applied = await apply('--json');

    expect(planned.code).toBe(0);
    expect((JSON.parse(planned.stdout) as PlanJson).diagnostics).toContainEqual(
      expect.objectContaining({ code: 'RC3022', severity: 'warning', file: 'manifests/sftp.yaml', line: 4 }),
    );
    expect(applied.code).toBe(6);
    expect((JSON.parse(applied.stdout) as { results: object[] }).results).toContainEqual(
      expect.objectContaining({ kind: 'Destination', name: 'remote', status: 'failed' }),
    );
  });
});

describe('guards and consent', () => {
  test('mass deletion is held with the exact override; only the measured number passes', async () => {
    project.write('manifests/more.yaml', manySegments(40));
    await apply();
    project.write('manifests/more.yaml', '');

    const held = await apply();

    expect(held).toMatchObject({ code: 3, stderr: expect.stringContaining('apply --allow-deletes=40') as string });
    expect(await apply('--allow-deletes=39')).toMatchObject({ code: 3 });
    expect(await run(['plan', '--detailed-exitcode'])).toMatchObject({ code: 2, stdout: expect.stringContaining('To delete') as string });
    expect(await apply('--allow-deletes=40')).toMatchObject({ code: 0 });
  });

  test('without a terminal and without --auto-approve nothing is applied, and the flag is named', async () => {
    expect(await run(['apply'])).toMatchObject({ code: 64, stderr: expect.stringContaining('--auto-approve') as string });
    expect(await run(['plan', '--detailed-exitcode', '--no-impact'])).toMatchObject({ code: 2 });
  });

  test('a broken file or no manifest at all forbids everything with 8, and never deletes', async () => {
    await apply();
    const before = footprint();
    project.write('manifests/x.yaml', 'kind: Segment\n  broken: [');
    expect(await apply()).toMatchObject({ code: 8, stderr: expect.stringContaining('manifests/x.yaml:') as string });
    project.write('manifests/x.yaml', '');
    const text = project.read('manifests/all.yaml');
    project.write('manifests/all.yaml', '');
    expect(await apply()).toMatchObject({ code: 8 });

    project.write('manifests/all.yaml', text);
    const { 'manifests/x.yaml': _, ...after } = Object.fromEntries(Object.entries(footprint()).map(([path, digest]) => [path.slice(1), digest]));
    expect(after).toEqual(Object.fromEntries(Object.entries(before).map(([path, digest]) => [path.slice(1), digest])));
  });

  test('destroy removes everything that is applied, with consent; files that were delivered stay', async () => {
    await apply();
    await run(['run', 'letter', '--slot', '2026-01-01T02:00:00Z', '--now', '2026-01-01T02:00:00Z']);
    const delivered = readdirSync(join(project.directory, 'out'));
    expect(delivered.length).toBeGreaterThan(0);

    expect(await run(['destroy'])).toMatchObject({ code: 64 });
    expect(await run(['destroy', '--auto-approve'])).toMatchObject({ code: 0, stdout: expect.stringContaining('0 created, 0 updated, 6 deleted') as string });

    expect(readdirSync(join(project.directory, 'out'))).toEqual(delivered);
    expect((await planJson('--no-impact')).summary).toMatchObject({ create: 6, delete: 0 });
    const snapshots = readdirSync(join(project.directory, '.reconcile/snapshots'), { recursive: true, withFileTypes: true });
    expect(snapshots.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([]);
  });

  test('rollback applies again what was applied before', async () => {
    await apply();
    replace('income > 50', 'income > 60');
    await apply();

    expect(await run(['rollback', '--auto-approve'])).toMatchObject({ code: 0, stdout: expect.stringContaining('because    rollback to serial 1') as string });

    expect((await planJson('--no-impact')).changes).toMatchObject([{ name: 'rich', patch: [{ value: 'income > 60' }] }]);
    expect(await run(['rollback', '--to', '77', '--auto-approve'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('serial 77 is not kept') as string,
    });
  });
});

test('a segment that only a calculated field names is needed as one that is exported is', async () => {
  const field = `{expression: 'if (inSegment("vip"), "yes", "no")', target: vip}`;
  replace('    - {source: name, mandatory: true}', `    - {source: name, mandatory: true}\n    - ${field}`);
  expect(await run(['validate'])).toMatchObject({
    code: 8,
    stderr: expect.stringMatching(/^error RC1303 {2}unknown Segment `vip`\n {2}--> manifests\/all.yaml:41:35\n/) as string,
  });

  const other =
    'apiVersion: reconcile/v1\nkind: Attributes\nmetadata: {name: lead}\nspec: {source: shop, dataset: people, identities: {id: {column: id, primary: true}}}\n';
  const vip = `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: vip}\nspec: {attributes: person, pql: 'income > 55'}\n`;
  project.write('manifests/more.yaml', `${other}---\n${vip.replace('person', 'lead').replace('income > 55', 'identityMap.id.isNull()')}`);
  expect((await run(['validate'])).stderr).toContain(
    'error RC1308  the Segment `vip` is over other Attributes: `lead`, not `person`\n  --> manifests/all.yaml:41:35\n',
  );

  project.write('manifests/more.yaml', vip);
  expect((await planJson('--no-impact', '--select', 'Activation/letter')).changes.map(({ kind, name }) => `${kind}/${name}`)).toContain('Segment/vip');
  await apply('--select', 'Activation/letter');
  expect(await run(['run', 'letter'])).toMatchObject({ code: 0 });
});

test('two applies at once end in one state', async () => {
  project.write('manifests/more.yaml', manySegments(300));

  const codes = (await Promise.all([apply(), apply()])).map(({ code }) => code).sort();

  expect([
    [0, 0],
    [0, 4],
    [0, 5],
  ]).toContainEqual(codes);
  expect(await run(['plan', '--detailed-exitcode', '--no-impact'])).toMatchObject({ code: 0 });
});
