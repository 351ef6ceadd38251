import { NESTED_DECIMAL } from '../../model/decimal.ts';
import { literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { fixedDigits } from './declared-parts.ts';
import { ISO_DATE, ISO_TIMESTAMP, typedValue } from './typed-value.ts';

type Expression = Exclude<SqlPart, string>;

const EXPONENT = '[eE][+-]?[0-9]+';

/**
 * True for a JSON token (`12.5`, `"2024-01-31"`, `true`) that is not of a declared type, as it would be of a column: a number may stand in quotes. Nothing
 * passes that the engine's cast of JSON would make NULL or something else of: so no plus sign and no leading zeros before a whole number, and in
 * quotes only words for a boolean. Undefined for strings, which take anything.
 */
export function jsonLeafMisfit(text: Expression, declared: string): Sql | undefined {
  const content = sql`trim(${text}, '"')`;
  switch (declared.replace(/\(.*/, '')) {
    case 'integer':
      // 18 digits always fit.
      return sql`case when ${matches(text, '"?(0|-?[1-9][0-9]{0,17})"?')} then false when ${matches(text, '"?-?[1-9][0-9]{18}"?')} then try_cast(${content} as bigint) is null else true end`;
    case 'decimal':
      return decimalMisfit(text, content, declared, '"?');
    case 'double':
      return sql`not (${matches(text, `"?-?([0-9]+([.][0-9]*)?|[.][0-9]+)(${EXPONENT})?"?`)} and isfinite(try_cast(${content} as double)))`;
    case 'boolean':
      return sql`not ${matches(text, 'true|false|1|0|"(?i:true|false|t|f|yes|no)"')}`;
    case 'date':
      return sql`not (${matches(text, `"${ISO_DATE}"`)} and try_cast(${content} as date) is not null)`;
    case 'timestamp':
      return sql`not (${matches(text, `"${ISO_TIMESTAMP}"`)} and try_cast(${content} as timestamptz) is not null)`;
    default:
      return undefined;
  }
}

/**
 * True for a value inside a list, a struct or a map that is not of a declared type, as it would be of a column; undefined when that cannot be. The engine's
 * cast brings what is inside to its type, so that integers and decimals have to fit there, too.
 */
export function nativeLeafMisfit(value: Expression, physical: string, declared: string): Sql | undefined {
  const type = declared.replace(/\(.*/, '');
  if (physical === 'JSON') {
    const text = sql`cast(${value} as varchar)`;
    const bad = jsonLeafMisfit(text, declared);
    return bad === undefined ? undefined : sql`(${text} <> 'null' and ${bad})`;
  }
  if (type === 'integer' && /^(U?HUGEINT|UBIGINT)$/.test(physical)) return missing(value, sql`try_cast(${value} as bigint)`);
  if (type === 'decimal') {
    const text = sql`cast(${value} as varchar)`;
    if (physical === 'VARCHAR' || physical === 'FLOAT' || physical === 'DOUBLE') return decimalMisfit(text, text, declared, '');
    const [, precision = '19', scale = '0'] = /^DECIMAL\((\d+),(\d+)\)$/.exec(physical) ?? [];
    const fits = !/^U?HUGEINT$/.test(physical) && Number(precision) - Number(scale) <= NESTED_DECIMAL.precision - NESTED_DECIMAL.scale;
    if (declared === 'decimal') return fits ? undefined : missing(value, sql`try_cast(${value} as ${insideDecimal()})`);
  }
  const { bad } = typedValue(value, physical, declared);
  return bad === undefined ? undefined : sql`${bad}`;
}

function insideDecimal(): Sql {
  return sql`decimal(${literal(NESTED_DECIMAL.precision)}, ${literal(NESTED_DECIMAL.scale)})`;
}

function missing(value: Expression, typed: Sql): Sql {
  return sql`(${value} is not null and ${typed} is null)`;
}

/** Patterns decide, because the engine's cast of a text to a large decimal is slow: a hundred times as slow as they are. */
function decimalMisfit(text: Expression, content: Expression, declared: string, quote: '' | '"?'): Sql {
  const fixed = fixedDigits(declared);
  const { precision, scale } = fixed ?? NESTED_DECIMAL;
  const type = sql`decimal(${literal(precision)}, ${literal(scale)})`;
  const number = sql`try_cast(${content} as double)`;
  const exponent = matches(text, `-?[0-9]+([.][0-9]+)?${EXPONENT}`);
  if (fixed) {
    // Digits beyond the scale would be rounded away; zeros there lose nothing.
    const fraction = scale === 0 ? '0*' : `[0-9]{0,${scale}}0*`;
    const whole = precision === scale ? '0+' : `0*[0-9]{1,${precision - scale}}`;
    const plain = scale === 0 ? `${whole}([.]0*)?` : `(${whole}([.]${fraction})?|[.][0-9]{1,${scale}}0*)`;
    const kept = sql`coalesce(${number} = cast(try_cast(${number} as ${type}) as double), false)`;
    return sql`case when ${matches(text, `${quote}[+-]?${plain}${quote}`)} then false when ${exponent} then not ${kept} else true end`;
  }
  // One digit less than fits: what is rounded up fits as well.
  const plain = `(0*[0-9]{1,${precision - scale - 1}}([.][0-9]*)?|[.][0-9]+)`;
  const long = `[0-9]+([.][0-9]*)?`;
  return sql`case when ${matches(text, `${quote}[+-]?${plain}${quote}`)} then false when ${exponent} then try_cast(${number} as ${type}) is null when ${matches(text, `${quote}[+-]?${long}${quote}`)} then try_cast(${content} as ${type}) is null else true end`;
}

function matches(text: Expression, pattern: string): Sql {
  return sql`regexp_full_match(${text}, ${literal(pattern)})`;
}
