import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import type { FileSettings } from './file-settings.ts';
import { isNested, jsonText, textOf, type OutputColumn } from './output-columns.ts';
import type { RenderColumn } from './select-rows.ts';

type Expression = Exclude<SqlPart, string>;

/** The name of the one column of a query that gives finished lines. */
const LINE_COLUMN = 'line';

/**
 * True when the engine's own writer would not write what was asked for, so that lines are made in SQL: JSON that must keep the digits of decimals
 * (the writer makes 90000.00 to 90000.0), also inside of values, CSV whose empty text or quoting it has no option for.
 */
export function needsLines(settings: FileSettings, columns: readonly OutputColumn[]): boolean {
  if (settings.format === 'json') return columns.some(({ type }) => type.startsWith('decimal') || isNested(type));
  if (settings.format !== 'csv') return false;
  const { csv } = settings;
  // What the writer does by itself: NULL is nothing, the empty text is two quotes.
  const plainEmpty = csv.nullValue === '' && (csv.emptyValue === undefined || csv.emptyValue === csv.quote + csv.quote) && csv.quote !== '';
  const ascii = [csv.delimiter, csv.quote, csv.escape].every((text) => /^[\x20-\x7e\t]*$/.test(text));
  return !plainEmpty || !ascii || csv.delimiter.length !== 1 || (csv.quote !== '' && csv.escape !== csv.quote) || csv.quoteAll;
}

/** How one column is written by the engine's own writer. */
export function renderFor(settings: FileSettings): RenderColumn {
  const clean = settings.spacesForLineBreaks ? withoutLineBreaks : (_column: OutputColumn, value: Expression): Expression => value;
  if (settings.format === 'csv') return (column) => clean(column, column.text ?? (isNested(column.type) ? jsonText(column.value) : column.value));
  return (column) => clean(column, column.value);
}

/** A column's value inside a JSON object: decimals keep their digits. */
function jsonValue(column: OutputColumn, value: Expression): Sql {
  const { type } = column;
  if (type.startsWith('decimal')) return sql`coalesce(${jsonNumber(sql`cast(${column.text ?? value} as varchar)`)}, 'null')`;
  // As the engine's own writer has them: its cast of a year before Christ to a text is another spelling.
  if (type === 'date') return sql`coalesce('"' || strftime(${value}, '%Y-%m-%d') || '"', 'null')`;
  if (type === 'timestamp') return sql`coalesce('"' || strftime(${value}, '%Y-%m-%dT%H:%M:%SZ') || '"', 'null')`;
  return sql`coalesce(${isNested(type) ? jsonText(value) : sql`cast(to_json(${value}) as varchar)`}, 'null')`;
}

/** The line of one row. `columns` name their values in an inner query, so that each is computed once. */
export function lineQuery(inner: Sql, settings: FileSettings, columns: readonly OutputColumn[]): Sql {
  const cells = columns.map((column) => ident('r', column.target));
  const line = settings.format === 'json' ? jsonLine(columns, cells) : csvLine(settings, columns, cells);
  return sql`select ${line} as ${ident(LINE_COLUMN)} from (${inner}) r`;
}

/** How a column comes into the inner query of `lineQuery`. */
export function renderForLines(settings: FileSettings): RenderColumn {
  if (settings.format === 'json') return (column) => jsonValue(column, column.value);
  const formatted = (column: OutputColumn): Expression => {
    if (column.text !== undefined) return column.text;
    if (column.type === 'date') return sql`strftime(${column.value}, ${literal(settings.csv.dateFormat)})`;
    if (column.type === 'timestamp') return sql`strftime(${column.value}, ${literal(settings.csv.timestampFormat)})`;
    return textOf(column);
  };
  return (column) => (settings.spacesForLineBreaks ? withoutLineBreaks(column, formatted(column)) : formatted(column));
}

/** The header line of a CSV file whose lines we make. */
export function headerLine(settings: FileSettings, columns: readonly OutputColumn[]): string {
  const { delimiter, quote, escape, quoteAll } = settings.csv;
  const before = escape === quote ? '' : escape;
  return columns
    .map(({ target }) => {
      const special = [delimiter, quote, before, '\n', '\r'].some((text) => text !== '' && target.includes(text)) || target === '';
      if (quote === '' || !(quoteAll || special)) return target;
      const escaped = before === '' ? target : target.replaceAll(before, () => before + before);
      return `${quote}${escaped.replaceAll(quote, () => `${escape}${quote}`)}${quote}`;
    })
    .join(delimiter);
}

function jsonLine(columns: readonly OutputColumn[], cells: readonly Expression[]): Sql {
  const members = columns.map((column, index) => sql`${literal(`${index === 0 ? '' : ','}${JSON.stringify(column.target)}:`)} || ${cells[index] ?? sql`null`}`);
  return sql`concat('{', ${concat(members)}, '}')`;
}

function csvLine(settings: FileSettings, columns: readonly OutputColumn[], cells: readonly Expression[]): Sql {
  const { delimiter, nullValue, quote } = settings.csv;
  const empty = settings.csv.emptyValue ?? quote + quote;
  return concat(
    columns.map((_column, index) => {
      const value = cells[index] ?? sql`null`;
      const cell = sql`case when ${value} is null then ${literal(nullValue)} when ${value} = '' then ${literal(empty)} else ${quotedCell(settings, value)} end`;
      return index === 0 ? cell : sql`${literal(delimiter)} || ${cell}`;
    }),
  );
}

/** A value with its quotes, where it needs them: it holds the delimiter, a quote, a line break, or reads like NULL or the empty text. */
function quotedCell(settings: FileSettings, value: Expression): Sql {
  const { delimiter, quote, escape, quoteAll, nullValue, emptyValue } = settings.csv;
  if (quote === '') return sql`${value}`;
  const escaped =
    escape === ''
      ? sql`${value}`
      : sql`replace(${escape === quote ? value : sql`replace(${value}, ${literal(escape)}, ${literal(escape + escape)})`}, ${literal(quote)}, ${literal(escape + quote)})`;
  const wrapped = sql`${literal(quote)} || ${escaped} || ${literal(quote)}`;
  if (quoteAll) return wrapped;
  const special = [delimiter, quote, '\n', '\r', ...(escape === quote || escape === '' ? [] : [escape])].map(
    (text) => sql`contains(${value}, ${literal(text)})`,
  );
  const ambiguous = [nullValue, emptyValue ?? ''].filter((text) => text !== '').map((text) => sql`${value} = ${literal(text)}`);
  return sql`case when ${joinSql([...special, ...ambiguous], ' or ')} then ${wrapped} else ${value} end`;
}

function withoutLineBreaks(column: OutputColumn, value: Expression): Expression {
  return column.type === 'string' || isNested(column.type) ? sql`regexp_replace(${value}, ${literal('\r\n|\r|\n')}, ' ', 'g')` : value;
}

/** A number that JSON allows: no plus sign, no leading zeros, digits on both sides of the point or no point. */
function jsonNumber(text: Sql): Sql {
  return sql`regexp_replace(regexp_replace(regexp_replace(regexp_replace(${text}, '^[+]', ''), '^(-?)0*([0-9])', '\\1\\2'), '^(-?)[.]', '\\10.'), '[.]$', '')`;
}

function concat(parts: readonly Sql[]): Sql {
  return sql`concat(${joinSql(
    parts.map((part) => sql`(${part})`),
    ', ',
  )})`;
}
