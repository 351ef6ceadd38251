import type { ExportProgress } from '../export/deps.ts';
import type { CommandContext } from './context.ts';
import { formatBytes, formatCount, formatDuration } from './format-amount.ts';

const TERMINAL_MS = 250;
const LINE_MS = 10_000;
const UP_AND_CLEAR = '\u001B[1A\u001B[2K';

export interface ProgressReporter {
  readonly report: (progress: ExportProgress) => void;
  /** Takes the last line away, so that only the result stays. */
  end(): void;
}

/** On a terminal one line that is written over; elsewhere a line each ten seconds; nothing with `--quiet`. */
export function createProgressReporter({ terminal, clock, say, options, width }: CommandContext): ProgressReporter {
  const every = terminal ? TERMINAL_MS : LINE_MS;
  const startedAt = clock();
  let last = terminal ? 0 : startedAt;
  let shown = false;
  return {
    report(progress) {
      const now = clock();
      if (options.quiet || now - last < every) return;
      last = now;
      const line = describe(progress, now).slice(0, Math.max(20, width - 1));
      say(terminal && shown ? `${UP_AND_CLEAR}${line}` : line);
      shown = true;
    },
    end() {
      if (terminal && shown) say(`${UP_AND_CLEAR}\u001B[1A\n`);
      shown = false;
    },
  };
}

function describe(progress: ExportProgress, now: number): string {
  const { activation, segment, step, rows, totalRows, bytes, startedAt } = progress;
  const elapsedMs = Math.max(1, now - startedAt);
  const rate = rows === 0 ? '' : `   ${formatCount(Math.round((rows / elapsedMs) * 1000))} rows/s`;
  const left = totalRows === undefined || rows === 0 || rows >= totalRows ? '' : `   ${formatDuration((elapsedMs / rows) * (totalRows - rows))} left`;
  const of = totalRows === undefined ? '' : ` of ${formatCount(totalRows)}`;
  return `${activation}/${segment}   ${step}   ${rows === 0 ? '' : `${formatCount(rows)}${of} rows   `}${bytes === 0 ? '' : `${formatBytes(bytes)}   `}${formatDuration(elapsedMs)}${rate}${left}`;
}
