import type { ExportProgress } from '../export/deps.ts';
import type { CommandContext } from './context.ts';
import { formatBytes, formatCount, formatDuration } from './format-amount.ts';

const TERMINAL_MS = 250;
const LINE_MS = 10_000;
const BAR_CELLS = 20;
/** More segments at once are told as a number, so that the picture never outgrows the terminal. */
const MOST_LINES = 10;

export interface ProgressReporter {
  readonly report: (progress: ExportProgress) => void;
  /** Takes the picture away, so that only the result stays. */
  end(): void;
}

/**
 * On a terminal a line per segment at work, drawn over several times a second; elsewhere a line each ten seconds, so that a log shows that something
 * goes on; nothing with `--quiet`. It goes by its own clock: a step that says nothing for minutes still shows how long it takes.
 */
export function createProgressReporter({ terminal, clock, say, options, width }: CommandContext): ProgressReporter {
  if (options.quiet) return { report: () => {}, end: () => {} };
  const atWork = new Map<string, ExportProgress>();
  let drawn = 0;
  const draw = (): void => {
    const now = clock();
    const shown = [...atWork.values()].slice(0, MOST_LINES);
    const hidden = atWork.size - shown.length;
    const lines = [...shown.map((progress) => describe(progress, now, terminal)), ...(hidden === 0 ? [] : [`… and ${hidden} more`])];
    if (!terminal) for (const progress of shown) say(options.logFormat === 'json' ? describeJson(progress, now) : describe(progress, now, false));
    else if (lines.length > 0 || drawn > 0) {
      const text = lines.map((line) => line.slice(0, Math.max(20, width - 1))).join('\n');
      say(`${upAndClear(drawn)}${text}`);
      drawn = lines.length;
    }
  };
  const timer = setInterval(draw, terminal ? TERMINAL_MS : LINE_MS);
  timer.unref();
  return {
    report(progress) {
      if (progress.step === 'done') atWork.delete(progress.runId);
      else atWork.set(progress.runId, progress);
    },
    end() {
      clearInterval(timer);
      atWork.clear();
      // The cursor goes up one line more than was drawn: the line break that follows brings it back.
      if (drawn > 0) say(`${upAndClear(drawn)}\u001B[1A`);
      drawn = 0;
    },
  };
}

function upAndClear(lines: number): string {
  return lines === 0 ? '' : `\u001B[${lines}A\u001B[J`;
}

function describe(progress: ExportProgress, now: number, withBar: boolean): string {
  const { activation, segment, step, rows, totalRows, bytes, files, startedAt } = progress;
  const elapsedMs = Math.max(1, now - startedAt);
  const share = shareOf(progress);
  const left = share === undefined || share === 0 || share >= 1 || step !== 'writing' ? undefined : (elapsedMs / share) * (1 - share);
  const rowsText = `${formatCount(rows)}${totalRows === undefined || totalRows === rows ? '' : ` of ${formatCount(totalRows)}`} rows`;
  const cells = [
    `${activation}/${segment}`,
    step.padEnd('publishing'.length),
    ...(withBar && share !== undefined ? [bar(share)] : []),
    // What counts most comes first: a narrow terminal cuts the rest.
    ...(left === undefined ? [] : [`${formatDuration(left)} left`]),
    ...(rows === 0 ? [] : [rowsText]),
    ...(rows === 0 || step !== 'writing' ? [] : [`${formatCount(Math.round((rows / elapsedMs) * 1000))} rows/s`]),
    ...(bytes === 0 ? [] : [formatBytes(bytes)]),
    ...(files === 0 ? [] : [`${formatCount(files)} ${files === 1 ? 'file' : 'files'}`]),
    formatDuration(elapsedMs),
  ];
  return cells.join('   ');
}

function describeJson({ startedAt, ...progress }: ExportProgress, now: number): string {
  return JSON.stringify({ time: new Date(now).toISOString(), level: 'info', event: 'progress', elapsedMs: now - startedAt, ...progress });
}

/** How much of a step is done, from 0 to 1; undefined where nobody knows how much there is. */
function shareOf({ step, rows, totalRows, bytes, totalBytes }: ExportProgress): number | undefined {
  if (step === 'publishing') return totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, bytes / totalBytes);
  if (step !== 'writing' || totalRows === undefined || totalRows === 0) return undefined;
  return Math.min(1, rows / totalRows);
}

function bar(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}
