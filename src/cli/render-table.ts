import { displayWidth } from '../support/display-width.ts';

/** Rows as a table with a header; NULL is empty. Columns are as wide as their widest cell. */
export function renderTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => names.map((name) => oneLine(row[name])));
  const widths = names.map((name, index) => Math.max(displayWidth(name), ...cells.map((row) => displayWidth(row[index] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - displayWidth(cell)))
      .join('   ')
      .trimEnd();
  return [line(names), ...cells.map(line)].join('\n');
}

/** Control characters could move a terminal's cursor: they are shown as a dot. */
function oneLine(value: unknown): string {
  // oxlint-disable-next-line no-control-regex
  return value === null || value === undefined ? '' : String(value).replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '·');
}
