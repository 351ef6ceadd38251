import pc from 'picocolors';
import { MINUTE_MS, parseInstant, type Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import { formatSlots } from '../plan/plan-view.ts';
import { displayWidth } from '../support/display-width.ts';
import { BEGIN_ANEW, tellAhead } from '../watch/read-ahead.ts';
import type { ActivationStatus, Status } from '../watch/read-status.ts';
import type { KeptSizes } from '../export/measure-folders.ts';
import { printableLine } from '../support/printable.ts';
import { formatBytes, formatCount, formatDuration } from './format-amount.ts';

export interface RenderStatusOptions {
  readonly now: Instant;
  /** The wall clock, by which runs are recorded; `now` unless it is given. */
  readonly wall?: Instant;
  readonly color: boolean;
  /** Bytes kept on this machine, by kind; told when given. */
  readonly sizes?: KeptSizes;
}

const HEAD = ['ACTIVATION', 'LAST SUCCESS', 'LAST RUN', 'NEXT', 'STATE'];

/** The one on call's screen: a line per activation, what is wrong with it, and what to type; then what is wrong with other resources. */
export function renderStatus({ activations, resources }: Status, options: RenderStatusOptions): string {
  const paint = pc.createColors(options.color);
  if (resources.length === 0) return 'Nothing is applied. Apply the manifests:  reconcile apply';
  const others = resources.filter(
    ({ kind, conditions }) => kind !== 'Activation' && conditions.some(({ type, status }) => type === 'Reconciling' && status === 'True'),
  );
  const notes = others.map(({ kind, name, conditions }) => `${kind}/${name}  ${conditions.find(({ type }) => type === 'Reconciling')?.message ?? ''}`);
  if (activations.length === 0) return [`${formatCount(resources.length)} resources are applied, no Activation among them.`, ...notes].join('\n');
  const conditionsOf = new Map(resources.flatMap(({ kind, name, conditions }) => (kind === 'Activation' ? [[name, conditions] as const] : [])));
  const rows = activations.map((activation) => {
    const conditions = conditionsOf.get(activation.name) ?? [];
    const condition = (type: string): (typeof conditions)[number] | undefined => conditions.find((one) => one.type === type);
    const state = stateOf(condition('Suspended')?.status === 'True', condition('Ready')?.reason ?? '');
    const worst = worstSegment(activation, condition('Stalled')?.message);
    const next = activation.nextSlots.slice(0, 1).map((slot) => parseInstant(slot) ?? 0);
    const cells = [
      activation.name,
      lastSuccess(state === 'Ready' || state === 'Running' ? activation.lastSuccess : slotOf(worst?.lastSuccess), options.now),
      lastRun(activation, worst, state, options),
      next.length === 0 ? '-' : formatSlots(next, options.now).replace(/ UTC$/, ''),
    ];
    return { cells, state, advice: adviceFor(state, activation, worst) };
  });
  const widths = HEAD.map((head, index) => Math.max(displayWidth(head), ...rows.map(({ cells }) => displayWidth(cells[index] ?? ''))));
  const stateWidth = Math.max(...rows.map(({ state }) => state.length), 5);
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(cell)))).join('   ');
  const colored = (state: string): string =>
    (state === 'Ready' || state === 'New'
      ? paint.green
      : state === 'Suspended' || state === 'Running'
        ? paint.cyan
        : state === 'Held' || state === 'Cancelled' || state === 'Unknown'
          ? paint.yellow
          : paint.red)(state.padEnd(stateWidth));
  const table = rows.map(({ cells, state, advice }) => `${line(cells)}   ${colored(state)}${advice === '' ? '' : `   ${advice}`}`.trimEnd());
  const kept = Object.entries(options.sizes ?? {}).map(([kind, bytes]) => `${kind} ${formatBytes(Number(bytes))}`);
  return [paint.bold(line(HEAD).trimEnd()), ...table, ...notes, ...(kept.length === 0 ? [] : ['', `kept here   ${kept.join('   ')}`])].join('\n');
}

const STATES: Readonly<Record<string, string>> = {
  Held: 'Held',
  RunFailed: 'Stalled',
  RunCancelled: 'Cancelled',
  RunInterrupted: 'Stalled',
  SlotOverdue: 'Overdue',
  SlotAhead: 'Ahead',
  ImportUnknown: 'Unknown',
  RunInProgress: 'Running',
  Succeeded: 'Ready',
  NotRunYet: 'New',
};

function stateOf(isSuspended: boolean, reason: string): string {
  return isSuspended ? 'Suspended' : (STATES[reason] ?? 'Ready');
}

