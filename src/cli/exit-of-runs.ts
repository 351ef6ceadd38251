import { ALREADY_RUNNING } from '../export/to-run.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Run } from '../model/run.ts';

/** The exit code of a set of runs (contract section 6, "Slots and runs"). */
export function exitOfRuns(runs: readonly Run[]): ExitCode {
  const codes = new Set(runs.map(exitOf));
  const [code] = codes;
  if (code === undefined) return ExitCode.done;
  return codes.size === 1 ? code : ExitCode.partlyDone;
}

function exitOf(run: Run): ExitCode {
  if (run.status === 'held') return ExitCode.held;
  if (run.status === 'skipped') return run.error?.code === ALREADY_RUNNING ? ExitCode.locked : ExitCode.done;
  if (run.status !== 'success') return ExitCode.failed;
  // Asked again after its end, the other side said that it failed.
  if (run.import?.status === 'import-failed') return ExitCode.failed;
  // Delivered, but nobody knows whether the other side has it.
  return run.import?.status === 'unknown' ? ExitCode.partlyDone : ExitCode.done;
}
