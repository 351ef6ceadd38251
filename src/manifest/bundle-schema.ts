import { KINDS } from '../model/resource.ts';
import { SCHEMAS } from './generated/schemas.ts';

type Node = Readonly<Record<string, unknown>>;

/** Keys of ours, and what editors call them. */
const RENAMED: Readonly<Record<string, string>> = { 'x-pattern-message': 'patternErrorMessage', 'x-otherwise': 'errorMessage' };
const VARIABLE: Node = { type: 'string', pattern: '\\$\\{var\\.[A-Za-z_][A-Za-z0-9_-]*\\}' };

/** What a schema can be had of: the kinds of manifests, and the card of a type of destination, which is no manifest. */
export const DESCRIBED = [...KINDS, 'DestinationCard'] as const;

/** One JSON Schema (2020-12) without references to other files, for editors: of a kind, or of any manifest. `${var.NAME}` is allowed for every scalar of a manifest. */
export function bundleSchema(kind: (typeof DESCRIBED)[number] | undefined): Node {
  const $defs: Record<string, unknown> = {};
  const isManifest = kind !== 'DestinationCard';
  const take = (schema: Node): void => {
    for (const [name, part] of Object.entries((schema['$defs'] ?? {}) as Node)) $defs[name] = forEditors(part, isManifest);
  };
  take(requireSchema('common'));
  if (kind !== undefined) {
    const { $defs: own, $id: _, ...schema } = requireSchema(isManifest ? kind.toLowerCase() : 'destination-card');
    // A card speaks of the files of an Activation as well.
    if (!isManifest) take(requireSchema('activation'));
    take({ $defs: own });
    return { ...(forEditors(schema, isManifest) as Node), $defs: onlyUsed(schema, $defs) };
  }
  for (const one of KINDS) {
    const { $defs: _, $id: __, $schema: ___, ...schema } = requireSchema(one.toLowerCase());
    take(requireSchema(one.toLowerCase()));
    $defs[one] = forEditors(schema);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'reconcile manifest',
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: { apiVersion: { const: 'reconcile/v1' }, kind: { enum: KINDS, description: 'What the manifest declares.' } },
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own key
    allOf: KINDS.map((one) => ({ if: { properties: { kind: { const: one } }, required: ['kind'] }, then: { $ref: `#/$defs/${one}` } })),
    $defs,
  };
}

function requireSchema(name: string): Node {
  const schema = SCHEMAS[`${name}.schema.json`];
  if (schema === undefined) throw new Error(`there is no schema \`${name}\``);
  return schema;
}

/** `bearsVariables` is false where `${var.NAME}` is a text like any other: in the names of properties, and in cards. */
function forEditors(value: unknown, bearsVariables = true): unknown {
  if (Array.isArray(value)) return value.map((item) => forEditors(item, bearsVariables));
  if (value === null || typeof value !== 'object') return value;
  const node: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (key === 'examples' || key === 'default' || key === 'enum' || key === 'const') node[key] = child;
    else if (key === 'properties' || key === '$defs') node[key] = mapValues(child as Node, (one) => forEditors(one, bearsVariables));
    else if (key === '$ref') node[key] = String(child).replace(/^[^#]*/, '');
    else if (RENAMED[key] !== undefined) node[RENAMED[key]] = child;
    else if (!key.startsWith('x-') && key !== 'discriminator') node[key] = forEditors(child, bearsVariables && key !== 'propertyNames');
  }
  return bearsVariables ? allowVariable(node) : node;
}

/** Numbers, switches, choices and patterns may be a variable as well; free texts hold one anyway. */
function allowVariable(node: Record<string, unknown>): Node {
  const { type, pattern } = node;
  const narrow = type === 'integer' || type === 'number' || type === 'boolean' || 'enum' in node || typeof pattern === 'string';
  if (!narrow) return node;
  const { title, description, default: standard, examples, ...rule } = node;
  const notes = Object.fromEntries(Object.entries({ title, description, default: standard, examples }).filter(([, one]) => one !== undefined));
  return { ...notes, anyOf: [rule, VARIABLE] };
}

function mapValues(node: Node, change: (value: unknown) => unknown): Node {
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));
}

/** The definitions that a schema needs, directly or not. */
function onlyUsed(schema: Node, $defs: Node): Node {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (value === null || typeof value !== 'object') return;
    for (const [key, child] of Object.entries(value)) {
      if (key !== '$ref') {
        visit(child);
        continue;
      }
      const name = String(child).replace(/^.*\/\$defs\//, '');
      if (used.has(name)) continue;
      used.add(name);
      visit($defs[name]);
    }
  };
  visit(schema);
  return Object.fromEntries(Object.entries($defs).filter(([name]) => used.has(name)));
}
