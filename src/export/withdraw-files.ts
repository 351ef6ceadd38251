import { AppError } from '../model/app-error.ts';
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
  for (const { key } of files) await storage.abandon(key, runId).catch(() => {});
  return files.length;
}

export interface Withdrawn {
  /** What has replaced a file of ours, and cannot be taken back. */
  readonly replaced: readonly PlannedFile[];
  /** What the destination does not let us take back, or look for, now. */
  readonly stuck: readonly PlannedFile[];
  readonly why: AppError | undefined;
}

/** Takes back what a cancelled run has made visible: a set of files of which some are missing is of use to nobody. */
export async function withdrawFiles(storage: Storage, work: RunWork, runId: string): Promise<Withdrawn> {
  await abandonUploads(storage, work, runId);
  const beside = new Set(besideFiles(work));
  const [replaced, stuck]: [PlannedFile[], PlannedFile[]] = [[], []];
  let why: AppError | undefined;
  for (const file of announcedFiles(work)) {
    try {
      if (!(await landedAs(storage, file))) continue;
      // What stands beside holds the run's id in its name: whatever it replaced was of this very run.
      if (file.replace && !beside.has(file)) replaced.push(file);
      else await storage.remove(file.key);
    } catch (error) {
      // The run ends all the same: left as it is, it would be taken up again by itself.
      if (!(error instanceof AppError)) throw error;
      stuck.push(file);
      why ??= error;
    }
  }
  return { replaced, stuck, why };
}
