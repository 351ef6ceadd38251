import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentOwner } from '../../../src/state/owner.ts';
import { makePrivateFolder } from '../../../src/state/private-folder.ts';
import { openSqliteState } from '../../../src/state/sqlite/open-sqlite-state.ts';
import { sha256 } from '../../../src/support/digest.ts';
import { createWorkspace, fillState, segment, type Workspace } from '../../support/state-fixture.ts';

const PROCESS = fileURLToPath(new URL('../../support/state-process.ts', import.meta.url));
const NOBODY = 65_534;

/** Counts the resources in a process of its own, which may be another user's. */
function countAs(user: number | undefined, path: string): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [PROCESS, 'count', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', failed);
    child.on('close', () => done(text.trim()));
  });
}

/** Makes the folder one that nobody but root can write, with a state that everybody can read. */
function share({ folder, path }: Workspace): void {
  chmodSync(folder, 0o755);
  for (const name of readdirSync(dirname(path))) chmodSync(join(dirname(path), name), 0o444);
  chmodSync(dirname(path), 0o555);
}

describe('reading changes nothing', () => {
  let workspace: Workspace;
  beforeEach(() => void (workspace = createWorkspace()));
  afterEach(() => workspace[Symbol.dispose]());

  it('makes neither folder nor file when nothing was ever written', async () => {
    const state = await openSqliteState({ path: workspace.path });
    expect((await state.store.read()).resources.size).toBe(0);
    expect(await state.store.history(10)).toEqual([]);
    expect(await state.store.at(1)).toBeUndefined();
    expect(await state.store.unfinished()).toEqual([]);
    expect(await state.store.fingerprintKey()).toBeUndefined();
    expect(await state.store.unlock()).toBeUndefined();
    expect(await state.ledger.find({})).toEqual([]);
    expect(await state.ledger.snapshot('a', 's')).toBeUndefined();
    expect((await state.ledger.delivered('t', ['x.csv'])).size).toBe(0);
    expect(await state.inspect()).toMatchObject({ exists: false, problems: [] });
    await state.close();
    expect(readdirSync(workspace.folder)).toEqual([]);
  });

  it('finds a state that another process made after the first read', async () => {
    const state = await openSqliteState({ path: workspace.path });
    expect((await state.store.read()).serial).toBe(0);
    await fillState(workspace.path, ['one']);
    expect((await state.store.read()).serial).toBe(1);
    await fillState(workspace.path, ['one', 'two']);
    expect((await state.store.read()).resources.size).toBe(2);
    await state.close();
  });

  it('leaves the bytes of the database alone', async () => {
    await fillState(workspace.path, ['one', 'two']);
    const before = sha256(readFileSync(workspace.path));
    const state = await openSqliteState({ path: workspace.path });
    expect((await state.store.read()).resources.size).toBe(2);
    await state.inspect();
    await state.close();
    expect(sha256(readFileSync(workspace.path))).toBe(before);
  });

  it('makes the folder private and hidden from git with the first write', async () => {
    await fillState(workspace.path, ['one']);
    const folder = dirname(workspace.path);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(workspace.path).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
    expect(readdirSync(folder).sort()).toEqual(['.gitignore', 'state.db']);
  });

  it('puts a .reconcile right that something else made first, and leaves other folders as they are', () => {
    const ours = dirname(workspace.path);
    mkdirSync(join(ours, 'cache'), { recursive: true });
    chmodSync(ours, 0o755);
    makePrivateFolder(ours);
    expect(statSync(ours).mode & 0o777).toBe(0o700);
    expect(existsSync(join(ours, '.gitignore'))).toBe(true);
    // Shared with a group on purpose, later: not taken back.
    chmodSync(ours, 0o770);
    makePrivateFolder(ours);
    expect(statSync(ours).mode & 0o777).toBe(0o770);
    const theirs = join(workspace.folder, 'data');
    mkdirSync(theirs, { mode: 0o755 });
    makePrivateFolder(theirs);
    expect(readdirSync(theirs)).toEqual([]);
  });

  it('stores no path of the machine it was made on', async () => {
    await fillState(workspace.path, ['one']);
    expect(readFileSync(workspace.path, 'latin1')).not.toContain(workspace.folder);
  });

  it('works after cp -r, with a log that was not put into the file yet', async () => {
    const state = await openSqliteState({ path: workspace.path });
    const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    await state.store.commit(lease, [{ type: 'put', resource: segment('one') }], []);
    expect(statSync(`${workspace.path}-wal`).size).toBeGreaterThan(0);
    const elsewhere = join(workspace.folder, 'copy');
    cpSync(dirname(workspace.path), elsewhere, { recursive: true });
    await state.close();
    const copy = await openSqliteState({ path: join(elsewhere, 'state.db') });
    expect((await copy.store.read()).resources.size).toBe(1);
    await copy.close();
  });

  describe.skipIf(process.getuid?.() !== 0)('as a user who may only read', () => {
    it('reads a database at rest', async () => {
      await fillState(workspace.path, ['one', 'two']);
      share(workspace);
      expect(await countAs(NOBODY, workspace.path)).toBe('2');
      expect(readdirSync(dirname(workspace.path)).sort()).toEqual(['.gitignore', 'state.db']);
    });

    it('reads what still stands in the log of a process that was killed', async () => {
      await fillState(workspace.path, ['one', 'two']);
      const state = await openSqliteState({ path: workspace.path });
      const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await state.store.commit(lease, [{ type: 'put', resource: segment('three') }], []);
      const copy = join(workspace.folder, 'killed');
      cpSync(dirname(workspace.path), copy, { recursive: true });
      await state.close();
      for (const leftOver of [['state.db-shm'], []]) {
        for (const name of leftOver) rmSync(join(copy, name));
        chmodSync(workspace.folder, 0o755);
        for (const name of readdirSync(copy)) chmodSync(join(copy, name), 0o444);
        chmodSync(copy, 0o555);
        expect(await countAs(NOBODY, join(copy, 'state.db'))).toBe('3');
        chmodSync(copy, 0o755);
      }
    });

    it('says what to do when it may not even read', async () => {
      await fillState(workspace.path, ['one']);
      chmodSync(workspace.folder, 0o755);
      expect(await countAs(NOBODY, workspace.path)).toContain('RC3003');
    });
  });

  it('refuses to write into a database that was taken away or replaced under it', async () => {
    const state = await openSqliteState({ path: workspace.path });
    const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    await state.store.commit(lease, [{ type: 'put', resource: segment('one') }], []);
    execFileSync('cp', [workspace.path, `${workspace.path}.copy`]);
    rmSync(workspace.path);
    await expect(state.store.commit(lease, [{ type: 'put', resource: segment('two') }], [])).rejects.toMatchObject({ code: 'RC3003' });
    writeFileSync(workspace.path, readFileSync(`${workspace.path}.copy`));
    await expect(state.store.commit(lease, [{ type: 'put', resource: segment('two') }], [])).rejects.toMatchObject({ code: 'RC3003' });
    await state.close();
  });
});
