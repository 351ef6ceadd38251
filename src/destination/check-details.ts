import { toWriteInstead, type PointedProblem } from '../manifest/explain-schema-error.ts';
import type { DetailSchema } from '../model/generated/kinds.ts';
import { nearest } from '../support/nearest.ts';

type Problem = Omit<PointedProblem, 'pointer' | 'part'> & { readonly part?: 'key' };

const TYPE_NAMES: Readonly<Record<NonNullable<DetailSchema['type']>, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

/** Everything wrong with a value by its part of a card's details schema. `name` is the value in words, such as `spec.details.instance`. */
export function checkDetails(schema: DetailSchema, value: unknown, pointer: string, name: string): readonly PointedProblem[] {
  const problem = checkSelf(schema, value, name);
  if (problem !== undefined) return [{ part: 'value', ...problem, pointer }];
  if (schema.type === 'array' && schema.items !== undefined) {
    const { items } = schema;
    return (value as unknown[]).flatMap((item, index) => checkDetails(items, item, `${pointer}/${index}`, `${name}[${index}]`));
  }
  return schema.type === 'object' ? checkKeys(schema, value as Readonly<Record<string, unknown>>, pointer, name) : [];
}

function checkSelf(schema: DetailSchema, value: unknown, name: string): Problem | undefined {
  if (schema.secret === true) {
    if (isSecretRef(value)) return undefined;
    // A literal secret is never repeated.
    return { code: 'RC1403', message: `\`${name}\` must not be a literal secret`, hint: 'a secret is given by reference: {env: NAME} or {file: PATH}' };
  }
  if (schema.type !== undefined && !isOfType(schema.type, value)) {
    const hint = toWriteInstead(value, [schema.type]);
    return {
      code: 'RC1104',
      message: `\`${name}\` must be ${TYPE_NAMES[schema.type]}, found ${typeof value === 'string' ? 'the text ' : ''}${describe(value)}`,
      ...(hint === undefined ? {} : { hint }),
      ...(schema.type === 'string' && typeof value === 'number' ? { quote: true } : {}),
    };
  }
  if (schema.enum !== undefined && !schema.enum.includes(value as never)) {
    const words = schema.enum.map(String);
    const near = typeof value === 'string' ? nearest(value, words) : undefined;
    return {
      code: 'RC1103',
      message: `\`${name}\` cannot be ${describe(value)}`,
      hint: near === undefined ? `one of ${words.join(', ')}` : `did you mean \`${near}\`?`,
    };
  }
  if (typeof value === 'string' && value.trim() === '') return { code: 'RC1103', message: `\`${name}\` must not be empty` };
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    return { code: 'RC1103', message: `\`${name}\` cannot be ${describe(value)}`, hint: schema.patternMessage ?? `it must match ${schema.pattern}` };
  }
  if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))) {
    const bounds = [schema.minimum === undefined ? '' : `at least ${schema.minimum}`, schema.maximum === undefined ? '' : `at most ${schema.maximum}`];
    return { code: 'RC1106', message: `\`${name}\` must be ${bounds.filter(Boolean).join(' and ')}, got ${value}` };
  }
  return undefined;
}

function checkKeys(schema: DetailSchema, value: Readonly<Record<string, unknown>>, pointer: string, name: string): readonly PointedProblem[] {
  const properties = schema.properties ?? {};
  const problems: PointedProblem[] = [];
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) {
      const example = Object.hasOwn(properties, key) ? properties[key]?.examples?.[0] : undefined;
      const hint = `add \`${key}: ${example === undefined ? '…' : JSON.stringify(example).replaceAll('"', '')}\``;
      problems.push({ code: 'RC1102', pointer, part: 'key', message: `\`${name}\` has no \`${key}\``, hint });
    }
  }
  for (const [key, child] of Object.entries(value)) {
    const childPointer = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (schema.secretKeys !== undefined && new RegExp(schema.secretKeys, 'iu').test(key)) {
      const message = `\`${name}.${key}\` would stand here, and in the state and in plans, for everybody to read`;
      problems.push({ code: 'RC1403', pointer: childPointer, part: 'value', message, hint: 'give what logs in under `connection.auth`, by reference' });
      continue;
    }
    const childSchema = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
    if (childSchema !== undefined) problems.push(...checkDetails(childSchema, child, childPointer, `${name}.${key}`));
    else problems.push({ pointer: childPointer, part: 'key', ...explainUnknown(key, Object.keys(properties), name) });
  }
  return problems;
}

function explainUnknown(key: string, known: readonly string[], name: string): Omit<PointedProblem, 'pointer' | 'part'> {
  const near = nearest(key, known);
  const others = known.length === 0 ? 'no key is allowed here' : `known keys: ${known.join(', ')}`;
  return {
    code: 'RC1101',
    message: `unknown key \`${key}\` in \`${name}\``,
    label: 'not a key of this map',
    hint: near === undefined ? others : `did you mean \`${near}\`?`,
  };
}

function isSecretRef(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const [[key, text] = [], ...more] = Object.entries(value);
  return more.length === 0 && (key === 'env' || key === 'file') && typeof text === 'string' && text !== '';
}

function isOfType(type: NonNullable<DetailSchema['type']>, value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return value !== null && typeof value === 'object' && !Array.isArray(value);
  return typeof value === type;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? `\`${value.slice(0, 60)}\`` : `\`${String(value as number | boolean)}\``;
}
