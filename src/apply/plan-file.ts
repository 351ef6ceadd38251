import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from '../model/app-error.ts';
import { whyRefused } from '../model/system-refusal.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Plan } from '../model/plan.ts';
import { decodePlan, encodePlan } from '../plan/saved-plan.ts';

/** More is no plan of ours. */
const MAX_PLAN_BYTES = 1024 * 1024 * 1024;

/** Saves a plan: written beside, synced, then renamed; only its owner may read it. Throws RC3015 when it cannot be written. */
export async function writePlanFile(path: string, plan: Plan): Promise<void> {
  const target = resolve(path);
  const draft = `${target}.${process.pid}.tmp`;
  try {
    {
      await using file = await open(draft, 'wx', 0o600);
      await file.writeFile(encodePlan(plan));
      await file.chmod(0o600);
      await file.sync();
    }
    await rename(draft, target);
    await using folder = await open(dirname(target), 'r');
    await folder.sync();
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw new AppError({
      code: 'RC3015',
      message: `the plan cannot be saved as \`${path}\`: ${whyRefused(error)}`,
      hint: 'name another file with --out',
      cause: error,
    });
  }
}

/** Reads a saved plan and proves it whole; errors as `decodePlan`, and RC3016 (exit 64) when there is no such file. */
export async function readPlanFile(path: string, shownAs: string, toolVersion: string): Promise<Plan> {
  let bytes: Uint8Array;
  try {
    await using file = await open(resolve(path), 'r');
    if ((await file.stat()).size > MAX_PLAN_BYTES)
      throw new AppError({ code: 'RC3011', message: `\`${shownAs}\` is not a plan file: it is larger than any plan` });
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AppError({
      code: 'RC3016',
      message: `the plan file \`${shownAs}\` cannot be read: ${code === 'ENOENT' ? 'there is none' : code === 'EISDIR' ? 'it is a folder' : message}`,
      hint: `make one:  reconcile plan --out ${shownAs}`,
      exit: ExitCode.badUsage,
      cause: error,
    });
  }
  return decodePlan(bytes, shownAs, toolVersion);
}
