import { MAX_DECIMAL_DIGITS } from '../../model/decimal.ts';
import { literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';

type Expression = Exclude<SqlPart, string>;

/** How a physical column is read as its declared type. */
export interface TypedValue {
  /** The value in the declared type, NULL where it is not of that type. */
  readonly value: Expression;
  /** The value as the source writes it, when the declared type alone would lose it. */
  readonly text: Expression | undefined;
  /** True on rows whose value is not of the type; undefined when that cannot be. */
  readonly bad: Expression | undefined;
}

/** Decimal digits that hold every value of a type. */
const INTEGER_DIGITS: ReadonlyMap<string, number> = new Map([
  ['TINYINT', 3],
  ['SMALLINT', 5],
  ['INTEGER', 10],
  ['BIGINT', 19],
  ['UTINYINT', 3],
  ['USMALLINT', 5],
  ['UINTEGER', 10],
  ['UBIGINT', 20],
]);
const INTEGERS: ReadonlySet<string> = new Set([...INTEGER_DIGITS.keys(), 'HUGEINT', 'UHUGEINT']);
const FLOATS: ReadonlySet<string> = new Set(['FLOAT', 'DOUBLE']);
export const ISO_DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
/** ISO 8601 with a space or a T; without a zone it is UTC. */
const ISO_TIME = '[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?';
export const ISO_TIMESTAMP = `${ISO_DATE}(${ISO_TIME}( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?`;
/** The same in UTC: casts without a thought of zones, which is faster. */
export const ISO_UTC_TIMESTAMP = `${ISO_DATE}(${ISO_TIME}Z?)?`;

/** Digits of a decimal column without fixed precision, as the health check measured them. */
export interface DecimalDigits {
  readonly integer: number;
  readonly fraction: number;
}

/**
 * The expressions for one column of a plain type (`nested-value.ts` has the others). A physical column that already has the declared type is used bare once it is trusted, so that a scan costs
 * what the engine's own scan costs; text is typed with strict patterns, since DuckDB's casts take `1.5` for an integer and a time for a date. `trusted`: the health
 * check has found no bad value, so that the patterns need not be tried again.
 */
export function typedValue(raw: Expression, physical: string, declared: string, digits?: DecimalDigits, trusted = false): TypedValue {
  const type = declared.replace(/\(.*/, '');
  const bare: TypedValue = { value: raw, text: undefined, bad: undefined };
  if (type === 'string') return physical === 'VARCHAR' ? bare : { ...bare, value: sql`cast(${raw} as varchar)` };
  if (physical === 'VARCHAR') return fromText(raw, declared, type, digits, trusted);
  switch (type) {
    case 'integer':
      if (INTEGERS.has(physical)) return bare;
      return checked(raw, sql`try_cast(${raw} as bigint)`, sql`${raw} <> try_cast(${raw} as bigint)`);
    case 'decimal':
      if (INTEGERS.has(physical) || physical.startsWith('DECIMAL')) return fixedDecimal(raw, declared) ?? { ...bare, value: asDecimal(raw, physical) };
      if (FLOATS.has(physical)) return fromText(sql`cast(${raw} as varchar)`, declared, type, digits, trusted);
      break;
    case 'double':
      if (physical === 'DOUBLE') return finite(raw, raw, trusted);
      // The number that the source shows: 0.1 of 32 bits is 0.1, as `decimal` reads it and as `explain` does, not 0.10000000149.
      if (physical === 'FLOAT') return finite(raw, sql`cast(cast(${raw} as varchar) as double)`, trusted);
      return checked(raw, sql`try_cast(${raw} as double)`);
    case 'boolean':
      if (physical === 'BOOLEAN') return bare;
      break;
    case 'date':
      if (physical === 'DATE') return finite(raw, raw, trusted);
      if (physical.startsWith('TIMESTAMP'))
        return checked(raw, sql`try_cast(${raw} as date)`, sql`(${raw} <> try_cast(${raw} as date) or not isfinite(${raw}))`);
      break;
    case 'timestamp':
      if (physical === 'TIMESTAMP') return finite(raw, raw, trusted);
      if (physical === 'TIMESTAMP WITH TIME ZONE') return finite(raw, sql`(${raw} at time zone 'UTC')`, trusted);
      if (physical === 'DATE' || physical.startsWith('TIMESTAMP')) return finite(raw, sql`cast(${raw} as timestamp)`, trusted);
      break;
    default:
      break;
  }
  return fromText(sql`cast(${raw} as varchar)`, declared, type, digits, trusted);
}

/** Measures the digits of a text column that is declared `decimal`; for the health check. */
export function decimalDigits(raw: Expression): { readonly integer: Sql; readonly fraction: Sql } {
  return {
    integer: sql`max(length(regexp_extract(${raw}, '^[+-]?0*([0-9]*)', 1)))`,
    fraction: sql`max(length(regexp_extract(${raw}, '[.]([0-9]*)$', 1)))`,
  };
}

/** True for text columns whose exact digits the health check has to measure first. */
export function needsDigits(physical: string, declared: string): boolean {
  return declared === 'decimal' && !INTEGERS.has(physical) && !physical.startsWith('DECIMAL');
}

function fromText(raw: Expression, declared: string, type: string, digits: DecimalDigits | undefined, trusted: boolean): TypedValue {
  const only = (pattern: Expression, value: Sql): Sql => (trusted ? value : sql`case when regexp_full_match(${raw}, ${pattern}) then ${value} end`);
  switch (type) {
    case 'integer':
      return checked(raw, only(literal('[+-]?[0-9]+'), sql`try_cast(${raw} as bigint)`));
    case 'decimal': {
      const fixed = /^decimal\((\d+),\s*(\d+)\)$/.exec(declared);
      const fraction = fixed ? Number(fixed[2]) : Math.min(digits?.fraction ?? 10, MAX_DECIMAL_DIGITS);
      const precision = fixed ? Number(fixed[1]) : Math.min(Math.max(digits?.integer ?? MAX_DECIMAL_DIGITS, 1) + fraction, MAX_DECIMAL_DIGITS);
      // Digits beyond the scale would be rounded away by the cast; zeros there lose nothing.
      const exact = literal(fraction === 0 ? '[+-]?[0-9]+([.]0*)?' : `[+-]?([0-9]+([.][0-9]{0,${fraction}}0*)?|[.][0-9]{1,${fraction}}0*)`);
      const value = only(exact, withLeadingDigit(sql`try_cast(${raw} as ${decimalType(precision, fraction)})`, declared));
      return { ...checked(raw, value), text: fixed ? undefined : raw };
    }
    case 'double':
      return checked(raw, sql`case when isfinite(try_cast(${raw} as double)) then try_cast(${raw} as double) end`);
    case 'boolean':
      return checked(raw, sql`try_cast(${raw} as boolean)`);
    case 'date':
      return checked(raw, only(literal(ISO_DATE), sql`try_cast(${raw} as date)`));
    case 'timestamp':
      return checked(raw, only(literal(ISO_TIMESTAMP), sql`(try_cast(${raw} as timestamptz) at time zone 'UTC')`));
    default:
      return { value: raw, text: undefined, bad: undefined };
  }
}

function fixedDecimal(raw: Expression, declared: string): TypedValue | undefined {
  const fixed = /^decimal\((\d+),\s*(\d+)\)$/.exec(declared);
  if (!fixed) return undefined;
  const value = withLeadingDigit(sql`try_cast(${raw} as ${decimalType(Number(fixed[1]), Number(fixed[2]))})`, declared);
  return checked(raw, value, sql`${raw} <> ${value}`);
}

/** Whole numbers with the range of decimals; what has up to 39 digits keeps its own. */
function asDecimal(raw: Expression, physical: string): Expression {
  const digits = INTEGER_DIGITS.get(physical);
  return digits === undefined ? withLeadingDigit(raw, physical) : sql`cast(${raw} as ${decimalType(digits, 0)})`;
}

/** The engine writes a decimal that has all its digits behind the point as `.50`: it gets room for one before it. */
function withLeadingDigit<T extends Expression>(value: T, type: string): T | Sql {
  const [, precision, scale] = /^decimal\((\d+),\s*(\d+)\)$/i.exec(type) ?? [];
  if (precision !== scale || scale === undefined || Number(scale) >= MAX_DECIMAL_DIGITS) return value;
  return sql`cast(${value} as ${decimalType(Number(precision) + 1, Number(scale))})`;
}

function decimalType(precision: number, scale: number): Sql {
  return sql`decimal(${literal(Math.min(Math.max(precision, scale, 1), MAX_DECIMAL_DIGITS))}, ${literal(scale)})`;
}

/** Typed columns hold what texts may not: NaN, which the engine takes for the greatest number, and infinite numbers and times, which no format of files knows. */
function finite(raw: Expression, value: Expression, trusted: boolean): TypedValue {
  return {
    value: trusted ? value : sql`case when isfinite(${raw}) then ${value} end`,
    text: undefined,
    bad: sql`(${raw} is not null and not isfinite(${raw}))`,
  };
}

function checked(raw: Expression, value: Sql, lossy?: Sql): TypedValue {
  const bad = lossy === undefined ? sql`(${raw} is not null and (${value}) is null)` : sql`(${raw} is not null and ((${value}) is null or ${lossy}))`;
  return { value: lossy === undefined ? value : sql`case when not (${lossy}) then ${value} end`, text: undefined, bad };
}
