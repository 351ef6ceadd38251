import { AppError } from '../model/app-error.ts';
import { MAX_DECIMAL_DIGITS } from '../model/decimal.ts';
import { parseInstant } from '../model/instant.ts';
import type { SourceHealth } from '../engine/engine.ts';
import { ident, joinSql, literal, noSql, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import { textOf, type OutputColumn } from './output-columns.ts';
import { REASON_FORGOTTEN } from './suppression.ts';

type Expression = Exclude<SqlPart, string>;

export const REASON_NO_IDENTITY = 'no-identity';
export const REASON_BAD_VALUE = 'bad-value';
export const REASON_BAD_EVENT = 'bad-event-value';
export const REASON_DUPLICATE = 'duplicate';

/** Why members are left out of a file, as conditions over `profile p`, in the order in which the first one counts. */
export interface Exclusions {
  readonly reasons: readonly { readonly reason: string; readonly when: Expression }[];
  /** The reason as a text, NULL when the row goes out. */
  readonly reason: Sql;
  /** Who counts as received: members, and rows whose value, or whose event's value, that decides is not of its type. */
  readonly candidates: Sql;
}

/**
 * The exclusions that can happen at all, given the source's health: on a healthy source without mandatory attributes there are none, and an
 * export is the bare scan.
 */
export function exclusionsOf(
  audience: Audience,
  columns: readonly OutputColumn[],
  health: SourceHealth,
  {
    forgotten,
    computed = [],
    excludeOverflow = false,
  }: {
    readonly forgotten?: Sql | undefined;
    /** Event fields that the columns are computed of. */
    readonly computed?: readonly string[] | undefined;
    /** A calculated value that overflowed leaves its row out; else it fails the run. */
    readonly excludeOverflow?: boolean;
  } = {},
): Exclusions {
  const bad = new Set(health.badValues.filter(({ of }) => of === 'profile').map(({ path }) => path));
  const badDeciding = audience.profileColumns.filter((path) => bad.has(path)).map(badColumn);
  const overflows = excludeOverflow ? columns.flatMap(({ overflow }) => overflow ?? []) : [];
  const badAny = [...[...bad].map(badColumn), ...overflows];
  const badEvents = badEventPaths(audience, health, computed);
  const decidingEvents = badEvents.filter((path) => audience.eventColumns?.includes(path) === true);
  const deciding = [...badDeciding, ...(decidingEvents.length > 0 ? [hasBadEvent(decidingEvents)] : [])];
  const reasons = [
    ...(forgotten === undefined ? [] : [{ reason: REASON_FORGOTTEN, when: forgotten }]),
    ...(health.withoutIdentity > 0 ? [{ reason: REASON_NO_IDENTITY, when: sql`p."id" is null` }] : []),
    ...(badAny.length > 0 ? [{ reason: REASON_BAD_VALUE, when: joinSql(badAny, ' or ') }] : []),
    ...(badEvents.length > 0 ? [{ reason: REASON_BAD_EVENT, when: hasBadEvent(badEvents) }] : []),
    ...columns.flatMap((column) => (column.mandatory || column.key ? [{ reason: `no ${column.target}`, when: sql`${column.value} is null` }] : [])),
    ...columns.flatMap(expectationReasons),
  ];
  const reason =
    reasons.length === 0
      ? sql`cast(null as varchar)`
      : sql`case ${joinSql(
          reasons.map(({ reason: text, when }) => sql`when ${when} then ${literal(text)}`),
          ' ',
        )} end`;
  const candidates = deciding.length === 0 ? audience.predicate : sql`((${audience.predicate}) or ${joinSql(deciding, ' or ')})`;
  return { reasons, reason, candidates };
}

/** The condition that a row goes out, to be joined to the predicate; nothing when none is excluded. */
export function passing(exclusions: Exclusions): Sql {
  return exclusions.reasons.length === 0 ? noSql : sql` and (${exclusions.reason}) is null`;
}

/** Event fields of which some value is not of its type, among those that the audience or a column is computed of. */
export function badEventPaths({ eventColumns = [] }: Audience, { badValues }: SourceHealth, computed: readonly string[] = []): readonly string[] {
  const read = new Set([...eventColumns, ...computed]);
  return badValues.filter(({ of, path }) => of === 'event' && read.has(path)).map(({ path }) => path);
}

/** Whether an event of `profile p` has such a value. An event without it could make somebody a member, or no member any more. */
export function hasBadEvent(paths: readonly string[]): Expression {
  const bad = joinSql(
    paths.map((path) => ident(`${path}#bad`)),
    ' or ',
  );
  return sql`p."#key" in (select "#key" from event where "#key" is not null and (${bad}))`;
}

function badColumn(path: string): Expression {
  return ident('p', `${path}#bad`);
}

/** Expectations of a mapped column that one row alone can break; `unique` is looked at over the whole file. */
function expectationReasons(column: OutputColumn): readonly { readonly reason: string; readonly when: Expression }[] {
  const { expect, target, plain = column } = column;
  if (expect === undefined) return [];
  const { value, type } = plain;
  // What a pattern is to find is what stands in the file, not what the engine would call the value.
  const text = textOf(plain);
  const { notNull, pattern, range, values } = expect;
  const compared = isOrdered(type) ? value : text;
  return [
    ...(notNull === true && !column.mandatory && !column.key ? [{ reason: `no ${target}`, when: sql`${value} is null` }] : []),
    ...(pattern === undefined ? [] : [{ reason: `${target} pattern`, when: sql`not regexp_full_match(${text}, ${literal(pattern)})` }]),
    ...(range?.min === undefined ? [] : [{ reason: `${target} range`, when: sql`${compared} < ${bound(range.min, type, target)}` }]),
    ...(range?.max === undefined ? [] : [{ reason: `${target} range`, when: sql`${compared} > ${bound(range.max, type, target)}` }]),
    ...(values === undefined
      ? []
      : [
          {
            reason: `${target} values`,
            when: sql`${compared} not in (${joinSql(
              values.map((allowed) => bound(allowed, type, target)),
              ', ',
            )})`,
          },
        ]),
  ];
}

/** How many rows are left out by expectations whose `otherwise` is hold, by reason. */
export function heldReasons(columns: readonly OutputColumn[], reasons: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const holding = columns.flatMap(({ expect, target }) => {
    if (expect?.otherwise !== 'hold') return [];
    return [...(expect.notNull === true ? [`no ${target}`] : []), ...['pattern', 'range', 'values', 'unique'].map((rule) => `${target} ${rule}`)];
  });
  return Object.fromEntries(holding.flatMap((reason) => (reasons[reason] === undefined ? [] : [[reason, reasons[reason]]])));
}

/** Types that are compared as what they are; all others are compared as texts, which never fails. */
function isOrdered(type: string): boolean {
  return /^(integer|decimal|double|date|timestamp)\b/.test(type);
}

function isNumber(value: number | string | boolean): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)));
}

