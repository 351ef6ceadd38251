import type { Change } from '../model/plan.ts';
import { describeChange, type FieldText } from './describe-change.ts';
import { applyCommand, formatCount, formatDelta, formatExcluded, formatMinute, formatSlots, summarizePlan, type PlanView } from './plan-view.ts';

/** GitHub refuses comments over 65,536 characters; the rest is room for what a job puts around. */
export const MAX_MARKDOWN_CHARACTERS = 60_000;
/** Kept for what stands after the details. */
const RESERVED_CHARACTERS = 400;

/**
 * The plan as a comment on a pull request. Begins with a hidden marker by which a job finds its own comment again. Never longer than 60,000
 * characters: dangers, deletions and people come first, details are left out from the end, and the text says how many.
 */
export function renderPlanMarkdown(view: PlanView, project: string): string {
  const { plan, impact, guard } = view;
  const people = { added: sum(impact.map(({ added }) => added)), removed: sum(impact.map(({ removed }) => removed)) };
  const deletes = plan.changes.filter(({ action }) => action === 'delete');
  const others = plan.changes.filter(({ action }) => action !== 'delete');
  const head = [
    `<!-- reconcile plan: ${project}${plan.environment === null ? '' : ` ${plan.environment}`} -->`,
    `### ${project}${plan.environment === null ? '' : ` (${escapeText(plan.environment)})`}: ${plan.changes.length === 0 ? 'no changes' : headline(view)}`,
    '',
    plan.changes.length === 0 ? `${formatCount(plan.summary.unchanged)} resources are applied as declared.` : `${summarizePlan(plan)}.`,
    ...(impact.length === 0 ? [] : [`**People:** ${formatDelta(people.added, '+')} in, ${formatDelta(people.removed, '-')} out.`]),
    ...(view.sourcesReadAt === undefined ? [] : [`Sources read ${formatMinute(view.sourcesReadAt)}.`]),
  ].join('\n');
  const tail = [
    ...(plan.changes.length === 0 ? [] : [`Apply${view.savedAs === undefined ? '' : ' exactly this'}: \`${applyCommand(view)}\``]),
    `<sub>digest ${plan.digest}</sub>`,
  ].join('\n\n');

  const out = createBudget(MAX_MARKDOWN_CHARACTERS - tail.length - RESERVED_CHARACTERS);
  out.add(head);
  const dangers = [
    ...guard.exceeded.map((text) => `- :warning: ${text}: apply will be held. To accept this once: \`${applyCommand(view)} --allow-deletes=${guard.deletes}\``),
    ...impact.flatMap(({ activation, segment, startsOver }) =>
      startsOver === undefined ? [] : [`- :warning: ${activation} / ${segment}: ${escapeText(startsOver)}.`],
    ),
    ...impact.flatMap(({ activation, segment, held }) =>
      held === undefined ? [] : [`- :warning: ${activation} / ${segment}: ${escapeText(held.message)}. To accept this once: \`${held.accept}\``],
    ),
    ...(view.uncounted ?? []).map((text) => `- :warning: ${escapeText(text)}`),
    ...view.notCompared.map(({ key, path, reason }) => `- ${key} ${path}: secret not compared, ${escapeText(reason)}`),
  ];
  out.addLines(dangers, '\n\n', (rest) => `- … and ${rest} more warnings`);
  if (deletes.length > 0) {
    out.add('\n\n#### To delete\n');
    out.addLines(
      deletes.map((change) => `- **${change.kind}/${change.name}** (${place(change)})`),
      '\n',
      (rest) => `- … and ${rest} more to delete`,
    );
  }
  if (impact.length > 0) {
    out.add('\n\n#### In people\n\n| activation | segment | members | in | out | excluded | next file |\n|---|---|--:|--:|--:|---|---|');
    const rows = impact.map(
      (row) =>
        `| ${[row.activation, row.segment, formatCount(row.members), formatDelta(row.added, '+'), formatDelta(row.removed, '-'), formatExcluded(row.excluded), row.files[0] ?? ''].map(escapeCell).join(' | ')} |`,
    );
    out.addLines(rows, '\n', (rest) => `\n… and ${rest} more rows`);
  }
  out.addLines(
    view.nextSlots.map(({ activation, slots }) => `- ${activation}: ${formatSlots(slots, view.now)}`),
    '\n\n**Next slots**\n\n',
    (rest) => `- … and ${rest} more activations`,
  );
  if (others.length > 0) {
    out.add('\n\n#### Changes\n');
    out.addLines(others.map(renderDetails), '\n', (rest) => `\n… and ${formatCount(rest)} more changes: see \`${view.command} plan\``);
  }
  return `${out.text()}\n\n${tail}\n`;
}

function headline({ plan: { summary } }: PlanView): string {
  const parts = [
    summary.delete > 0 ? `**${formatCount(summary.delete)} delete**` : '',
    summary.create > 0 ? `${formatCount(summary.create)} create` : '',
    summary.update > 0 ? `${formatCount(summary.update)} update` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function renderDetails(change: Change): string {
  const { sign, name, fields, because, notes } = describeChange(change);
  const lines =
    change.action === 'create'
      ? JSON.stringify(change.after.spec, undefined, 2)
          .split('\n')
          .map((line) => `+ ${line}`)
      : fields.flatMap(renderField);
  const words = [...because.map((text) => `because ${escapeText(text)}`), ...notes.map((text) => `:warning: ${escapeText(text)}`)];
  const text = lines.join('\n');
  const body = [...(lines.length === 0 ? [] : [fence(text)]), ...words.map((line) => `${line}<br>`)].join('\n\n');
  return `<details><summary><code>${sign}</code> <b>${name}</b> (${place(change)})</summary>\n\n${body}\n\n</details>`;
}

function renderField({ label, change, words, lines = [] }: FieldText): string[] {
  const sign = change === 'added' ? '+' : change === 'removed' ? '-' : '!';
  const own = lines.map((line) => `${line.sign}   ${line.text}`.trimEnd());
  return [`${sign} ${label}${words === undefined ? '' : `  ${words}`}`, ...own];
}

/** Longer than any run of backquotes inside, so that nothing inside ends it. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}diff\n${text.replaceAll('\r', '\ufffd')}\n${marks}`;
}

function place({ source }: Change): string {
  return escapeText(`${source.file}:${source.line}`);
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll('@', '&#64;');
}

function escapeCell(text: string): string {
  return escapeText(text).replaceAll('|', '\\|');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

interface Budget {
  add(text: string): void;
  /** As many of the lines as fit; what stands for the others is counted in. */
  addLines(lines: readonly string[], before: string, rest: (count: number) => string): void;
  text(): string;
}

function createBudget(limit: number): Budget {
  let text = '';
  const note = 120;
  return {
    add(more) {
      if (text.length + more.length <= limit) text += more;
    },
    addLines(lines, before, rest) {
      if (lines.length === 0 || text.length + before.length + note > limit) return;
      text += before;
      for (const [index, line] of lines.entries()) {
        if (text.length + line.length + 1 + note > limit) {
          text += `\n${rest(lines.length - index)}`;
          return;
        }
        text += `${index === 0 ? '' : '\n'}${line}`;
      }
    },
    text: () => text,
  };
}
