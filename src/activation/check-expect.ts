import { isLongNumber } from '../model/decimal.ts';
import { parseInstant } from '../model/instant.ts';
import type { AttributesSpec, MappingEntry } from '../model/generated/kinds.ts';
import { pointerTo, type Report } from './finding.ts';
import type { ResolvedColumn } from './resolve-mapping.ts';
import { own } from '../support/own.ts';

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'decimal', 'double']);
const TIMES: ReadonlySet<string> = new Set(['date', 'timestamp']);

/** What is wrong with a pattern, if anything; the segment room knows what the engine's patterns can say. */
export type PatternProblem = (pattern: string) => { readonly message: string; readonly hint: string } | undefined;

/** Expectations that could not be judged, or never be met, are told here rather than at night in an export. */
export function checkExpect(
  column: ResolvedColumn,
  attributes: readonly (readonly [string, AttributesSpec])[],
  patternProblem: PatternProblem,
  report: Report,
): void {
  const { entry, index, kind } = column;
  const expect = entry.expect;
  if (expect === undefined || index === undefined || kind === 'status') return;
  const at = (...keys: readonly string[]): string => pointerTo('spec', 'mapping', index, 'expect', ...keys);
  if (expect.unique === true && 'expression' in entry)
    report({
      code: 'RC1327',
      pointer: at('unique'),
      part: 'key',
      message: '`unique` looks at an attribute or an identity, and this column is an expression',
      hint: 'expect it of the attribute that the expression reads',
    });
  const problem = expect.pattern === undefined ? undefined : patternProblem(expect.pattern);
  if (problem !== undefined) report({ code: 'RC1327', pointer: at('pattern'), message: problem.message, hint: problem.hint });
  for (const type of typesOf(entry, attributes)) {
    checkRange(expect.range, type, at, report);
    if (expect.values !== undefined && NUMBERS.has(type) && expect.values.some((value) => numberOf(value) === undefined))
      report({
        code: 'RC1327',
        pointer: at('values'),
        part: 'key',
        message: `the column is of the type ${type}, and not all its \`values\` are numbers`,
        hint: 'write them without quotes',
      });
    const noTime = TIMES.has(type) ? expect.values?.find((value) => typeof value !== 'string' || parseInstant(value) === undefined) : undefined;
    if (noTime !== undefined)
      report({
        code: 'RC1327',
        pointer: at('values'),
        part: 'key',
        message: `the column is of the type ${type}, and \`${noTime}\` among its \`values\` is no time`,
        hint: 'write it as 2026-12-01 or 2026-12-01T02:00:00Z',
      });
  }
}

function checkRange(
  range: { readonly min?: number | string; readonly max?: number | string } | undefined,
  type: string,
  at: (...keys: readonly string[]) => string,
  report: Report,
): void {
  if (range === undefined) return;
  if (!NUMBERS.has(type) && !TIMES.has(type)) {
    report({
      code: 'RC1327',
      pointer: at('range'),
      part: 'key',
      message: `\`range\` is for numbers, dates and times, and the column is of the type ${type}`,
      hint: 'use `pattern` or `values`',
    });
    return;
  }
  const bounds: number[] = [];
  for (const key of ['min', 'max'] as const) {
    const bound = range[key];
    if (bound === undefined) continue;
    const value = NUMBERS.has(type) ? numberOf(bound) : typeof bound === 'string' ? parseInstant(bound) : undefined;
    if (value === undefined)
      report({
        code: 'RC1327',
        pointer: at('range', key),
        message: `\`${bound}\` is no ${NUMBERS.has(type) ? 'number' : 'time'}, and the column is of the type ${type}`,
        hint: NUMBERS.has(type) ? 'write it without quotes' : 'write it as 2026-12-01 or 2026-12-01T02:00:00Z',
      });
    else bounds.push(value);
  }
  const [min = 0, max = min] = bounds;
  if (bounds.length === 2 && min > max)
    report({ code: 'RC1327', pointer: at('range'), part: 'key', message: 'nothing is in the range: `min` is greater than `max`', hint: 'exchange them' });
}

/** What has too many digits for a number of YAML is written as a text; nothing else is. */
function numberOf(value: number | string | boolean): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && isLongNumber(value) ? Number(value) : undefined;
}

/** The declared types of what a column reads, `decimal` for `decimal(p,s)`; none for expressions. */
function typesOf(entry: MappingEntry, attributes: readonly (readonly [string, AttributesSpec])[]): ReadonlySet<string> {
  if (!('source' in entry)) return new Set();
  if (entry.source.startsWith('identityMap.')) return new Set(['string']);
  return new Set(attributes.flatMap(([, { fields }]) => own(fields, entry.source)?.type.replace(/\(.*$/, '') ?? []));
}
