import { AppError } from '../model/app-error.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { AppliedResources, ExportDeps } from './deps.ts';
import { whereItWent } from './where-it-went.ts';
import { workOf } from './run-work.ts';
import { abandonUploads } from './withdraw-files.ts';

/**
 * Removes what a run that nobody goes on with has left unfinished at its destination: parts of uploads cost money there, and hold people's data. A
 * destination that cannot be reached is no error: the store's own rules do it in time.
 */
export async function abandonRun(deps: Pick<ExportDeps, 'card' | 'storage' | 'log'>, resources: AppliedResources, run: RunRecord): Promise<void> {
  const work = workOf(run);
  if ((work.parts ?? []).length === 0) return;
  const one = whereItWent(deps, resources, run);
  if (one === undefined) return;
  try {
    await using storage = await deps.storage(one.storage);
    await abandonUploads(storage, work, run.id);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.log('warn', 'what an unfinished upload has left could not be removed', { run: run.id, code: error.code });
  }
}
