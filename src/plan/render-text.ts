import type { Change, ImpactRow } from '../model/plan.ts';
import { displayWidth } from '../support/display-width.ts';
import { printable } from '../support/printable.ts';
import { describeChange, type ChangeText, type FieldText } from './describe-change.ts';
import { applyCommand, formatCount, formatDelta, formatExcluded, formatMinute, formatSlots, summarizePlan, type PlanView } from './plan-view.ts';
import { renderTable } from './render-table.ts';

/** Colours, or functions that return the text as it is. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

export interface TextOptions {
  readonly paint: Paint;
  readonly width: number;
  /** Shows the content of what is created, and every change where there are very many. */
  readonly verbose: boolean;
}

/** More changes than this of one action are counted instead of listed. */
const MAX_LISTED = 100;
/** Nobody reads more rows of people on a screen. */
const MAX_IMPACT_ROWS = 50;

/** The plan for a terminal: what changes, where, why, whom it touches, what is dangerous, what to type next. Colours repeat what words say. */
export function renderPlanText(view: PlanView, options: TextOptions): string {
  const { plan } = view;
  const blocks = [renderHead(view, options), ...renderChanges(plan.changes, options), ...renderPeople(view, options), ...renderDangers(view, options)];
  const tail = renderTail(view, options);
  return `${[...blocks, ...(tail === '' ? [] : [tail])].join('\n\n')}\n`;
}

function renderHead(view: PlanView, { paint, width }: TextOptions): string {
  const { changes, summary } = view.plan;
  const what =
    changes.length === 0
      ? `No changes: ${formatCount(summary.unchanged)} of ${formatCount(summary.unchanged)} resources are applied as declared`
      : `Plan: ${summarizePlan(view.plan)}`;
  const when = view.sourcesReadAt === undefined ? '' : `sources read ${formatMinute(view.sourcesReadAt)}`;
  return rightAlign(paint.bold(what), displayWidth(what), paint.dim(when), when.length, width);
}

function renderChanges(changes: readonly Change[], options: TextOptions): string[] {
  const blocks: string[] = [];
  const section = (action: Change['action']): void => {
    const own = changes.filter((change) => change.action === action);
    const shown = options.verbose ? own : own.slice(0, MAX_LISTED);
    const texts = shown.map((change) => renderChange(change, options));
    const rest = own.length - shown.length;
    if (rest > 0) texts.push(options.paint.dim(`    … and ${formatCount(rest)} more to ${action} (all of them: --verbose or --json)`));
    if (texts.length === 0) return;
    if (action === 'delete') blocks.push(options.paint.red(options.paint.bold('To delete')));
    // Creates are one line each; what has lines below it gets room.
    blocks.push(texts.join(texts.some((text) => text.includes('\n')) ? '\n\n' : '\n'));
  };
  section('delete');
  section('update');
  section('create');
  return blocks;
}

function renderChange(change: Change, options: TextOptions): string {
  const { paint, width, verbose } = options;
  const text = describeChange(change);
  const color = { '+': paint.green, '~': paint.yellow, '-': paint.red }[text.sign];
  const head = `  ${text.sign} ${text.name}`;
  const lines = [rightAlign(`  ${color(text.sign)} ${paint.bold(text.name)}`, displayWidth(head), paint.dim(text.place), displayWidth(text.place), width)];
  lines.push(...renderFields(text, paint));
  if (verbose && change.action === 'create')
    lines.push(
      ...JSON.stringify(change.after.spec, undefined, 2)
        .split('\n')
        .map((line) => paint.dim(`      ${line}`)),
    );
  for (const reason of text.because) lines.push(`      ${paint.dim('because')}    ${printable(reason)}`);
  for (const note of text.notes) lines.push(`      ${paint.yellow(`! ${printable(note)}`)}`);
  return lines.join('\n');
}

