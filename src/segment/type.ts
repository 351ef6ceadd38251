/** A type of PQL. `any` stands for something that was already complained about: nothing more is said of it. */
export type PqlType =
  | {
      readonly kind: 'string' | 'integer' | 'decimal' | 'double' | 'boolean' | 'date' | 'timestamp' | 'null' | 'any';
      /** Of a decimal as it was declared; to an expression all decimals are the same. */
      readonly digits?: DecimalDigits;
    }
  | { readonly kind: 'array'; readonly item: PqlType }
  | { readonly kind: 'map'; readonly value: PqlType }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, PqlType>; readonly event?: true };

export interface DecimalDigits {
  readonly precision: number;
  readonly scale: number;
}

export type ScalarKind = 'string' | 'integer' | 'decimal' | 'double' | 'boolean' | 'date' | 'timestamp' | 'null' | 'any';

const SCALARS: ReadonlyMap<ScalarKind, PqlType> = new Map(
  (['string', 'integer', 'decimal', 'double', 'boolean', 'date', 'timestamp', 'null', 'any'] as const).map((kind) => [kind, { kind }]),
);

/** The type of a scalar; the same object each time. */
export function scalar(kind: ScalarKind): PqlType {
  return SCALARS.get(kind) ?? { kind };
}

export function arrayOf(item: PqlType): PqlType {
  return { kind: 'array', item };
}

export function isNumeric(type: PqlType): boolean {
  return type.kind === 'integer' || type.kind === 'decimal' || type.kind === 'double';
}

export function isTemporal(type: PqlType): boolean {
  return type.kind === 'date' || type.kind === 'timestamp';
}

/** Whether values of both can be compared with each other. `null` and `any` go with everything. */
export function comparable(left: PqlType, right: PqlType): boolean {
  if (left.kind === 'any' || right.kind === 'any' || left.kind === 'null' || right.kind === 'null') return true;
  if (isNumeric(left) && isNumeric(right)) return true;
  if (isTemporal(left) && isTemporal(right)) return true;
  if (left.kind === 'array' && right.kind === 'array') return comparable(left.item, right.item);
  return left.kind === right.kind && left.kind !== 'object' && left.kind !== 'map';
}

/** The type that holds both; undefined when there is none. */
export function unify(left: PqlType, right: PqlType): PqlType | undefined {
  if (left.kind === 'any' || left.kind === 'null') return right;
  if (right.kind === 'any' || right.kind === 'null') return left;
  if (left.kind === right.kind) {
    if (left.kind === 'array' && right.kind === 'array') {
      const item = unify(left.item, right.item);
      return item === undefined ? undefined : arrayOf(item);
    }
    if (left.kind === 'map' && right.kind === 'map') {
      const value = unify(left.value, right.value);
      return value === undefined ? undefined : { kind: 'map', value };
    }
    if (left.kind === 'object' && right.kind === 'object') return isSameObject(left, right) ? left : undefined;
    return left;
  }
  if (isNumeric(left) && isNumeric(right)) return scalar(left.kind === 'double' || right.kind === 'double' ? 'double' : 'decimal');
  if (isTemporal(left) && isTemporal(right)) return scalar('timestamp');
  return undefined;
}

type ObjectType = Extract<PqlType, { kind: 'object' }>;

/** The same members in the same order: no engine brings objects of different shapes together. */
function isSameObject(left: ObjectType, right: ObjectType): boolean {
  if (left.event !== right.event || left.fields.size !== right.fields.size) return false;
  const others = [...right.fields];
  return [...left.fields].every(([name, type], index) => {
    const [otherName, other] = others[index] ?? [];
    return name === otherName && other !== undefined && isSameType(type, other);
  });
}

function isSameType(left: PqlType, right: PqlType): boolean {
  if (left.kind === 'array') return right.kind === 'array' && isSameType(left.item, right.item);
  if (left.kind === 'map') return right.kind === 'map' && isSameType(left.value, right.value);
  return left.kind === 'object' ? right.kind === 'object' && isSameObject(left, right) : left.kind === right.kind;
}

/** A type as the messages name it. */
export function describeType(type: PqlType): string {
  switch (type.kind) {
    case 'array':
      return type.item.kind === 'object' && type.item.event === true ? 'array of events' : `array of ${describeType(type.item)}`;
    case 'map':
      return `map of ${describeType(type.value)}`;
    case 'object':
      return type.event === true ? 'event' : 'object';
    case 'any':
      return 'unknown';
    default:
      return type.kind;
  }
}

/** The type of a number as it is written: with an exponent a double, with a point an exact decimal. */
export function numberKind(text: string): ScalarKind {
  return /[eE]/.test(text) ? 'double' : text.includes('.') ? 'decimal' : 'integer';
}
