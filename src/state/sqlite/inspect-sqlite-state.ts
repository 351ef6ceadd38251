import { existsSync } from 'node:fs';
import { AppError } from '../../model/app-error.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import type { StateReport } from '../opened-state.ts';
import { inspectRows } from '../sql/inspect-rows.ts';
import { MIGRATIONS } from './migrations/migrations.ts';
import type { SqliteConnection } from './open-sqlite-state.ts';

const NOTHING: StateReport = { exists: false, format: undefined, resources: 0, generations: 0, runs: 0, journalEntries: 0, snapshots: [], problems: [] };

/** Looks through the whole file, then at what it says. A database that cannot be read is the report's only problem. */
export async function inspectSqliteState(connection: SqliteConnection): Promise<StateReport> {
  try {
    if ((await connection.read()) === undefined) return NOTHING;
    const damage: readonly Diagnostic[] = (await connection.checkIntegrity()).map((line) => ({
      code: 'RC3030',
      severity: 'error',
      message: `the database is damaged: ${line}`,
      hint: 'put your last backup back; copy what is there away first',
    }));
    const rows = await inspectRows(connection);
    if (rows === undefined) return NOTHING;
    return { exists: true, format: MIGRATIONS.length, ...rows, problems: [...damage, ...rows.problems] };
  } catch (error) {
    const told = connection.translate(error);
    if (!(told instanceof AppError)) throw told;
    const hint = told.code === 'RC3001' ? howToRecover(connection.place) : told.hint;
    return {
      ...NOTHING,
      exists: true,
      problems: [{ code: told.code, severity: 'error', message: told.message, ...(hint === undefined ? {} : { hint }) }],
    };
  }
}

/** What can be done about a file that SQLite does not read, most promising first. */
function howToRecover(path: string): string {
  const copies = Array.from({ length: MIGRATIONS.length }, (_, index) => `${path}.before-format-${index + 1}`).filter((copy) => existsSync(copy));
  const restore = copies.length === 0 ? 'put your last backup of it back' : `put the copy \`${copies.at(-1) ?? ''}\` back`;
  return `${restore}; without one, move the file away and \`reconcile state import\` an export, or apply anew: incremental exports then start with a full one`;
}
