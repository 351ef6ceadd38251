import { displayWidth } from '../support/display-width.ts';
import { printable } from '../support/printable.ts';

interface Marked {
  readonly line: number;
  readonly source: string;
  /** From 1, in code points. */
  readonly column: number;
  /** In code points. */
  readonly length: number;
  readonly label: string | undefined;
}

interface Paint {
  readonly dim: (text: string) => string;
  readonly mark: (text: string) => string;
}

const MAX_CHARACTERS = 160;
/** What stays visible before the caret when a long line is cut. */
const LEAD_CHARACTERS = 60;

/** The source line with a caret under the token, as three lines. Tabs, wide and invisible characters do not shift the caret. */
export function renderFrame(marked: Marked, gutterWidth: number, paint: Paint): string[] {
  const characters = [...marked.source.replace(/\r$/, '')];
  const at = Math.min(marked.column - 1, characters.length);
  const start = characters.length > MAX_CHARACTERS ? Math.max(0, at - LEAD_CHARACTERS) : 0;
  const end = Math.min(characters.length, start + MAX_CHARACTERS);
  const show = (from: number, to: number): string => characters.slice(from, to).map(printable).join('');
  const head = start > 0 ? '…' : '';
  const before = head + show(start, at);
  const token = show(at, Math.min(at + marked.length, end));
  const after = show(Math.min(at + marked.length, end), end) + (end < characters.length ? '…' : '');
  const empty = paint.dim(`${' '.repeat(gutterWidth)} |`);
  const carets = '^'.repeat(Math.max(1, displayWidth(token)));
  const label = marked.label === undefined ? '' : ` ${marked.label}`;
  return [
    empty,
    `${paint.dim(`${String(marked.line).padStart(gutterWidth)} |`)} ${before}${token}${after}`.trimEnd(),
    `${empty} ${' '.repeat(displayWidth(before))}${paint.mark(carets + label)}`,
  ];
}
