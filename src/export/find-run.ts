import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { ExportDeps } from './deps.ts';

/** A run by its id; throws RC4024 (64) when there is none. */
export async function findRun({ ledger }: Pick<ExportDeps, 'ledger'>, id: string): Promise<RunRecord> {
  const [record] = await ledger.find({ id });
  if (record !== undefined) return record;
  throw new AppError({ code: 'RC4024', message: `there is no run \`${id}\``, hint: 'reconcile runs list', exit: ExitCode.badUsage });
}
