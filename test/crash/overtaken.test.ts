import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z', '2026-01-01T14:00:00Z'] as const;

/** Somebody who asks for one slot after the other, and does not know that a process was killed. What all files come to is what everybody's standing is. */
test.each(['claimed', 'written', 'published-part-1', 'journaled-verified', 'snapshot-placed'])(
  'killed at %s, and the next slot is asked for at once: who left meanwhile is told',
  async (point) => {
    using project = createShopProject();
    const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> =>
      reconcile(['-C', project.directory, '--now', now, ...args], { env });
    const load = (income: number): void =>
      project.write('data/people.csv', `id,email,name,income\n1,one@example.com,One,60\n2,two@example.com,Two,${income}\n`);
    expect(await call('2026-01-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
    const run = (slot: string, env?: Readonly<Record<string, string>>): ReturnType<typeof reconcile> =>
      call(slot, ['run', 'letter', '--segment', 'rich', '--slot', slot, '--json'], env);

    load(10);
    expect((await run(SLOTS[0])).code).toBe(0);
    load(60);
    expect((await run(SLOTS[1], { RECONCILE_CRASH_AT: point })).signal).toBe('SIGKILL');
    load(10);
    const last = await run(SLOTS[2]);
    expect(last.code, last.stderr + last.stdout).toBe(0);

    const { runs } = JSON.parse(last.stdout) as { readonly runs: readonly Run[] };
    expect(runs.at(-1)).toMatchObject({ slot: SLOTS[2], status: 'success' });
    const told = toldBy(join(project.directory, 'out'));
    expect(told.get('one@example.com')).toBe('realized');
    expect(told.get('two@example.com') ?? 'exited').toBe('exited');
    const list = JSON.parse((await call(SLOTS[2], ['runs', 'list', '--json'])).stdout) as { readonly runs: readonly Run[] };
    expect(list.runs.map(({ status }) => status)).not.toContain('running');
  },
);

test.each([true, false])('failed with its first part visible, and the next slot is asked for at once: %s, what was in the way is gone', async (isMended) => {
  using project = createShopProject();
  const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', now, ...args], { env });
  const load = (two: number, three: number): void =>
    project.write('data/people.csv', `id,email,name,income\n1,one@example.com,One,60\n2,two@example.com,Two,${two}\n3,three@example.com,Three,${three}\n`);
  project.write(
    'manifests/all.yaml',
    readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8').replace('  export: incremental', '  file: {maxRows: 1}\n  export: incremental'),
  );
  expect(await call('2026-01-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const run = (slot: string, env?: Readonly<Record<string, string>>): ReturnType<typeof reconcile> =>
    call(slot, ['run', 'letter', '--segment', 'rich', '--slot', slot, '--json'], env);

  load(10, 10);
  expect((await run(SLOTS[0])).code).toBe(0);
  load(60, 60);
  expect((await run(SLOTS[1], { RECONCILE_CRASH_AT: 'published-part-1' })).signal).toBe('SIGKILL');
  const folder = join(project.directory, 'out');
  const first = readdirSync(folder).find((name) => name.includes('20260101_080000')) ?? '';
  const inTheWay = join(folder, first.replace('.csv', '_2.csv'));
  writeFileSync(inTheWay, 'of somebody else');
  expect((await run(SLOTS[1])).stdout).toContain('RC4008');
  if (isMended) rmSync(inTheWay);
  load(10, 60);
  const last = await run(SLOTS[2]);

  const { runs } = JSON.parse(last.stdout) as { readonly runs: readonly Run[] };
  expect(runs.map(({ slot, status }) => [slot, status])).toEqual([
    [SLOTS[1], isMended ? 'success' : 'failed'],
    [SLOTS[2], 'success'],
  ]);
  const told = toldBy(folder);
  expect([told.get('one@example.com'), told.get('three@example.com')]).toEqual(['realized', 'realized']);
  expect(told.get('two@example.com')).toBe('exited');
  if (isMended) return;
  expect(readFileSync(inTheWay, 'utf8')).toBe('of somebody else');
  // Neither command points to the other one, which would refuse as well.
  for (const action of ['retry', 'replay']) {
    const refused = await call(SLOTS[2], ['runs', action, runs[0]?.id ?? '']);
    expect(refused).toMatchObject({ code: 64, stdout: '' });
    expect(refused.stderr).toContain(`a later slot, ${SLOTS[2]}, has been delivered already`);
    expect(refused.stderr).toContain('nothing is lost');
    expect(refused.stderr).not.toContain('reconcile runs');
  }
});

/**
 * Two slots in a row whose first part is visible and whose second one has no place to go, and a third. Whatever is mended before it, what all files come to is
 * everybody's standing: also of who came and went in files that nobody finished, and of who left there and is back.
 */
test.each([
  ['both slots', ['080000', '140000']],
  ['the later slot', ['140000']],
  ['the earlier slot', ['080000']],
  ['neither', []],
])('failed twice in a row with a first part visible, and what was in the way of %s is gone: who left meanwhile is told', async (_whose, mended) => {
  using project = createShopProject();
  const call = (now: string, args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', now, ...args]);
  const load = (rich: string): void =>
    project.write(
      'data/people.csv',
      `id,email,name,income\n${[...'123456789'].map((id) => `${id},p${id}@example.com,P,${rich.includes(id) ? 60 : 10}\n`).join('')}`,
    );
  project.write(
    'manifests/all.yaml',
    readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8').replace(
      '  export: incremental',
      '  file: {maxRows: 3, sort: true}\n  export: incremental',
    ),
  );
  expect(await call('2026-01-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const run = async (slot: string): Promise<readonly Run[]> => {
    const { stdout } = await call(slot, ['run', 'letter', '--segment', 'rich', '--slot', slot, '--json']);
    return (JSON.parse(stdout) as { readonly runs: readonly Run[] }).runs;
  };
  const folder = join(project.directory, 'out');
  const inTheWay = (time: string): string => join(folder, `outbox_rich_20260101_${time}_2.csv`);

  load('1');
  expect(await run(SLOTS[0])).toMatchObject([{ status: 'success' }]);
  for (const time of ['080000', '140000']) mkdirSync(inTheWay(time));
  // Visible: 1 left, 2 and 3 came. Of 9 nobody has heard.
  load('239');
  expect(await run(SLOTS[1])).toMatchObject([{ slot: SLOTS[1], status: 'failed', error: { code: 'RC4008' } }]);
  // 1 is back and 2 has left.
  load('134569');
  expect((await run(SLOTS[2])).map(({ slot, status }) => [slot, status])).toEqual([
    [SLOTS[1], 'failed'],
    [SLOTS[2], 'failed'],
  ]);
  for (const time of mended) rmdirSync(inTheWay(time));
  load('15679');
  const runs = await run('2026-01-01T20:00:00Z');

  expect(runs.at(-1)).toMatchObject({ slot: '2026-01-01T20:00:00Z', status: 'success' });
  const told = toldBy(folder);
  const standing = Object.fromEntries([...'123456789'].map((id) => [id, told.get(`p${id}@example.com`)]));
  expect(standing).toMatchObject({ 1: 'realized', 2: 'exited', 3: 'exited', 5: 'realized', 6: 'realized', 7: 'realized', 9: 'realized' });
  expect(standing['4'] ?? 'exited').toBe('exited');
  // Nothing of it is told again.
  expect(await run('2026-01-02T02:00:00Z')).toMatchObject([{ status: 'success', files: [] }]);
});

/** A project whose files have a row each; `load` says who of five is rich, `run` runs a slot when the last one is due. */
function createRowByRow() {
  const project = createShopProject();
  project.write(
    'manifests/all.yaml',
    readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8').replace(
      '  export: incremental',
      '  file: {maxRows: 1, sort: true}\n  export: incremental',
    ),
  );
  const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', now, ...args], { env });
  const folder = join(project.directory, 'out');
  return {
    folder,
    people: join(project.directory, 'data/people.csv'),
    apply: () => call('2026-01-01T00:00:00Z', ['apply', '--auto-approve']),
    load: (rich: string): void =>
      project.write(
        'data/people.csv',
        `id,email,name,income\n${[...'12345'].map((id) => `${id},p${id}@example.com,P,${rich.includes(id) ? 60 : 10}\n`).join('')}`,
      ),
    run: (slot: string, env?: Readonly<Record<string, string>>) => call(SLOTS[2], ['run', 'letter', '--segment', 'rich', '--slot', slot, '--json'], env),
    told: () => Object.fromEntries([...'12345'].map((id) => [id, toldBy(folder).get(`p${id}@example.com`)])),
    [Symbol.dispose]: () => project[Symbol.dispose](),
  };
}

/** The later slot's files are written before the earlier one, which had failed for its source, is tried again: they are against members who have changed since. */
test.each([
  ['is delivered', false],
  ['leaves its first part', true],
])(
  'killed with its files written, and then the slot before it %s: they are made anew, so that whom that one told of is told to be gone',
  async (_how, isBlocked) => {
    using project = createRowByRow();
    const { load, run } = project;
    expect(await project.apply()).toMatchObject({ code: 0 });
    load('1');
    expect(await run(SLOTS[0])).toMatchObject({ code: 0 });
    rmSync(project.people);
    expect(await run(SLOTS[1])).toMatchObject({ code: 1 });
    load('123');
    expect(await run(SLOTS[2], { RECONCILE_CRASH_AT: 'journaled-written' })).toMatchObject({ signal: 'SIGKILL' });
    load('145');
    if (isBlocked) mkdirSync(join(project.folder, 'outbox_rich_20260101_080000_2.csv'));
    expect(await run(SLOTS[1])).toMatchObject({ code: isBlocked ? 1 : 0 });
    expect(project.told()).toMatchObject({ 4: 'realized' });
    load('12');

    const { runs } = JSON.parse((await run(SLOTS[2])).stdout) as { readonly runs: readonly Run[] };
    expect(runs.at(-1)).toMatchObject({ slot: SLOTS[2], status: 'success' });
    expect(project.told()).toEqual({ 1: 'realized', 2: 'realized', 3: undefined, 4: 'exited', 5: 'exited' });
  },
);

test('killed with its files written, after a slot that left its first part for good: it knew of that one, and goes on with the same bytes', async () => {
  using project = createRowByRow();
  const { load, run } = project;
  expect(await project.apply()).toMatchObject({ code: 0 });
  load('1');
  expect(await run(SLOTS[0])).toMatchObject({ code: 0 });
  load('124');
  mkdirSync(join(project.folder, 'outbox_rich_20260101_080000_2.csv'));
  expect(await run(SLOTS[1])).toMatchObject({ code: 1 });
  load('123');
  expect(await run(SLOTS[2], { RECONCILE_CRASH_AT: 'journaled-written' })).toMatchObject({ signal: 'SIGKILL' });
  load('5');

  const { runs } = JSON.parse((await run(SLOTS[2])).stdout) as { readonly runs: readonly Run[] };
  expect(runs.at(-1)).toMatchObject({ slot: SLOTS[2], status: 'success' });
  expect(project.told()).toEqual({ 1: 'realized', 2: 'realized', 3: 'realized', 4: 'exited', 5: undefined });
});

test('failed with its first part visible, and gc is told to keep no records: the next slot knows all the same whom it told of', async () => {
  using project = createShopProject();
  const call = (now: string, ...args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', now, ...args]);
  const load = (two: number): void =>
    project.write('data/people.csv', `id,email,name,income\n1,one@example.com,One,60\n2,two@example.com,Two,${two}\n3,three@example.com,Three,${two}\n`);
  project.write(
    'manifests/all.yaml',
    readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8').replace(
      '  export: incremental',
      '  file: {maxRows: 1, sort: true}\n  export: incremental',
    ),
  );
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const run = (slot: string): ReturnType<typeof reconcile> => call(slot, 'run', 'letter', '--segment', 'rich', '--slot', slot, '--json');
  const folder = join(project.directory, 'out');

  load(10);
  expect((await run(SLOTS[0])).code).toBe(0);
  mkdirSync(join(folder, 'outbox_rich_20260101_080000_2.csv'));
  load(60);
  expect((await run(SLOTS[1])).stdout).toContain('RC4008');
  expect(await call(SLOTS[1], 'gc', '--runs', '0', '--spool', '0')).toMatchObject({ code: 0 });
  load(10);
  const last = JSON.parse((await run(SLOTS[2])).stdout) as { readonly runs: readonly Run[] };

  expect(last.runs.at(-1)).toMatchObject({ slot: SLOTS[2], status: 'success' });
  expect(toldBy(folder).get('two@example.com')).toBe('exited');
  // Now it is decided.
  expect(await call(SLOTS[2], 'gc', '--runs', '0', '--spool', '0')).toMatchObject({ code: 0 });
  const list = JSON.parse((await call(SLOTS[2], 'runs', 'list', '--json')).stdout) as { readonly runs: readonly Run[] };
  expect(list.runs.map(({ slot }) => slot)).toEqual([SLOTS[2]]);
});

test('failed, and the schedule was edited since: the slot that is on record is tried again, one that never was is none', async () => {
  using project = createShopProject();
  const call = (now: string, ...args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const inTheWay = join(project.directory, 'out/outbox_rich_20260101_020000.csv');
  mkdirSync(inTheWay, { recursive: true });
  const run = (slot: string): ReturnType<typeof reconcile> => call('2026-01-01T08:30:00Z', 'run', 'letter', '--segment', 'rich', '--slot', slot, '--json');
  const failed = JSON.parse((await run(SLOTS[0])).stdout) as { readonly runs: readonly Run[] };
  expect(failed.runs).toMatchObject([{ status: 'failed', error: { code: 'RC4008' } }]);

  const manifest = project.read('manifests/all.yaml').replace('every: 6h, at: "02:00"', 'every: 24h, at: "04:00"');
  project.write('manifests/all.yaml', manifest);
  expect(await call('2026-01-01T08:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  rmdirSync(inTheWay);
  expect((await run(SLOTS[1])).code).toBe(64);
  const again = await call('2026-01-01T08:30:00Z', 'runs', 'retry', failed.runs[0]?.id ?? '', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ runs: [{ id: failed.runs[0]?.id, status: 'success', slot: SLOTS[0] }] });
});

test('killed with its files written, and an export now takes the name that is always the same: the slot replaces it, as it would have later', async () => {
  using project = createShopProject();
  const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', now, ...args], { env });
  project.write(
    'manifests/all.yaml',
    readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8').replace(
      '  export: incremental',
      '  file: {name: "%SEGMENT_ID%", maxRows: 1}\n  export: incremental',
    ),
  );
  project.write('data/people.csv', 'id,email,name,income\n1,one@example.com,One,60\n');
  expect(await call('2026-01-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const run = (env?: Readonly<Record<string, string>>): ReturnType<typeof reconcile> =>
    call(SLOTS[0], ['run', 'letter', '--segment', 'rich', '--slot', SLOTS[0], '--json'], env);

  expect((await run({ RECONCILE_CRASH_AT: 'journaled-written' })).signal).toBe('SIGKILL');
  project.write('data/people.csv', 'id,email,name,income\n1,one@example.com,One,60\n2,two@example.com,Two,60\n');
  expect(await call(SLOTS[0], ['run', 'letter', '--segment', 'rich'])).toMatchObject({ code: 0 });
  const again = await run();

  expect(again, again.stdout).toMatchObject({ code: 0 });
  expect([...toldBy(join(project.directory, 'out'))]).toEqual([['one@example.com', 'realized']]);
});

/** The last status that the files of a folder tell of each email. */
function toldBy(folder: string): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  for (const name of names.toSorted())
    for (const row of readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').slice(1)) told.set(row.split(',')[0] ?? '', row.split(',').at(-1) ?? '');
  return told;
}
