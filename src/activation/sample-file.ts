import type { AttributesSpec } from '../model/generated/kinds.ts';
import type { EffectiveActivation, EffectiveFile } from './effective.ts';
import type { ResolvedColumn } from './resolve-mapping.ts';
import { own } from '../support/own.ts';

/** A few invented lines in the very form of an activation's files: what the other side is set up with. */
export interface SampleFile {
  readonly columns: readonly string[];
  readonly text: string;
}

/** Undefined for Parquet, which is no text. Pure: always the same lines. */
export function buildSampleFile(
  { mapping }: Pick<EffectiveActivation, 'mapping'>,
  file: EffectiveFile,
  attributes: AttributesSpec | undefined,
): SampleFile | undefined {
  const columns = mapping.map(({ target }) => target);
  if (file.format === 'parquet') return undefined;
  const rows = [1, 2].map((row) => mapping.map((column) => sampleValue(column, row, attributes, file)));
  if (file.format === 'json') {
    const objects = rows.map((values) => JSON.stringify(Object.fromEntries(values.map((value, index) => [columns[index], value]))));
    return { columns, text: file.json.array ? `[${objects.join(',')}]\n` : `${objects.join('\n')}\n` };
  }
  const end = file.csv.lineEnding === 'CRLF' ? '\r\n' : '\n';
  const lines = [...(file.csv.header ? [columns] : []), ...rows.map((values) => values.map(String))];
  return { columns, text: lines.map((line) => `${line.map((value) => quoteValue(value, file)).join(file.csv.delimiter)}${end}`).join('') };
}

function quoteValue(value: string, { csv }: EffectiveFile): string {
  const { quote, escape, delimiter, quoteAll } = csv;
  if (quote === '' || (!quoteAll && ![quote, delimiter, '\n', '\r'].some((text) => value.includes(text)))) return value;
  return quote + value.replaceAll(quote, escape + quote) + quote;
}

function sampleValue(column: ResolvedColumn, row: number, attributes: AttributesSpec | undefined, file: EffectiveFile): string | number | boolean {
  const { kind, target, path = '' } = column;
  if (kind === 'status') return row === 1 ? 'realized' : 'exited';
  if ('transform' in column.entry && column.entry.transform === 'sha256') return String(row).repeat(64);
  if (/e-?mail/i.test(`${target} ${path}`)) return `person${row}@example.com`;
  if (kind === 'identity') return `id-${row}`;
  const type = own(attributes?.fields, path)?.type ?? 'string';
  return sampleOfType(typeof type === 'string' ? type : 'string', target, row, file);
}

function sampleOfType(type: string, target: string, row: number, { csv }: EffectiveFile): string | number | boolean {
  if (type === 'integer') return row;
  if (type === 'double' || type.startsWith('decimal')) return row + 0.5;
  if (type === 'boolean') return row === 1;
  if (type === 'date') return writeTime(csv.dateFormat, row);
  if (type === 'timestamp') return writeTime(csv.timestampFormat, row);
  return `${target} ${row}`;
}

function writeTime(format: string, row: number): string {
  const parts: Readonly<Record<string, string>> = { YYYY: '1990', MM: '01', DD: `0${row}`, HH: '12', mm: '30', ss: '00' };
  return format.replace(/YYYY|MM|DD|HH|mm|ss/g, (letters) => parts[letters] ?? letters);
}
