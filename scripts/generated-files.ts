import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { transform } from 'esbuild';
import { compile } from 'json-schema-to-typescript';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { forTypes, forValidation, readPatternTexts, type SchemaNode } from './transform-schema.ts';

const HEADER = '// Generated from schemas/ by `npm run generate`; do not edit.\n';

/** A schema file by its name, e.g. `segment.schema.json`. */
function readSchemas(root: string): Map<string, SchemaNode> {
  const folder = join(root, 'schemas');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.schema.json'))
    .sort();
  return new Map(names.map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as SchemaNode]));
}

/** Every generated file: path relative to the root, and the text it must have. */
export async function buildGeneratedFiles(root: string): Promise<Map<string, string>> {
  const schemas = readSchemas(root);
  return new Map([
    ['src/model/generated/kinds.ts', await buildTypes(schemas)],
    ['src/manifest/generated/validators.js', await buildValidators(schemas)],
    ['src/manifest/generated/validators.d.ts', buildValidatorTypes(schemas)],
    ['src/manifest/generated/pattern-texts.ts', buildPatternTexts(schemas)],
    ['src/manifest/generated/schemas.ts', buildSchemaTable(schemas)],
    ['src/destination/generated/built-in-cards.ts', buildCards(root)],
  ]);
}

async function buildTypes(schemas: ReadonlyMap<string, SchemaNode>): Promise<string> {
  const $defs: Record<string, SchemaNode> = {};
  for (const schema of schemas.values()) {
    for (const [name, part] of Object.entries((schema['$defs'] ?? {}) as Record<string, SchemaNode>)) {
      if (name in $defs) throw new Error(`two schemas define \`${name}\``);
      if (typeof part['title'] === 'string') $defs[name] = forTypes(part, [...schemas.values()]) as SchemaNode;
    }
  }
  const properties = Object.fromEntries(Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]));
  const text = await compile({ $defs, title: 'Unused', type: 'object', additionalProperties: false, properties } as never, 'Unused', {
    bannerComment: '',
    format: true,
    ignoreMinAndMaxItems: true,
    additionalProperties: false,
    strictIndexSignatures: false,
    style: { singleQuote: true, printWidth: 160 },
  });
  const body = text.replace(/export interface Unused \{\n[\s\S]*?\n\}\n/, '');
  return HEADER + body;
}

function buildValidatorTypes(schemas: ReadonlyMap<string, SchemaNode>): string {
  const kinds = [...schemas.values()].map((schema) => schema['title'] as string).filter((title) => title !== 'Common');
  const lines = kinds.map((kind) => `export const validate${kind}: SchemaValidator;`);
  return `${HEADER}
export interface SchemaError {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set when a key, not a value, is wrong. */
  readonly propertyName?: string;
}

export interface SchemaValidator {
  (data: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

${lines.join('\n')}
`;
}

/** JavaScript, not TypeScript: stripping the types of so large a file would cost more than running it. */
async function buildValidators(schemas: ReadonlyMap<string, SchemaNode>): Promise<string> {
  const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, strictTypes: false, messages: false, code: { source: true, esm: true } });
  const kinds: Record<string, string> = {};
  for (const [file, schema] of schemas) {
    ajv.addSchema(forValidation(schema, [...schemas.values()]) as never, file);
    if (file !== 'common.schema.json') kinds[`validate${schema['title'] as string}`] = file;
  }
  const code = (standalone as unknown as (ajv: unknown, kinds: unknown) => string)(ajv, kinds);
  if (code.includes('require(')) throw new Error('the validators need a module at run time; change the schema so that they do not');
  const { code: small } = await transform(code, { format: 'esm', minify: true, treeShaking: true, target: 'node24' });
  return `${HEADER}${small}`;
}

function buildPatternTexts(schemas: ReadonlyMap<string, SchemaNode>): string {
  const texts = Object.fromEntries(Array.from(readPatternTexts([...schemas.values()])).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${HEADER}\n/** What a pattern of the schemas means, in words, with the values worth suggesting. */\nexport const PATTERN_TEXTS: Readonly<Record<string, { readonly text: string; readonly suggest?: readonly string[]; readonly code?: string }>> = ${JSON.stringify(texts, null, 2)};\n`;
}

function buildSchemaTable(schemas: ReadonlyMap<string, SchemaNode>): string {
  return `${HEADER}\n/** The schemas as they are written, by file name. */\nexport const SCHEMAS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = JSON.parse(${JSON.stringify(JSON.stringify(Object.fromEntries(schemas)))});\n`;
}

/** The cards of `destinations/` as JSON texts: finding one at start costs one small parse, not eleven YAML files. */
function buildCards(root: string): string {
  const folder = join(root, 'destinations');
  const cards = readdirSync(folder)
    .sort()
    .map((type) => [type, JSON.stringify(parse(readFileSync(join(folder, type, 'destination.yaml'), 'utf8')))]);
  const lines = cards.map(([type, text]) => `  ${JSON.stringify(type)}: ${JSON.stringify(text)},`);
  return `// Generated from destinations/*/destination.yaml by \`npm run generate\`; do not edit.

/** The cards that the package ships, by type, as JSON texts. */
export const BUILT_IN_CARDS: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
}
