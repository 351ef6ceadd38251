import { childOf, writeElement, type XmlElement } from './xml.ts';

/** A row: attributes by their path (`@id`, `@workflow-id`). */
export type Row = Readonly<Record<string, string>>;

/** What a query fails with, as Campaign words it. */
export class QueryError extends Error {}

/**
 * Executes an `xtk:queryDef` over rows: select, get, getIfExists, count; conditions `@a = 'x'`, `@a > 1`, joined by AND; order; line count.
 * An attribute that the table lacks fails the whole query with XTK-170036, as real servers do.
 */
export function executeQuery(
  query: XmlElement,
  tables: Readonly<Record<string, readonly Row[]>>,
  columns: Readonly<Record<string, readonly string[]>>,
): string {
  const { schema = '', operation = 'select', lineCount = '200', startLine = '0' } = query.attributes;
  const table = tables[schema];
  if (table === undefined) throw new QueryError(`XTK-170005 The schema '${schema}' does not exist`);
  const known = columns[schema] ?? [];
  const wanted = (childOf(query, 'select')?.children ?? []).map((node) => plainPath(node.attributes['expr'] ?? ''));
  const conditions = (childOf(query, 'where')?.children ?? []).flatMap((node) => splitCondition(node.attributes['expr'] ?? ''));
  const order = (childOf(query, 'orderBy')?.children ?? []).map((node) => ({
    path: plainPath(node.attributes['expr'] ?? ''),
    descending: node.attributes['sortDesc'] === 'true',
  }));
  for (const path of [...wanted, ...conditions.map(({ path }) => path), ...order.map(({ path }) => path)]) {
    if (!known.includes(path)) throw new QueryError(`XTK-170036 Unable to parse expression '${path}'. XTK-170040 Unknown attribute '${path}'`);
  }
  const found = table.filter((row) => conditions.every((condition) => holds(row, condition)));
  const sorted = found.toSorted((a, b) => compareRows(a, b, order));
  const element = schema.slice(schema.indexOf(':') + 1);
  const write = (row: Row): string => writeRow(element, row, wanted);
  if (operation === 'count') return writeElement(element, { count: found.length });
  if (operation === 'select')
    return writeElement(`${element}-collection`, {}, sorted.slice(Number(startLine), Number(startLine) + Number(lineCount)).map(write));
  const [first] = sorted;
  if (first === undefined && operation === 'get') throw new QueryError(`XTK-170061 No '${element}' with the criterion`);
  return first === undefined ? writeElement(element, {}) : write(first);
}

interface Condition {
  readonly path: string;
  readonly operator: string;
  readonly value: string;
  readonly text: boolean;
}

/** `[@workflow-id]` and `@workflow-id` are the same attribute. */
function plainPath(expression: string): string {
  return expression.replace(/^\[(.*)\]$/, '$1');
}

function splitCondition(expression: string): readonly Condition[] {
  const pattern = /^\s*(\[[^\]]+\]|@[\w-]+)\s*(>=|<=|<>|=|>|<)\s*('(?:[^'\\]|\\.)*'|\d+|#[^#]+#)\s*(?:AND\s+|$)/iu;
  const conditions: Condition[] = [];
  let rest = expression;
  while (rest !== '') {
    const match = pattern.exec(rest);
    if (match === null) throw new QueryError(`XTK-170036 Unable to parse expression '${expression}'`);
    const [whole, path = '', operator = '', literal = ''] = match;
    const value = literal.startsWith("'") ? literal.slice(1, -1).replaceAll(/\\(.)/g, '$1') : literal.replaceAll('#', '');
    conditions.push({ path: plainPath(path), operator, value, text: literal.startsWith("'") });
    rest = rest.slice(whole.length);
  }
  return conditions;
}

function holds(row: Row, { path, operator, value }: Condition): boolean {
  const order = compareValues(row[path] ?? '', value);
  if (operator === '=') return order === 0;
  if (operator === '<>') return order !== 0;
  if (operator === '>') return order > 0;
  if (operator === '<') return order < 0;
  return operator === '>=' ? order >= 0 : order <= 0;
}

function compareValues(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareRows(a: Row, b: Row, order: readonly { readonly path: string; readonly descending: boolean }[]): number {
  for (const { path, descending } of order) {
    const found = compareValues(a[path] ?? '', b[path] ?? '');
    if (found !== 0) return descending ? -found : found;
  }
  return 0;
}

function writeRow(element: string, row: Row, wanted: readonly string[]): string {
  return writeElement(element, Object.fromEntries(wanted.map((path) => [path.replace(/^@/, ''), row[path] ?? ''])));
}
