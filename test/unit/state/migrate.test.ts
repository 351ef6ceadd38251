import { existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentOwner } from '../../../src/state/owner.ts';
import { MIGRATIONS } from '../../../src/state/sqlite/migrations/migrations.ts';
import { openSqliteState } from '../../../src/state/sqlite/open-sqlite-state.ts';
import { sha256 } from '../../../src/support/digest.ts';
import { createWorkspace, fillState, segment, type Workspace } from '../../support/state-fixture.ts';

const NEXT = [...MIGRATIONS, 'alter table resource add column note text'];
const AFTER_NEXT = [...NEXT, 'create table extra (id text primary key) strict'];

function formatOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare('pragma user_version').get()?.['user_version'];
  } finally {
    database.close();
  }
}

describe('bringing an older database forward', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = createWorkspace();
    await fillState(workspace.path, ['one', 'two']);
  });
  afterEach(() => workspace[Symbol.dispose]());

  const openNewer = (migrations: readonly string[]): ReturnType<typeof openSqliteState> => openSqliteState({ path: workspace.path, migrations });
  it('reads it without changing it', async () => {
    const before = sha256(readFileSync(workspace.path));
    const state = await openNewer(AFTER_NEXT);
    expect((await state.store.read()).resources.size).toBe(2);
    await state.close();
    expect(sha256(readFileSync(workspace.path))).toBe(before);
  });

  it('makes a copy, goes through every format, and keeps everything', async () => {
    const state = await openNewer(AFTER_NEXT);
    await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    const after = await state.store.commit(lease, [{ type: 'put', resource: segment('three') }], []);
    expect(after.resources.size).toBe(3);
    await lease[Symbol.asyncDispose]();
    await state.close();
    expect(formatOf(workspace.path)).toBe(MIGRATIONS.length + 2);
    const copy = `${workspace.path}.before-format-${MIGRATIONS.length + 1}`;
    expect(formatOf(copy)).toBe(MIGRATIONS.length);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const old = await openSqliteState({ path: copy });
    expect((await old.store.read()).resources.size).toBe(2);
    await old.close();
    const older = await openSqliteState({ path: workspace.path });
    await expect(older.store.read()).rejects.toMatchObject({ code: 'RC3002' });
    await older.close();
  });

  it('leaves everything as it was when a step fails', async () => {
    const state = await openNewer([...NEXT, 'create table resource (already text)']);
    await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toThrow(/already exists/);
    await state.close();
    expect(formatOf(workspace.path)).toBe(MIGRATIONS.length);
    const old = await openSqliteState({ path: workspace.path });
    expect((await old.store.read()).resources.size).toBe(2);
    await old.close();
  });

  it('waits until nobody works with the older format, and stops who began with it', async () => {
    const old = await openSqliteState({ path: workspace.path });
    const lease = await old.store.lease(currentOwner(), { waitMs: 0, purpose: 'apply' });
    const state = await openNewer(NEXT);
    await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({ code: 'RC3005', exit: 5 });
    expect(existsSync(`${workspace.path}.before-format-2`)).toBe(false);
    await lease[Symbol.asyncDispose]();
    const newer = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
    await newer[Symbol.asyncDispose]();
    await expect(old.store.lease(currentOwner(), { waitMs: 0, purpose: 'apply' })).rejects.toMatchObject({ code: 'RC3002' });
    await old.close();
    await state.close();
  });
});
