import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mayBeAlive } from '../state/owner.ts';
import { abandonRun } from './abandon-run.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';

/** Removes what killed exports now have left in the spool and at their destinations: nobody goes on with them, and they hold people's data. */
export async function sweepSpool(deps: Pick<ExportDeps, 'ledger' | 'paths' | 'card' | 'storage' | 'log'>, resources: AppliedResources): Promise<void> {
  const { ledger, paths } = deps;
  for (const id of await readdir(paths.spool).catch(() => [])) {
    const [run] = await ledger.find({ id });
    // Unknown ones may be of another state that shares the folder (`--state`); `gc` removes them in time.
    if (run === undefined || run.slot !== null) continue;
    const atWork = run.status === 'running' && run.owner !== null && mayBeAlive(run.owner);
    if (atWork) continue;
    await abandonRun(deps, resources, run);
    await rm(join(paths.spool, id), { recursive: true, force: true });
  }
}
