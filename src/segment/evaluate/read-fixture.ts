import { MAX_DECIMAL_DIGITS, NESTED_DECIMAL } from '../../model/decimal.ts';
import { nearestName } from '../nearest-name.ts';
import type { ProfileSchema, SchemaField } from '../profile-schema.ts';
import { describeType, type DecimalDigits, type PqlType } from '../type.ts';
import type { EvaluatedProfile } from './evaluate.ts';
import { parseMoment } from './evaluate-time.ts';
import { parseDecimal, type Decimal, type Members, type Value } from './value.ts';

/** Something in a fixture that is not as the Attributes say; `path` leads to it: `profile`, `events`, then keys and positions. */
export interface FixtureProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

export interface ReadFixture {
  readonly profile: EvaluatedProfile;
  readonly problems: readonly FixtureProblem[];
}

/** What the engine holds of a decimal whose digits nothing fixes, in a column of its own. */
const COLUMN_DIGITS: DecimalDigits = { precision: MAX_DECIMAL_DIGITS, scale: 0 };

type Plain = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/**
 * Reads a segment's test: attributes by path (`homeAddress.city: Berlin`) or nested (`homeAddress: {city: Berlin}`), events with their fields the
 * same way. Values are checked against the declared types: what a source could not hold is a problem.
 */
export function readFixture(profile: Plain, events: readonly Plain[], schema: ProfileSchema): ReadFixture {
  const problems: FixtureProblem[] = [];
  const report = (path: Path, message: string, hint?: string): void => void problems.push({ path, message, ...(hint === undefined ? {} : { hint }) });
  const fields = readMembers(profile, schema.fields, ['profile'], 'attribute', report);
  const read = events.map((event, index): Members => {
    if (schema.events === undefined) {
      report(['events', index], 'the Attributes declare no events', 'declare them under spec.events');
      return { members: new Map() };
    }
    const members = readMembers(event, schema.events, ['events', index], 'event field', report);
    for (const [path, { constant }] of schema.events) {
      if (constant === undefined) continue;
      // A test would speak of events that the source cannot have.
      const given = members.get(path) ?? constant;
      if (given !== constant)
        report(
          ['events', index, path],
          `all events are \`${constant}\`, found ${showPlain(given)}`,
          `the Attributes fix it: \`${path}: {value: ${constant}}\``,
        );
      members.set(path, constant);
    }
    return { members };
  });
  return { profile: { fields, events: read }, problems };
}

type Report = (path: Path, message: string, hint?: string) => void;

function readMembers(
  plain: Plain,
  known: ReadonlyMap<string, SchemaField>,
  at: Path,
  what: string,
  report: Report,
  prefix = '',
  digits = COLUMN_DIGITS,
): Map<string, Value> {
  const found = new Map<string, Value>();
  const put = (path: string, value: Value, place: Path): void => {
    if (found.has(path)) report(place, `the ${what} \`${path}\` has a value already`);
    found.set(path, value);
  };
  for (const [key, value] of Object.entries(plain)) {
    const path = `${prefix}${key}`;
    const field = known.get(path);
    if (field !== undefined) put(path, readValue(value, field.type, [...at, key], report, digits), [...at, key]);
    else if (isPlain(value) && [...known.keys()].some((name) => name.startsWith(`${path}.`))) {
      for (const [inner, one] of readMembers(value, known, [...at, key], what, report, `${path}.`, digits)) put(inner, one, [...at, key]);
    } else {
      const near = nearestName(path, known.keys());
      report([...at, key], `unknown ${what} \`${path}\``, near === undefined ? undefined : `did you mean \`${near}\`?`);
    }
  }
  return found;
}

/** A plain value as a value of its declared type; null stays null. `digits` is what a decimal holds that no declaration says more of. */
export function readValue(value: unknown, type: PqlType, at: Path, report: Report, digits: DecimalDigits = COLUMN_DIGITS): Value {
  if (value === null || value === undefined) return null;
  const wrong = (hint?: string): null => {
    const name = type.kind === 'decimal' && type.digits !== undefined ? `decimal(${type.digits.precision},${type.digits.scale})` : describeType(type);
    report(at, `expected ${/^[aeiou]/.test(type.kind) ? 'an' : 'a'} ${name}, found ${showPlain(value)}`, hint);
    return null;
  };
  const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
  switch (type.kind) {
    case 'string':
      return text ?? wrong('put it in quotes');
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong();
    case 'integer':
      if (text === undefined || !/^[+-]?\d+$/.test(text)) return wrong();
      return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : wrong('an integer has 64 bits');
    case 'decimal': {
      const decimal = text === undefined ? undefined : parseDecimal(text);
      if (decimal === undefined) return wrong('write digits and a point');
      const { precision, scale } = type.digits ?? digits;
      const before = precision - scale;
      if (hasRoom(decimal, before, type.digits?.scale)) return decimal;
      return wrong(`it has at most ${before} digits before the point${type.digits === undefined ? '' : ` and ${scale} behind it`}`);
    }
    case 'double':
      return text !== undefined && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : wrong();
    case 'date':
      return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) ? (parseMoment(text) ?? wrong('there is no such day')) : wrong('write 2026-11-20');
    case 'timestamp':
      return (text === undefined ? undefined : parseMoment(text)) ?? wrong('write 2026-11-20T10:00:00Z');
    case 'array':
      return Array.isArray(value)
        ? value.map((item, index) => readValue(item, type.item, [...at, index], report, NESTED_DECIMAL))
        : wrong('write a list: [a, b]');
    case 'map':
      return isPlain(value)
        ? new Map(Object.entries(value).map(([key, one]) => [key, readValue(one, type.value, [...at, key], report, NESTED_DECIMAL)]))
        : wrong('write {key: value}');
    case 'object': {
      if (!isPlain(value)) return wrong('write {name: value}');
      const fields = new Map([...type.fields].map(([name, member]) => [name, { type: member, labels: [] }]));
      return { members: readMembers(value, fields, at, 'member', report, '', NESTED_DECIMAL) };
    }
    default:
      return wrong();
  }
}

/** Whether the digits that count fit: zeros at either end do not. */
function hasRoom({ unscaled, scale }: Decimal, before: number, behind: number | undefined): boolean {
  const power = 10n ** BigInt(scale);
  const fits = unscaled / power < 10n ** BigInt(before) && unscaled / power > -(10n ** BigInt(before));
  return fits && (behind === undefined || scale <= behind || unscaled % 10n ** BigInt(scale - behind) === 0n);
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function showPlain(value: unknown): string {
  if (typeof value === 'bigint') return `\`${value}\``;
  const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  return `\`${text.length > 40 ? `${text.slice(0, 40)}…` : text}\``;
}
