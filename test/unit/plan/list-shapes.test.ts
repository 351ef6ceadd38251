import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFAULTS, SET_LISTS } from '../../../src/plan/list-shapes.ts';
import { ROOT } from '../../support/reconcile.ts';

type Schema = { readonly [key: string]: unknown };

function load(file: string): Schema {
  return JSON.parse(readFileSync(`${ROOT}schemas/${file}`, 'utf8')) as Schema;
}

/** The schemas that a path may lead to, through references and alternatives. */
function follow(schema: Schema, path: readonly string[], file: string): Schema[] {
  if (typeof schema['$ref'] === 'string') {
    const [other = '', pointer = ''] = schema['$ref'].split('#');
    const next = other === '' ? file : other;
    const found = pointer
      .split('/')
      .slice(1)
      .reduce<Schema>((at, key) => at[key] as Schema, load(next));
    return follow({ ...found, ...(schema['default'] === undefined ? {} : { default: schema['default'] }) }, path, next);
  }
  const alternatives = ['oneOf', 'anyOf', 'allOf'].flatMap((key) => ((schema[key] ?? []) as Schema[]).flatMap((one) => follow(one, path, file)));
  const [head, ...rest] = path;
  if (head === undefined) return [schema, ...alternatives];
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const next = head === '*' ? [schema['items'], schema['additionalProperties']] : [properties[head]];
  return [...next.filter((one): one is Schema => one !== null && typeof one === 'object').flatMap((one) => follow(one, rest, file)), ...alternatives];
}

describe('what is a set, and what is a default', () => {
  test.each(Object.entries(SET_LISTS).flatMap(([kind, paths]) => paths.map((path) => [kind, path] as const)))('%s %s is a list in the schema', (kind, path) => {
    const file = `${kind.toLowerCase()}.schema.json`;

    expect(follow(load(file), ['spec', ...path.split('/')], file).some(({ type }) => type === 'array' || (Array.isArray(type) && type.includes('array')))).toBe(
      true,
    );
  });

  test.each(Object.entries(DEFAULTS).flatMap(([kind, defaults]) => Object.entries(defaults).map(([path, value]) => [kind, path, value] as const)))(
    '%s %s has the default %s in the schema',
    (kind, path, value) => {
      const file = `${kind.toLowerCase()}.schema.json`;

      expect(follow(load(file), ['spec', ...path.split('/')], file).map((schema) => schema['default'])).toContainEqual(value);
    },
  );
});
