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
  /** The hint is to put the value in quotes, as it is written: `0123` and `1e3` are numbers that look otherwise. */
  readonly quote?: boolean;
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
  if (propertyName !== undefined) return explainKey(error, propertyName, document);
  const value = valueAt(document, pointer);
  const name = nameOf(pointer);
  const at = { pointer, part: 'value' } as const;
  switch (keyword) {
    case 'required': {
      const key = String(params['missingProperty']);
      // The one key whose value nobody knows by heart.
      const how = key === 'hostKey' ? '; `reconcile doctor --host-key HOST` prints it' : '';
      return { code: 'RC1102', pointer, part: 'key', message: `${name} has no \`${key}\``, hint: `add \`${key}: …\`${how}` };
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

function explainKey({ instancePath, keyword, params }: SchemaError, key: string, document: unknown): PointedProblem {
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
  // `spec:` stands empty above it.
  if (near === undefined && instancePath === '' && valueAt(document, '/spec') === null) {
    return {
      ...at,
      code: 'RC1101',
      message: `unknown key \`${key}\` in the manifest`,
      label: 'not a key of this map',
      hint: 'where it belongs to `spec`, indent it by two spaces',
    };
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
  const hint = toWriteInstead(value, types);
  return {
    ...at,
    code: 'RC1104',
    message: `${name} must be ${wanted}, found ${describe(value)}`,
    ...(hint === undefined ? {} : { hint }),
    ...(types.includes('string') && typeof value === 'number' ? { quote: true } : {}),
  };
}

/** What to write for a value of another type, when that can be told. */
export function toWriteInstead(value: unknown, types: readonly string[]): string | undefined {
  if (types.includes('string')) {
    if (typeof value === 'number' || typeof value === 'boolean') return `put it in quotes: "${String(value)}"`;
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? 'a text that begins with { or holds `: ` stands in quotes' : undefined;
  }
  if ((value === null || value === undefined) && types.includes('object')) return 'indent the lines that belong to it, with two spaces more';
  if (typeof value !== 'string') return undefined;
  if (types.includes('array'))
    return /^[\w.-]+$/.test(value) ? `a list stands in [ ]: [${value}]` : 'a list stands in [ ], or has a line with `- ` for each item';
  if (types.includes('boolean') && /^(?:true|yes|on|y|1)$/i.test(value)) return 'write `true`, without quotes';
  if (types.includes('boolean') && /^(?:false|no|off|n|0)$/i.test(value)) return 'write `false`, without quotes';
  if (!types.includes('number') && !types.includes('integer')) return undefined;
  const digits = value.replaceAll(/[_\s'’%]/g, '');
  return /^-?\d+(?:\.\d+)?$/.test(digits) ? `write the number alone, without quotes: ${digits}` : undefined;
}

function explainPattern(at: At, name: string, value: unknown, pattern: string): PointedProblem {
  const { text = `it must match ${pattern}`, suggest = [], code } = PATTERN_TEXTS[pattern] ?? {};
  // What stands where a secret's name or address should may be the secret itself: it is not repeated.
  if (code !== undefined) return { ...at, code, message: `${name} must not hold a secret`, hint: text };
  const near = typeof value === 'string' ? (nearest(value, suggest) ?? asName(value, text)) : undefined;
  const blank = typeof value === 'string' && value.trim() === '';
  return {
    ...at,
    code: 'RC1103',
    message: blank ? `${name} must not be empty` : `${name} cannot be ${show(value)}`,
    hint: near === undefined ? text : `did you mean \`${near}\`?   (${text})`,
  };
}

/** A name that is nearly one, put right; of `$NAME`, the variable that was meant. */
function asName(value: string, text: string): string | undefined {
  if (!text.startsWith('a name is ')) return undefined;
  const [, variable] = /^\$\{?([A-Za-z_][\w-]*)\}?$/.exec(value) ?? [];
  if (variable !== undefined) return `"\${var.${variable}}"`;
  const name = value
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return /^[\w -]+$/.test(value) && /^[a-z0-9-]{1,63}$/.test(name) ? name : undefined;
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
