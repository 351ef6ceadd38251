import { StorageError } from '../storage/storage-error.ts';
import type { Storage } from '../storage/storage.ts';
import { landedAs } from './publish-parts.ts';
import { besideFiles, type PlannedFile, type RunWork } from './run-work.ts';

/** Every file that a run has announced. */
function announcedFiles(work: RunWork): readonly PlannedFile[] {
  return [...(work.parts ?? []), ...besideFiles(work)];
}

/** Removes what uploads of a run left unfinished; where that cannot be done now, the store's own rules do it. Returns how many were looked at. */
export async function abandonUploads(storage: Storage, work: RunWork, runId: string): Promise<number> {
  const files = announcedFiles(work);
  for (const { key } of files) {
    try {
      await storage.abandon(key, runId);
    } catch (error) {
      // Whoever does not answer for one file answers for none: a hundred of them would be waited for one after the other.
      if (error instanceof StorageError && (error.retryable || error.kind === 'aborted')) break;
    }
  }
  return files.length;
}

/**
 * Takes back what a cancelled run has made visible: a set of files of which some are missing is of use to nobody. What has replaced a file of ours
 * cannot be taken back and is returned.
 */
export async function withdrawFiles(storage: Storage, work: RunWork, runId: string): Promise<readonly PlannedFile[]> {
  await abandonUploads(storage, work, runId);
  const beside = new Set(besideFiles(work));
  const stay: PlannedFile[] = [];
  for (const file of announcedFiles(work)) {
    if (!(await landedAs(storage, file))) continue;
    // What stands beside holds the run's id in its name: whatever it replaced was of this very run.
    if (file.replace && !beside.has(file)) stay.push(file);
    else await storage.remove(file.key);
  }
  return stay;
}
