import type { Run } from '../model/run.ts';
import { pasteable } from './command-line.ts';
import type { CommandContext } from './context.ts';
import { renderRuns } from './render-runs.ts';

/** What runs came to, as JSON or for people; the commands that they name can be pasted. */
export function printRuns({ options, out, clock }: CommandContext, runs: readonly Run[], more: Readonly<Record<string, unknown>> = {}): void {
  if (options.json) out(JSON.stringify({ runs: runs.map((run) => withPasteableHint(run, options)), ...more }));
  else out(pasteable(renderRuns(runs, { now: clock(), color: options.color }), options));
}

/** A run whose hint names the very project that it is of. */
export function withPasteableHint(run: Run, options: CommandContext['options']): Run {
  const { error } = run;
  return error?.hint === undefined ? run : { ...run, error: { ...error, hint: pasteable(error.hint, options) } };
}
