import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mayBeAlive } from '../state/owner.ts';
import type { ExportDeps } from './deps.ts';

/** Removes what killed exports now have left in the spool: nobody goes on with them, and they hold people's data. */
export async function sweepSpool({ ledger, paths }: Pick<ExportDeps, 'ledger' | 'paths'>): Promise<void> {
  for (const id of await readdir(paths.spool).catch(() => [])) {
    const [run] = await ledger.find({ id });
    // Unknown ones may be of another state that shares the folder (`--state`); `gc` removes them in time.
    if (run === undefined || run.slot !== null) continue;
    const atWork = run.status === 'running' && run.owner !== null && mayBeAlive(run.owner);
    if (!atWork) await rm(join(paths.spool, id), { recursive: true, force: true });
  }
}
