import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';

const FOLDER = new URL('../../../schemas/', import.meta.url);
const schemas = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.schema.json'))
    .map((name) => [name, JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Readonly<Record<string, unknown>>]),
);
const ajv = new Ajv2020({ strict: false, validateFormats: false });
for (const [name, schema] of schemas) ajv.addSchema(schema, name);

/** JSON pointers of every part of a schema that carries examples. */
function withExamples(node: unknown, pointer = ''): readonly string[] {
  if (node === null || typeof node !== 'object') return [];
  const below = Object.entries(node).flatMap(([key, child]) =>
    key === 'examples' || key === 'default' ? [] : withExamples(child, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return 'examples' in node && Array.isArray(node.examples) ? [pointer, ...below] : below;
}

function at(schema: unknown, pointer: string): Readonly<Record<string, unknown>> {
  const keys = pointer.split('/').slice(1);
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key.replaceAll('~1', '/').replaceAll('~0', '~')], schema) as Record<
    string,
    unknown
  >;
}

test.each([...schemas])('the examples that editors show are valid themselves: %s', (name, schema) => {
  for (const pointer of withExamples(schema)) {
    const validate = ajv.compile({ $ref: `${name}#${pointer}` });
    for (const example of at(schema, pointer)['examples'] as readonly unknown[]) {
      expect(validate(example), `${name}#${pointer}: ${JSON.stringify(example)} ${JSON.stringify(validate.errors)}`).toBe(true);
    }
  }
});

test.each([...schemas.keys()].filter((name) => !/^(?:common|destination-card)/.test(name)))('a whole manifest of the kind is shown: %s', (name) => {
  const examples = schemas.get(name)?.['examples'] as readonly { readonly apiVersion?: string }[] | undefined;
  expect(examples?.[0]?.apiVersion).toBe('reconcile/v1');
});
