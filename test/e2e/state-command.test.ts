import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentOwner } from '../../src/state/owner.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import { sha256 } from '../../src/support/digest.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

let project: TempProject;
const state = (...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, 'state', ...args]);

beforeAll(async () => {
  project = createTempProject();
  expect(await reconcile(['init', project.directory])).toMatchObject({ code: 0 });
});
afterAll(() => project[Symbol.dispose]());

test('before anything is applied: says so, makes nothing', async () => {
  expect(await state('list')).toMatchObject({ code: 0, stdout: 'Nothing is applied.\n' });
  expect(JSON.parse((await state('list', '--json')).stdout)).toEqual({ lineage: null, serial: 0, environment: null, resources: [] });
  expect(await state('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('no state yet') });
  expect(await state('unlock')).toMatchObject({ code: 0, stdout: 'Nobody holds the lock.\n' });
  expect(await state('export')).toMatchObject({ code: 1, stderr: expect.stringContaining('RC3026') });
  expect(existsSync(join(project.directory, '.reconcile'))).toBe(false);
});

test('lists, shows and exports what is applied, in the same order for everybody', async () => {
  expect(await reconcile(['-C', project.directory, 'apply', '--auto-approve', '--no-input'])).toMatchObject({ code: 0 });
  const database = join(project.directory, '.reconcile', 'state.db');
  const before = sha256(readFileSync(database));

  const listed = JSON.parse((await state('list', '--json')).stdout) as { serial: number; resources: { kind: string; name: string; version: number }[] };
  expect(listed.serial).toBe(1);
  expect(listed.resources.map(({ kind, version }) => `${kind} ${version}`)).toEqual([
    'Source 1',
    'Attributes 1',
    'Segment 1',
    'Segment 1',
    'Destination 1',
    'Activation 1',
  ]);
  expect((await state('list', 'segment')).stdout.split('\n').filter((line) => line.startsWith('Segment'))).toHaveLength(2);

  const shown = await state('show', 'Segment/wealthy-owners');
  expect(shown.stdout).toMatch(/^# version 1, applied 20\d\d-.* from manifests\/segments\.yaml:\d+/);
  expect(parse(shown.stdout)).toMatchObject({
    apiVersion: 'reconcile/v1',
    kind: 'Segment',
    metadata: { name: 'wealthy-owners' },
    spec: { attributes: 'customer' },
  });
  expect(await state('show', 'Segment/wealthy-ownrs')).toMatchObject({ code: 64, stderr: expect.stringContaining('did you mean `Segment/wealthy-owners`?') });
  expect(await state('show')).toMatchObject({ code: 64 });
  expect(await state('history')).toMatchObject({ code: 0, stdout: expect.stringContaining('6 created') });
  expect(await state('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('whole: 6 resources') });

  const first = await state('export');
  expect(first.stdout).toBe((await state('export')).stdout);
  for (const text of [project.directory, currentOwner().host + '"', 'fingerprint']) expect(first.stdout).not.toContain(text);
  expect(sha256(readFileSync(database))).toBe(before);
  expect(readFileSync(database, 'latin1')).not.toContain(project.directory);
});

test('an export imported elsewhere gives the same plan; a changed one is refused', async () => {
  expect(await state('export', '--out', 'state.json')).toMatchObject({ code: 0 });
  const elsewhere = ['--state', 'sqlite:ci/state.db'];
  const imported = await reconcile(['-C', project.directory, ...elsewhere, 'state', 'import', 'state.json']);
  expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining('Imported 6 resources, serial 1') });
  expect(await reconcile(['-C', project.directory, ...elsewhere, 'plan', '--detailed-exitcode'])).toMatchObject({ code: 0 });
  expect(await reconcile(['-C', project.directory, ...elsewhere, 'state', 'import', 'state.json'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('RC3007'),
  });

  // A plan made there holds here: lineage, serial and versions are the same.
  const segments = project.read('manifests/segments.yaml');
  project.write('manifests/segments.yaml', segments.replace(/income >= \d+/, 'income >= 1'));
  const planFile = join(project.directory, 'plan.bin');
  expect(await reconcile(['-C', project.directory, ...elsewhere, 'plan', '--out', planFile])).toMatchObject({ code: 0 });
  expect(await reconcile(['-C', project.directory, 'apply', planFile, '--auto-approve', '--no-input'])).toMatchObject({ code: 0 });
  expect((await state('list', 'Segment')).stdout).toMatch(/wealthy-owners +2 /);

  const text = project.read('state.json');
  writeFileSync(join(project.directory, 'changed.json'), text.replace('customer', 'costumer'));
  writeFileSync(join(project.directory, 'short.json'), text.slice(0, -100));
  for (const file of ['changed.json', 'short.json', 'absent.json', 'reconcile.yaml']) {
    const refused = await reconcile(['-C', project.directory, '--state', 'sqlite:ci2/state.db', 'state', 'import', file]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`RC300[89]|RC3027.*${file}`)) });
    expect(existsSync(join(project.directory, 'ci2'))).toBe(false);
  }
});

test('unlock names a living holder and takes its lock only by the epoch; a dead one’s is given back', async () => {
  const opened = await openSqliteState({ path: join(project.directory, '.reconcile', 'state.db') });
  try {
    const lease = await opened.store.lease(currentOwner(), { waitMs: 0, purpose: 'a long apply' });
    const refused = await state('unlock');
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining(`--epoch ${lease.epoch}`) });
    expect(refused.stderr).toContain('a long apply');
    expect(await state('unlock', '--epoch', String(lease.epoch + 1))).toMatchObject({ code: 1, stderr: expect.stringContaining('RC3009') });
    expect(await state('unlock', '--epoch', String(lease.epoch))).toMatchObject({ code: 0 });
    await expect(opened.store.commit(lease, [], [])).rejects.toMatchObject({ code: 'RC3006' });

    await opened.store.lease({ ...currentOwner(), pid: 2 ** 22 - 3 }, { waitMs: 0, purpose: 'killed' });
    expect(JSON.parse((await state('unlock', '--json')).stdout)).toMatchObject({ unlocked: true, holder: { purpose: 'killed', alive: false } });
  } finally {
    await opened.close();
  }
});

test('a database that is none ends in what to do, untouched; doctor looks at it all the same', async () => {
  using broken = createTempProject();
  cpSync(project.directory, broken.directory, { recursive: true });
  const path = join(broken.directory, '.reconcile', 'state.db');
  for (const name of readdirSync(join(broken.directory, '.reconcile'))) if (name.startsWith('state.db-')) rmSync(join(broken.directory, '.reconcile', name));
  const rubbish = 'rubbish '.repeat(1000);
  for (const [text, ...commands] of [
    ['', ['plan'], ['apply', '--auto-approve', '--no-input']],
    [rubbish, ['state', 'list'], ['state', 'doctor']],
  ] as const) {
    writeFileSync(path, text);
    for (const command of commands) {
      const ended = await reconcile(['-C', broken.directory, ...command]);
      expect(ended.code, command.join(' ')).toBe(1);
      expect(`${ended.stdout}${ended.stderr}`).toContain('RC3001');
      expect(ended.stderr).not.toMatch(/\n\s+at /);
    }
    expect(statSync(path).size).toBe(text.length);
  }
});

test('a copy of the folder works', async () => {
  using copy = createTempProject();
  cpSync(project.directory, copy.directory, { recursive: true });
  expect(await reconcile(['-C', copy.directory, 'plan', '--detailed-exitcode'])).toMatchObject({ code: 0 });
});
