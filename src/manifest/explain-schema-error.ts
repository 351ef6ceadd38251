import { nearest } from '../support/nearest.ts';
import { PATTERN_TEXTS } from './generated/pattern-texts.ts';
import type { SchemaError } from './generated/validators.js';
import { escapePointer, splitPointer } from './variables.ts';

/** Something wrong at a JSON pointer of a document. */
export interface PointedProblem {
  readonly code: string;
  readonly message: string;
  readonly pointer: string;
  /** Whether the key or the value is meant. */
  readonly part: 'key' | 'value';
  readonly label?: string;
  readonly hint?: string;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'nothing',
};

/** A schema validator's error in words. Undefined for errors that only repeat another. */
export function explainSchemaError(error: SchemaError, document: unknown): PointedProblem | undefined {
  const { instancePath: pointer, keyword, params, propertyName } = error;
  if (keyword === 'if' || keyword === 'propertyNames') return undefined;
  if (propertyName !== undefined) return explainKey(error, propertyName);
  const value = valueAt(document, pointer);
  const name = nameOf(pointer);
  const at = { pointer, part: 'value' } as const;
  switch (keyword) {
    case 'required': {
      const key = String(params['missingProperty']);
      return { code: 'RC1102', pointer, part: 'key', message: `${name} has no \`${key}\``, hint: `add \`${key}: …\`` };
    }
    case 'enum':
      return explainChoice(at, name, value, params['allowedValues'] as readonly unknown[]);
    case 'const':
      return explainConst(at, name, value, params['allowedValue']);
    case 'type':
      return explainType(at, name, value, params['type'] as string | readonly string[]);
    case 'pattern':
      return explainPattern(at, name, value, String(params['pattern']));
    case 'minItems':
    case 'minProperties':
      return { ...at, part: 'key', code: 'RC1106', message: `${name} must not be empty` };
    case 'minimum':
    case 'maximum':
      return { ...at, code: 'RC1106', message: `${name} must be ${String(params['comparison'])} ${String(params['limit'])}, got ${show(value)}` };
    default:
      return { ...at, code: 'RC1106', message: `${name} does not hold \`${keyword}\`` };
  }
}

function explainKey({ instancePath, keyword, params }: SchemaError, key: string): PointedProblem {
  const at = { pointer: `${instancePath}/${escapePointer(key)}`, part: 'key' } as const;
  if (keyword !== 'enum') {
    return {
      ...at,
      code: 'RC1106',
      message: `\`${key}\` cannot be a name in ${nameOf(instancePath)}`,
      hint: 'letters, digits and _, and parts joined by a dot where a path is meant',
    };
  }
  const known = params['allowedValues'] as readonly string[];
  const near = nearest(key, known);
  // `{title: one, two}` reads as two keys.
  if (/\s/.test(key.trim())) {
    const hint = 'a text that holds a comma or a colon must be quoted inside { }';
    return { ...at, code: 'RC1101', message: `unknown key \`${key}\` in ${nameOf(instancePath)}`, label: 'read as a key', hint };
  }
  const hint = near === undefined ? (known.length === 0 ? 'no key is allowed here' : `known keys: ${known.join(', ')}`) : `did you mean \`${near}\`?`;
  return { ...at, code: 'RC1101', message: `unknown key \`${key}\` in ${nameOf(instancePath)}`, label: 'not a key of this map', hint };
}

type At = { readonly pointer: string; readonly part: 'key' | 'value' };

function explainChoice(at: At, name: string, value: unknown, allowed: readonly unknown[]): PointedProblem {
  const words = allowed.map(String);
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  return {
    ...at,
    code: 'RC1103',
    message: `${name} cannot be ${show(value)}`,
    hint: near === undefined ? `one of ${words.join(', ')}` : `did you mean \`${near}\`?${words.length > 2 ? `   (one of ${words.join(', ')})` : ''}`,
  };
}

function explainConst(at: At, name: string, value: unknown, allowed: unknown): PointedProblem {
  const branch = typeof allowed === 'string' ? /^(RC\d{4}) (.+)$/s.exec(allowed) : null;
  if (branch === null) return explainChoice(at, name, value, [allowed]);
  const [, code = '', text = ''] = branch;
  // A literal secret is never repeated.
  if (code === 'RC1403') return { ...at, code, message: `${name} must not be a literal secret`, hint: text };
  return { ...at, code, message: `${name}: ${text}`, hint: `found ${describe(value)}` };
}

function explainType(at: At, name: string, value: unknown, type: string | readonly string[]): PointedProblem {
  const types = typeof type === 'string' ? [type] : type;
  const wanted = types.map((one) => TYPE_NAMES[one] ?? one).join(' or ');
  const unquoted = (type === 'integer' || type === 'number') && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
  const quote = types.includes('string') && (typeof value === 'number' || typeof value === 'boolean');
  return {
    ...at,
    code: 'RC1104',
    message: `${name} must be ${wanted}, found ${describe(value)}`,
    ...(quote ? { hint: `put it in quotes: "${String(value)}"` } : {}),
    ...(unquoted ? { hint: `write it without quotes: ${value}` } : {}),
  };
}

function explainPattern(at: At, name: string, value: unknown, pattern: string): PointedProblem {
  const { text = `it must match ${pattern}`, suggest = [], code } = PATTERN_TEXTS[pattern] ?? {};
  // What stands where a secret's name or address should may be the secret itself: it is not repeated.
  if (code !== undefined) return { ...at, code, message: `${name} must not hold a secret`, hint: text };
  const near = typeof value === 'string' ? nearest(value, suggest) : undefined;
  const blank = typeof value === 'string' && value.trim() === '';
  return {
    ...at,
    code: 'RC1103',
    message: blank ? `${name} must not be empty` : `${name} cannot be ${show(value)}`,
    hint: near === undefined ? text : `did you mean \`${near}\`?   (${text})`,
  };
}

/** The place in words: `spec.mapping[2].source`. */
function nameOf(pointer: string): string {
  if (pointer === '') return 'the manifest';
  const path = splitPointer(pointer)
    .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join('');
  return `\`${path.replace(/^\./, '')}\``;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `\`${value.length > 60 ? `${value.slice(0, 60)}…` : value}\``;
  return describe(value);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? `the text ${show(value)}` : `\`${String(value as number | boolean)}\``;
}

/** The value at a JSON pointer. */
function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const key of splitPointer(pointer)) value = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
  return value;
}
