import pc from 'picocolors';
import { formatInstant, parseInstant, type Instant } from '../model/instant.ts';
import { REFUSED_REASON, type Run } from '../model/run.ts';
import { printableLine } from '../support/printable.ts';
import { formatBytes, formatCount, formatDuration } from './format-amount.ts';

export interface RenderRunsOptions {
  readonly now: Instant;
  readonly color: boolean;
}

/** What a run of activations did, for people: per segment the counts, the files as they landed, why it failed or was held, and what to type next. */
export function renderRuns(runs: readonly Run[], options: RenderRunsOptions): string {
  const groups = Map.groupBy(runs, (run) => `${run.activation}\0${run.slot ?? ''}`);
  return [...groups.values()].map((group) => renderGroup(group, options)).join('\n');
}

function renderGroup(runs: readonly Run[], options: RenderRunsOptions): string {
  const [first] = runs;
  if (first === undefined) return '';
  const { bold, dim } = pc.createColors(options.color);
  const width = Math.max(...runs.map((run) => run.segment.length));
  const nameWidth = Math.max(0, ...runs.flatMap((run) => run.files.map((file) => file.path.length)));
  const lines = [`${bold(first.activation)}  ${first.slot === null ? 'now' : `slot ${shortTime(first.slot)}`}  ${first.mode}`];
  for (const run of runs) lines.push(...renderRun(run, width, nameWidth, options));
  const ended = runs.map((run) => ({ start: parseInstant(run.startedAt) ?? 0, end: run.endedAt === null ? options.now : (parseInstant(run.endedAt) ?? 0) }));
  const took = Math.max(...ended.map(({ end }) => end)) - Math.min(...ended.map(({ start }) => start));
  const ids = runs.map((run) => run.id);
  const summary = summarize(runs);
  lines.push(
    `${summary} in ${formatDuration(took)}   ${ids.length === 1 ? 'run' : 'runs'} ${ids.join(' ')}   ${dim(`details: reconcile runs show ${ids[0] ?? ''}`)}`,
  );
  return `${lines.join('\n')}\n`;
}

function renderRun(run: Run, width: number, nameWidth: number, { color }: RenderRunsOptions): readonly string[] {
  const { red, yellow, dim } = pc.createColors(color);
  const { received, activated, excluded, failed, reasons } = run.counts;
  const { [REFUSED_REASON]: refused, ...excluding } = reasons;
  const why = Object.entries(excluding).map(([reason, count]) => `${reason} ${formatCount(count)}`);
  const failing = refused === undefined ? '' : ` (${REFUSED_REASON})`;
  const segment = run.segment.padEnd(width);
  if (run.status === 'held') return [`  ${segment}   ${yellow('held')}  ${printableLine(run.error?.message ?? '')}`, ...hintOf(run, dim)];
  if (run.status === 'skipped') return [`  ${segment}   ${yellow('skipped')}  ${printableLine(run.error?.message ?? '')}`, ...hintOf(run, dim)];
  const counts = `  ${segment}   received ${formatCount(received)}   activated ${formatCount(activated)}   excluded ${formatCount(excluded)}${why.length === 0 ? '' : ` (${why.join(', ')})`}   failed ${formatCount(failed)}${failing}`;
  if (run.status !== 'success') {
    return [
      counts,
      ...retriesOf(run, dim),
      `    ${red('failed')} ${run.error?.code ?? ''}  ${printableLine(run.error?.message ?? '')}`,
      ...hintOf(run, dim),
      ...whoWasRefused(run, dim),
    ];
  }
  const files = run.files.map(
    (file) =>
      `    ${file.path.padEnd(nameWidth)}   ${formatCount(file.rows)} ${file.rows === 1 ? 'row' : 'rows'}   ${formatBytes(file.bytes)}   sha256 ${file.sha256.slice(0, 4)}…${file.sha256.slice(-2)}   read back: equal`,
  );
  const none = run.files.length === 0 ? [`    ${dim('nothing changed: no file')}`] : [];
  const imported =
    run.import === undefined
      ? []
      : [
          `    import ${run.import.status}${run.import.rows === undefined ? '' : `, ${formatCount(run.import.rows)} rows`}${run.import.message === undefined ? '' : `: ${printableLine(run.import.message)}`}`,
          ...(run.import.status === 'import-failed' ? [`    ${dim('=')} correct it on the other side, then: reconcile runs retry ${run.id}`] : []),
          ...(run.import.status === 'unknown' ? [`    ${dim('=')} ask again, and tell it only if it knows nothing:  reconcile runs retry ${run.id}`] : []),
        ];
  return [counts, ...retriesOf(run, dim), ...files, ...none, ...imported, ...whoWasRefused(run, dim)];
}

/** Where the other side was in trouble that passed: whoever is on call wants to know it of a success too. */
function retriesOf({ retries, error }: Run, dim: (text: string) => string): readonly string[] {
  return retries === undefined ? [] : [`    ${dim('=')} ${tellRetries(retries, error)}`];
}

/** `retried 3 times, the last time after: cannot write `x`: the store asks to slow down` */
export function tellRetries({ times, last }: NonNullable<Run['retries']>, error: Run['error']): string {
  const often = times === 1 ? 'once' : `${formatCount(times)} times`;
  // What it ended with is told anyway.
  return last === error?.message ? `retried ${often}` : `retried ${often}${times === 1 ? '' : ', the last time'} after: ${printableLine(last)}`;
}

/** A run that failed delivers everything again anyway. */
function whoWasRefused({ refused, status, slot }: Run, dim: (text: string) => string): readonly string[] {
  if (refused === undefined) return [];
  const next = status !== 'success' || slot === null ? '' : `the next slot sends ${refused.rows === 1 ? 'it' : 'them'} again; `;
  return [`    ${dim('=')} ${formatCount(refused.rows)} refused: ${next}who: .reconcile/${refused.list}`];
}

function hintOf(run: Run, dim: (text: string) => string): readonly string[] {
  return run.error?.hint === undefined ? [] : [`    ${dim('=')} ${printableLine(run.error.hint)}`];
}

function summarize(runs: readonly Run[]): string {
  const counts = Map.groupBy(runs, (run) => run.status);
  if (counts.size === 1) return runs[0]?.status ?? 'success';
  return [...counts].map(([status, some]) => `${some.length} ${status}`).join(', ');
}

/** `2026-11-23 12:00 UTC` */
function shortTime(slot: string): string {
  const text = formatInstant(parseInstant(slot) ?? 0);
  return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
}