/** The segment that the state speaks of; with one segment there is no choice. */
function worstSegment({ segments }: ActivationStatus, message: string | undefined): ActivationStatus['segments'][number] | undefined {
  return (
    segments.find(({ segment }) => message?.startsWith(`${segment}:`)) ??
    segments.toSorted((a, b) => (b.lastRun?.startedAt ?? '').localeCompare(a.lastRun?.startedAt ?? ''))[0]
  );
}

function lastSuccess(text: string | null, now: Instant): string {
  if (text === null) return 'never';
  const at = parseInstant(text) ?? 0;
  const ago = now >= at ? ` (${formatAgo(now - at)} ago)` : '';
  return `${shortTime(at, now)}${ago}`;
}

function slotOf(run: Run | null | undefined): string | null {
  return run === null || run === undefined ? null : (run.slot ?? run.startedAt);
}

/** Of the worst segment, which is named where there are others; of a slot that went well for several, all their rows. */
function lastRun(
  { segments }: ActivationStatus,
  worst: ActivationStatus['segments'][number] | undefined,
  state: string,
  { now, wall = now }: RenderStatusOptions,
): string {
  const run = worst?.lastRun;
  if (run === null || run === undefined) return '-';
  const time = shortTime(parseInstant(slotOf(run) ?? '') ?? 0, now);
  const isOne = segments.length === 1;
  const name = isOne ? '' : ` (${run.segment})`;
  // Whoever was at it is gone.
  const status =
    run.status !== 'running' ? run.status : state === 'Stalled' ? 'interrupted' : `running${forHowLong(wall - (parseInstant(run.startedAt) ?? wall))}`;
  if (status !== 'success') {
    return `${time} ${status}${run.error === undefined ? name : `: ${isOne ? '' : `${run.segment}: `}${shorten(printableLine(run.error.message))}`}`;
  }
  const alike = segments.flatMap(({ lastRun: one }) => (one !== null && one.slot === run.slot && run.slot !== null && one.status === 'success' ? [one] : []));
  const shown = alike.length > 0 ? alike : [run];
  const rows = shown.reduce((sum, { counts }) => sum + counts.activated, 0);
  const refusedRows = shown.reduce((sum, { refused }) => sum + (refused?.rows ?? 0), 0);
  const refused = shown.some((one) => one.refused !== undefined) ? `, ${formatCount(refusedRows)} refused` : '';
  const imported = run.import?.status === 'unknown' ? ', import unknown' : '';
  return `${time} success, ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}${refused}${imported}${shown.length === segments.length ? '' : name}`;
}

function adviceFor(state: string, { name, segments }: ActivationStatus, worst: ActivationStatus['segments'][number] | undefined): string {
  const run: Run | null | undefined = worst?.lastRun;
  if (state === 'Unknown') return `why: reconcile runs show ${run?.id ?? ''}`;
  if (state === 'Held') return `accept or fix: reconcile runs show ${run?.id ?? ''}`;
  if (state === 'Stalled' || state === 'Cancelled') return `reconcile runs show ${run?.id ?? ''}`;
  if (state === 'Overdue') {
    // Segments may have schedules of their own: a slot of one may be off the grid of another.
    const alone = segments.every(({ overdueSlot }) => overdueSlot === worst?.overdueSlot) ? '' : ` --segment ${worst?.segment ?? ''}`;
    return `is watch running?  reconcile run ${name}${alone} --slot ${worst?.overdueSlot ?? ''}`;
  }
  if (state === 'Ahead') return `${tellAhead(parseInstant(worst?.aheadSlot ?? '') ?? 0)} (${BEGIN_ANEW})`;
  return '';
}

/** `06:00` today, else `23 Nov 06:00`. */
function shortTime(at: Instant, now: Instant): string {
  return formatSlots([at], now).replace(/ UTC$/, '');
}

/** Of a run that is under way: one that hangs looks like any other but for this. */
function forHowLong(ms: number): string {
  return ms < MINUTE_MS ? '' : ` for ${formatAgo(ms)}`;
}

function formatAgo(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  if (days > 0) return `${days} d`;
  return formatDuration(ms).replace(/^(\d+ (?:h|min)) .*$/, '$1');
}

const MOST_CHARS = 80;
const MOST_QUOTED_CHARS = 24;

/** Of long paths and addresses the end: what is wrong with them comes after, and has to be seen. */
function shorten(text: string): string {
  const brief = text.replaceAll(/`([^`]+)`/g, (quoted, inner: string) =>
    inner.length <= MOST_QUOTED_CHARS ? quoted : `\`…${inner.slice(1 - MOST_QUOTED_CHARS)}\``,
  );
  return brief.length <= MOST_CHARS ? brief : `${brief.slice(0, MOST_CHARS - 1)}…`;
}