/** Throws where it is none of the column's type. `validate` has told that of attributes; of what type an expression is, it does not say. */
function bound(value: number | string | boolean, type: string, target: string): Sql {
  const isTime = type === 'date' || type === 'timestamp';
  const fits = isTime ? typeof value === 'string' && parseInstant(value) !== undefined : !isOrdered(type) || isNumber(value);
  if (!fits)
    throw new AppError({
      code: 'RC1327',
      message: `\`expect\` of the column \`${target}\` names \`${value}\`, and the column is of the type ${type}`,
      hint: isTime ? 'write it as 2026-12-01 or 2026-12-01T02:00:00Z' : 'write a number',
    });
  if (type === 'date') return sql`try_cast(${literal(String(value))} as date)`;
  if (type === 'timestamp') return sql`(try_cast(${literal(String(value))} as timestamptz) at time zone 'UTC')`;
  if (!isOrdered(type)) return sql`${literal(String(value))}`;
  return sql`${typeof value === 'number' ? literal(value) : numberLiteral(String(value).trim())}`;
}

/** With all its digits: the engine would read a text as the column's type, and round it or refuse it. */
function numberLiteral(text: string): Expression {
  if (/^[+-]?[0-9]+$/.test(text)) return literal(BigInt(text.replace('+', '')));
  const [, whole = '', fraction = ''] = /^[+-]?0*([0-9]*)[.]([0-9]*)$/.exec(text) ?? [];
  const precision = whole.length + fraction.length;
  if (precision === 0 || precision > MAX_DECIMAL_DIGITS) return literal(Number(text));
  return sql`cast(${literal(text)} as decimal(${literal(precision)}, ${literal(fraction.length)}))`;
}
