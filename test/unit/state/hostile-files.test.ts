import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/model/app-error.ts';
import { currentOwner } from '../../../src/state/owner.ts';
import { openSqliteState } from '../../../src/state/sqlite/open-sqlite-state.ts';
import { sha256 } from '../../../src/support/digest.ts';
import { createWorkspace, fillState, type Workspace } from '../../support/state-fixture.ts';

const NAMES = Array.from({ length: 400 }, (_, index) => `segment-${index}`);

describe('a state that cannot be read is an error, never empty, and stays as it is', () => {
  let workspace: Workspace;
  beforeEach(() => {
    workspace = createWorkspace();
    mkdirSync(dirname(workspace.path), { recursive: true });
  });
  afterEach(() => workspace[Symbol.dispose]());

  /** Reads, asks the ledger and tries to write; returns the codes of what was thrown. */
  async function codes(): Promise<readonly string[]> {
    const state = await openSqliteState({ path: workspace.path });
    const attempts = [
      () => state.store.read().then(({ resources }) => [...resources.values()].map(({ spec }) => spec)),
      () => state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' }),
    ];
    const seen: string[] = [];
    for (const attempt of attempts) {
      try {
        await attempt();
        seen.push('none');
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        const { code, message, hint } = error as AppError;
        expect(message).toContain(workspace.path);
        expect(hint).toBeTruthy();
        seen.push(code);
      }
    }
    await state.close();
    return seen;
  }

  async function expectRefused(code: string): Promise<void> {
    const before = sha256(readFileSync(workspace.path));
    expect(await codes()).toEqual([code, code]);
    expect(sha256(readFileSync(workspace.path))).toBe(before);
  }

  it('a file of no bytes', async () => {
    writeFileSync(workspace.path, '');
    await expectRefused('RC3001');
  });

  it.each([
    ['one byte', 'x'],
    ['text', 'apiVersion: reconcile/v1\n'.repeat(500)],
    ['SQLite’s first words and nothing more', 'SQLite format 3\0'],
    ['SQLite’s first words and rubbish', `SQLite format 3\0${'\xff'.repeat(8192)}`],
    ['zeros', '\0'.repeat(65_536)],
  ])('%s', async (_name, text) => {
    writeFileSync(workspace.path, text, 'latin1');
    await expectRefused('RC3001');
  });

  it('a database of another application, and one of nobody', async () => {
    const other = new DatabaseSync(workspace.path);
    other.exec('create table resource (kind, name); insert into resource values (1, 2)');
    other.close();
    await expectRefused('RC3001');
  });

  it('a newer format', async () => {
    await fillState(workspace.path, ['one']);
    const newer = new DatabaseSync(workspace.path);
    newer.exec('pragma user_version = 99');
    newer.close();
    await expectRefused('RC3002');
  });

  it('a log whose database is gone', async () => {
    const state = await openSqliteState({ path: workspace.path });
    const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    const log = readFileSync(`${workspace.path}-wal`);
    await lease[Symbol.asyncDispose]();
    await state.close();
    rmSync(workspace.path);
    writeFileSync(`${workspace.path}-wal`, log);
    expect(await codes()).toEqual(['RC3001', 'RC3001']);
    expect(readFileSync(`${workspace.path}-wal`).equals(log)).toBe(true);
  });

  it('a folder in its place', async () => {
    mkdirSync(workspace.path);
    expect(await codes()).toEqual(['RC3003', 'RC3003']);
  });

  it('a pipe in its place, without waiting for a writer', async () => {
    execFileSync('mkfifo', [workspace.path]);
    expect(await codes()).toEqual(['RC3003', 'RC3003']);
  });

  it('a link that leads to itself', async () => {
    symlinkSync(workspace.path, workspace.path);
    expect(await codes()).toEqual(['RC3003', 'RC3003']);
  });

  it('a file where the folder should be', async () => {
    execFileSync('rmdir', [dirname(workspace.path)]);
    writeFileSync(dirname(workspace.path), 'x');
    const state = await openSqliteState({ path: workspace.path });
    await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({ code: 'RC3003' });
    await state.close();
  });

  it('cut off anywhere', async () => {
    await fillState(workspace.path, NAMES);
    const whole = `${workspace.folder}/whole`;
    copyFileSync(workspace.path, whole);
    const { size } = statSync(whole);
    expect(size).toBeGreaterThan(100_000);
    for (const bytes of [1, 15, 100, 511, 4096, 5000, Math.floor(size / 2), size - 4096, size - 1]) {
      copyFileSync(whole, workspace.path);
      truncateSync(workspace.path, bytes);
      const state = await openSqliteState({ path: workspace.path });
      // Whatever is left is never a smaller state that looks whole.
      await expect(state.store.read(), `cut to ${bytes} bytes`).rejects.toMatchObject({ code: 'RC3001' });
      await state.close();
    }
  });

  it('pages overwritten with rubbish: an error, or every resource as it was', async () => {
    await fillState(workspace.path, NAMES);
    const whole = readFileSync(workspace.path);
    const pages = whole.length / 4096;
    let refused = 0;
    for (let page = 0; page < pages; page += 1) {
      writeFileSync(workspace.path, whole);
      const file = openSync(workspace.path, 'r+');
      writeSync(file, Buffer.alloc(4096, page % 2 === 0 ? 0xa5 : 0), 0, 4096, page * 4096);
      closeSync(file);
      const state = await openSqliteState({ path: workspace.path });
      try {
        const { resources } = await state.store.read();
        expect(resources.size).toBe(NAMES.length);
        for (const { spec } of resources.values()) expect(spec).toEqual({ attributes: 'customer', pql: 'true' });
      } catch (error) {
        expect((error as AppError).code, String(error)).toBe('RC3001');
        refused += 1;
      }
      await state.close();
    }
    expect(refused).toBeGreaterThan(3);
  });

  it('a recorded spec that is no JSON names its resource; doctor finds every kind of change', async () => {
    await fillState(workspace.path, ['one', 'two', 'three']);
    const vandal = new DatabaseSync(workspace.path);
    vandal.exec(`update resource set spec = '{"pql": tru' where name = 'one'; update resource set spec = '{"pql":"false"}' where name = 'two'`);
    vandal.close();
    const state = await openSqliteState({ path: workspace.path });
    const { resources } = await state.store.read();
    expect(resources.get('Segment/three')?.spec).toEqual({ attributes: 'customer', pql: 'true' });
    expect(() => resources.get('Segment/one')?.spec).toThrow(expect.objectContaining({ code: 'RC3001', message: expect.stringContaining('Segment/one') }));
    const { problems } = await state.inspect();
    expect(problems.map(({ code, message }) => `${code} ${/Segment\/\w+/.exec(message)?.[0] ?? ''}`)).toEqual(['RC3031 Segment/one', 'RC3031 Segment/two']);
    await state.close();
  });

  it('doctor reports what cannot be read instead of failing', async () => {
    writeFileSync(workspace.path, 'not a database, but more than a header needs '.repeat(10));
    const state = await openSqliteState({ path: workspace.path });
    const report = await state.inspect();
    expect(report).toMatchObject({ exists: true, resources: 0 });
    expect(report.problems).toMatchObject([{ code: 'RC3001', severity: 'error', hint: expect.stringContaining('backup') }]);
    await state.close();
  });

  it('a journal that somebody changed is told by its number', async () => {
    const state = await openSqliteState({ path: workspace.path });
    const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    const at = Date.UTC(2026, 11, 1);
    await state.store.commit(
      lease,
      [],
      [
        { type: 'begin', applyId: 'a', at, actor: 'ada', planDigest: 'd', operations: 1 },
        { type: 'intent', applyId: 'a', at, action: 'create', key: 'Segment/one' },
        { type: 'end', applyId: 'a', at, status: 'done' },
      ],
    );
    await lease[Symbol.asyncDispose]();
    expect((await state.inspect()).problems).toEqual([]);
    await state.close();
    const vandal = new DatabaseSync(workspace.path);
    vandal.exec('delete from journal where seq = 2');
    vandal.close();
    const again = await openSqliteState({ path: workspace.path });
    expect((await again.inspect()).problems).toMatchObject([{ code: 'RC3032', message: expect.stringContaining('number 3') }]);
    await again.close();
  });
});
