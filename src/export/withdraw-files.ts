import { AppError } from '../model/app-error.ts';
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
  let silent = 0;
  for (const { key } of files) {
    try {
      await storage.abandon(key, runId);
      silent = 0;
    } catch (error) {
      // One may be a connection that broke.
      if (isSilent(error) && (silent += 1) > 1) break;
    }
  }
  return files.length;
}

/** Whoever does not answer for one file answers for none: a hundred of them would be waited for one after the other. */
function isSilent(error: unknown): boolean {
  return error instanceof StorageError && (error.retryable || error.kind === 'aborted');
}

export interface Withdrawn {
  /** What has replaced a file of ours, and cannot be taken back. */
  readonly replaced: readonly PlannedFile[];
  /** What the destination does not let us take back, or look for, now. */
  readonly stuck: readonly PlannedFile[];
  readonly why: AppError | undefined;
  /** What was visible and is gone: somebody has it. */
  readonly taken: readonly PlannedFile[];
}

/**
 * Takes back what a cancelled run has made visible, which are its first `visible` parts at least: a set of files of which some are missing is of use to
 * nobody.
 */
export async function withdrawFiles(storage: Storage, work: RunWork, runId: string, visible = 0): Promise<Withdrawn> {
  await abandonUploads(storage, work, runId);
  const beside = new Set(besideFiles(work));
  const known = new Set(work.parts?.slice(0, visible));
  const [replaced, stuck, taken]: [PlannedFile[], PlannedFile[], PlannedFile[]] = [[], [], []];
  let why: AppError | undefined;
  for (const file of announcedFiles(work)) {
    if (isSilent(why)) {
      stuck.push(file);
      continue;
    }
    try {
      if (!(await landedAs(storage, file))) {
        if (known.has(file) && (await storage.stat(file.key)) === undefined) taken.push(file);
        continue;
      }
      // What stands beside holds the run's id in its name: whatever it replaced was of this very run.
      if (file.replace && !beside.has(file)) replaced.push(file);
      else await storage.remove(file.key);
    } catch (error) {
      // The run ends all the same: left as it is, it would be taken up again by itself.
      if (!(error instanceof AppError)) throw error;
      stuck.push(file);
      why = isSilent(error) ? error : (why ?? error);
    }
  }
  return { replaced, stuck, why, taken };
}
