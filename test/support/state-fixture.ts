import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { currentOwner } from '../../src/state/owner.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import type { RecordedResource } from '../../src/state/state-store.ts';
import { digestOf } from '../../src/support/digest.ts';

/** A resource as `apply` would record it. */
export function segment(name: string, pql = 'true'): Omit<RecordedResource, 'version'> {
  const metadata = { name };
  const spec = { attributes: 'customer', pql };
  return {
    kind: 'Segment',
    metadata,
    spec,
    digest: digestOf({ metadata, spec }),
    source: { file: 'manifests/all.yaml', line: 1 },
    appliedAt: Date.UTC(2026, 11, 1),
    fingerprints: {},
  };
}

export interface Workspace extends Disposable {
  readonly folder: string;
  /** `.reconcile/state.db` in it. */
  readonly path: string;
}

export function createWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'reconcile-state-test-'));
  return { folder, path: join(folder, '.reconcile', 'state.db'), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Makes a database with so many segments, and closes it. */
export async function fillState(path: string, names: readonly string[]): Promise<void> {
  const state = await openSqliteState({ path });
  const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
  await state.store.commit(
    lease,
    names.map((name) => ({ type: 'put', resource: segment(name) })),
    [],
  );
  await lease[Symbol.asyncDispose]();
  await state.close();
}
