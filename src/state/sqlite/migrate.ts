import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { isLeaseHeld } from '../claim-rules.ts';
import type { Owner } from '../owner.ts';
import { lockedError } from '../state-errors.ts';
import { syncPath } from './create-database.ts';
import { formatOf } from './identity.ts';

interface MigrateOptions {
  readonly path: string;
  readonly migrations: readonly string[];
  readonly now: number;
  /** Opens another connection to the same file, for reading. */
  readonly openReader: () => DatabaseSync;
}

/**
 * Brings an older database forward, all formats in one transaction, after a copy of it was made beside it. Refuses while another process holds the
 * lease (RC3005): it was started with the older format. Another one that migrates meanwhile is waited for.
 */
export function migrate(database: DatabaseSync, { path, migrations, now, openReader }: MigrateOptions): void {
  if (formatOf(database) === migrations.length) return;
  database.exec('begin immediate');
  try {
    const from = formatOf(database);
    if (from < migrations.length) {
      refuseWhileHeld(database, path, now);
      backUp(`${path}.before-format-${from + 1}`, openReader);
      for (const migration of migrations.slice(from)) database.exec(migration);
      const broken = database.prepare('pragma foreign_key_check').all();
      if (broken.length > 0) throw new Error(`migrating the state left ${broken.length} dangling references`);
      database.exec(`pragma user_version = ${migrations.length}`);
    }
    database.exec('commit');
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

function refuseWhileHeld(database: DatabaseSync, path: string, now: number): void {
  const row = database.prepare('select owner, epoch, purpose, acquired_at, renewed_at from lease where owner is not null').get() as
    | { owner: string; epoch: number; purpose: string; acquired_at: number; renewed_at: number }
    | undefined;
  if (row === undefined) return;
  const owner = JSON.parse(row.owner) as Owner;
  if (isLeaseHeld(owner, row.renewed_at, now)) throw lockedError(path, { owner, purpose: row.purpose, since: row.acquired_at, epoch: row.epoch });
}

/** A copy as of this instant, whole or not there at all. */
function backUp(target: string, openReader: () => DatabaseSync): void {
  const draft = `${target}.new`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, 'wx', 0o600));
  const reader = openReader();
  try {
    reader.prepare('vacuum into ?').run(draft);
  } finally {
    reader.close();
  }
  syncPath(draft);
  renameSync(draft, target);
  syncPath(dirname(target));
}
