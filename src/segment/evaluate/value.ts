/** An exact number with a point: `unscaled / 10^scale`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** A date (its midnight) or a timestamp, in microseconds since 1970 in UTC. */
export interface Moment {
  readonly micros: bigint;
}

/** Members of an object or of an event, by name. */
export interface Members {
  readonly members: ReadonlyMap<string, Value>;
}

/** A value while an expression is evaluated. Integers are bigint, doubles number, NULL is null. */
export type Value = null | string | boolean | bigint | number | Decimal | Moment | readonly Value[] | ReadonlyMap<string, Value> | Members;

export function isDecimal(value: Value): value is Decimal {
  return typeof value === 'object' && value !== null && 'unscaled' in value;
}

export function isMembers(value: Value): value is Members {
  return value !== null && typeof value === 'object' && 'members' in value;
}

export function isMoment(value: Value): value is Moment {
  return typeof value === 'object' && value !== null && 'micros' in value;
}

export function isNumber(value: Value): value is bigint | number | Decimal {
  return typeof value === 'bigint' || typeof value === 'number' || isDecimal(value);
}

/** `-12.50` → 1250 with scale 2; undefined for what is no plain decimal number. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  const [, sign, whole = '', fraction = ''] = match ?? [];
  if (match === null || whole + fraction === '') return undefined;
  return { unscaled: BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`.replace(/^-0*$/, '0')), scale: fraction.length };
}

/** The digits of a decimal, as many behind the point as it has. */
export function formatDecimal({ unscaled, scale }: Decimal): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`;
}

export function toDecimal(value: bigint | Decimal): Decimal {
  return typeof value === 'bigint' ? { unscaled: value, scale: 0 } : value;
}

/** Both with the same scale. */
export function aligned(left: Decimal, right: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(left.scale, right.scale);
  const raise = (value: Decimal): bigint => value.unscaled * 10n ** BigInt(scale - value.scale);
  return [raise(left), raise(right), scale];
}

/** The nearest double, found as the engine finds it: whole part and rest apart when the digits do not fit a double. */
export function toDouble(value: bigint | number | Decimal): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const power = 10n ** BigInt(value.scale);
  if (value.scale === 0 || (value.unscaled < 2n ** 53n && value.unscaled > -(2n ** 53n))) return Number(value.unscaled) / Number(power);
  return Number(value.unscaled / power) + Number(value.unscaled % power) / Number(power);
}