function renderFields({ fields }: ChangeText, paint: Paint): string[] {
  const width = Math.max(...fields.map(({ label }) => displayWidth(label)), 0);
  return fields.flatMap((field) => [
    `      ${printable(field.label)}${field.words === undefined ? '' : `${' '.repeat(Math.min(width, 48) - Math.min(displayWidth(field.label), Math.min(width, 48)))}   ${paintWords(field, paint)}`}`,
    ...(field.lines ?? []).map(({ sign, text }) => {
      const line = `        ${sign} ${printable(text)}`.trimEnd();
      return sign === '+' ? paint.green(line) : sign === '-' ? paint.red(line) : paint.dim(line);
    }),
  ]);
}

function paintWords({ change, words = '' }: FieldText, paint: Paint): string {
  const text = printable(words);
  return change === 'added' ? paint.green(text) : change === 'removed' ? paint.red(text) : text;
}

function renderPeople({ impact, uncounted = [] }: PlanView, { paint }: TextOptions): string[] {
  const missing = uncounted.map((text) => paint.yellow(`! ${printable(text)}`));
  if (impact.length === 0) return missing.length === 0 ? [] : [missing.join('\n')];
  const shown = impact.slice(0, MAX_IMPACT_ROWS);
  const rows = shown.map((row) => ({
    cells: impactCells(row),
    below: [
      ...(row.startsOver === undefined ? [] : [paint.yellow(`! ${printable(row.startsOver)}`)]),
      ...(row.held === undefined ? [] : heldLines(row.held, paint)),
    ],
  }));
  const table = renderTable(['ACTIVATION', 'SEGMENT', 'MEMBERS', 'IN', 'OUT', 'EXCLUDED', 'NEXT FILE'], rows, {
    right: [2, 3, 4],
    indent: '  ',
    below: 1,
    heading: paint.dim,
  });
  const rest = impact.length - shown.length;
  return [[paint.bold('In people'), table, ...(rest > 0 ? [`  … and ${rest} more rows (--json has all of them)`] : []), ...missing].join('\n')];
}

function impactCells(row: ImpactRow): string[] {
  return [
    row.activation,
    row.segment,
    formatCount(row.members),
    formatDelta(row.added, '+'),
    formatDelta(row.removed, '-'),
    formatExcluded(row.excluded),
    printable(row.files[0] ?? ''),
  ];
}

function heldLines(held: NonNullable<ImpactRow['held']>, paint: Paint): string[] {
  return [paint.yellow(`! ${printable(held.message)}`), `  accept this once:  ${held.accept}`];
}

function renderDangers(view: PlanView, { paint }: TextOptions): string[] {
  const lines: string[] = [];
  const { guard } = view;
  if (guard.exceeded.length > 0) {
    for (const text of guard.exceeded) lines.push(paint.red(`! ${text}: apply will be held (exit 3)`));
    lines.push(`  accept this once:  ${applyCommand(view)} --allow-deletes=${guard.deletes}`);
  }
  for (const { key, path, reason } of view.notCompared.slice(0, MAX_LISTED))
    lines.push(paint.yellow(`! ${key} ${path}: secret not compared, ${printable(reason)}`));
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function renderTail(view: PlanView, { paint }: TextOptions): string {
  const lines: string[] = [];
  const width = Math.max(...view.nextSlots.map(({ activation }) => activation.length), 0);
  for (const [index, { activation, slots }] of view.nextSlots.slice(0, MAX_IMPACT_ROWS).entries()) {
    lines.push(`${index === 0 ? 'Next slots' : '          '}  ${activation.padEnd(width)}  ${formatSlots(slots, view.now)}`);
  }
  if (view.plan.changes.length > 0) {
    const digest = `(digest ${view.plan.digest.slice(0, 4)}…${view.plan.digest.slice(-2)})`;
    const what = view.savedAs === undefined ? 'Apply:' : 'Apply exactly this:';
    lines.push(`${what}  ${paint.bold(applyCommand(view))}       ${paint.dim(digest)}`);
  }
  return lines.join('\n');
}

function rightAlign(left: string, leftWidth: number, right: string, rightWidth: number, width: number): string {
  if (rightWidth === 0) return left;
  return `${left}${' '.repeat(Math.max(2, Math.min(width, 120) - leftWidth - rightWidth))}${right}`;
}
