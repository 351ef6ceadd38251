import { displayWidth } from '../support/display-width.ts';

interface TableRow {
  readonly cells: readonly string[];
  /** Lines under the row. */
  readonly below: readonly string[];
}

interface TableOptions {
  /** Columns that hold numbers. */
  readonly right: readonly number[];
  readonly indent: string;
  /** The column under which lines below a row begin. */
  readonly below: number;
  readonly heading: (text: string) => string;
}

/** Columns as wide as their widest cell; columns that hold nothing at all are left out. */
export function renderTable(headings: readonly string[], rows: readonly TableRow[], { right, indent, below, heading }: TableOptions): string {
  const used = headings.map((_, column) => rows.some(({ cells }) => (cells[column] ?? '') !== ''));
  const widths = headings.map((text, column) => Math.max(text.length, ...rows.map(({ cells }) => displayWidth(cells[column] ?? ''))));
  const line = (cells: readonly string[]): string => {
    const padded = headings.map((_, column) => {
      const text = cells[column] ?? '';
      const gap = ' '.repeat((widths[column] ?? 0) - displayWidth(text));
      return right.includes(column) ? gap + text : text + gap;
    });
    return `${indent}${padded.filter((_, column) => used[column]).join('  ')}`.trimEnd();
  };
  const offset = indent + ' '.repeat(widths.slice(0, below).reduce((sum, width) => sum + width + 2, 0));
  return [heading(line(headings)), ...rows.flatMap((row) => [line(row.cells), ...row.below.map((text) => offset + text)])].join('\n');
}
