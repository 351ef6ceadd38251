/** A JSON Schema (2020-12) object, with this project's own `x-…` keys. */
export type SchemaNode = Readonly<Record<string, unknown>>;

const ANNOTATIONS = new Set(['description', 'examples', 'default', 'title', 'discriminator', '$comment', '$schema']);

function isNode(value: unknown): value is SchemaNode {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function mapChildren(node: SchemaNode, change: (child: unknown) => unknown, keep: (key: string) => boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (!keep(key)) continue;
    if ((key === 'properties' || key === '$defs') && isNode(value)) {
      result[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, change(child)]));
    } else if (Array.isArray(value)) {
      result[key] = value.map(change);
    } else {
      result[key] = change(value);
    }
  }
  return result;
}

/** What json-schema-to-typescript is given: one name space of titled definitions; definitions without a title are written where they are used. */
export function forTypes(value: unknown, roots: readonly SchemaNode[]): unknown {
  if (!isNode(value)) return value;
  if (typeof value['$ref'] === 'string') {
    const target = findDefinition(value['$ref'], roots);
    if (typeof target['title'] === 'string') return { $ref: value['$ref'].replace(/^[^#]*/, '') };
    return forTypes({ ...target, ...(value['description'] === undefined ? {} : { description: value['description'] }) }, roots);
  }
  return mapChildren(
    value,
    (child) => forTypes(child, roots),
    (key) => !key.startsWith('x-') && key !== 'examples' && key !== 'default' && key !== 'discriminator',
  );
}

function findDefinition(ref: string, roots: readonly SchemaNode[]): SchemaNode {
  const name = ref.replace(/^.*\/\$defs\//, '');
  for (const root of roots) {
    const target = ((root['$defs'] ?? {}) as Record<string, SchemaNode>)[name];
    if (target !== undefined) return target;
  }
  throw new Error(`no schema defines \`${name}\``);
}

/**
 * What ajv is given. Branches become chains of `if`, so that only the errors of the branch the writer meant are told; closed objects
 * become a list of known keys, so that an error carries what it could have been. `roots` are the files whose `$defs` a reference may name.
 */
export function forValidation(value: unknown, roots: readonly SchemaNode[]): unknown {
  if (!isNode(value)) return value;
  const node = mapChildren(
    value,
    (child) => forValidation(child, roots),
    (key) => !key.startsWith('x-') && !ANNOTATIONS.has(key) && key !== 'oneOf',
  );
  if (value['additionalProperties'] === false) {
    if ('propertyNames' in value) throw new Error('a closed object has no propertyNames of its own');
    delete node['additionalProperties'];
    node['propertyNames'] = { enum: Object.keys((value['properties'] ?? {}) as object) };
  }
  // A map that is easily written as its first value: what stands there instead is told what to write.
  if (value['type'] === 'object' && typeof value['x-otherwise'] === 'string')
    return { if: { type: 'object' }, then: node, else: { const: `RC1104 ${value['x-otherwise']}` } };
  if (Array.isArray(value['oneOf'])) Object.assign(node, chooseBranch(value, value['oneOf'] as SchemaNode[], roots));
  return node;
}

function chooseBranch(node: SchemaNode, branches: readonly SchemaNode[], roots: readonly SchemaNode[]): SchemaNode {
  if (isNode(node['discriminator'])) return chooseByTag(node['discriminator']['propertyName'] as string, branches, roots);
  const otherwise = `${(node['x-code'] as string | undefined) ?? 'RC1105'} ${node['x-otherwise'] as string}`;
  if (node['x-otherwise'] === undefined) throw new Error(`a oneOf without x-otherwise: ${JSON.stringify(node).slice(0, 200)}`);
  let chain: unknown = { const: otherwise };
  for (const branch of branches.toReversed()) {
    if (!isNode(branch['x-when'])) throw new Error('a branch without x-when');
    chain = { if: branch['x-when'], then: forValidation(branch, roots), else: chain };
  }
  return chain as SchemaNode;
}

/** Branches of a tagged union: the tag's values are taken from the branches, which are references into the same file. */
function chooseByTag(tag: string, branches: readonly SchemaNode[], roots: readonly SchemaNode[]): SchemaNode {
  const chain = branches.map((branch) => ({ branch, values: tagValuesOf(branch, tag, roots) }));
  return {
    type: 'object',
    required: [tag],
    properties: { [tag]: { enum: chain.flatMap(({ values }) => values) } },
    allOf: chain.map(({ branch, values }) => ({
      if: { properties: { [tag]: { enum: values } }, required: [tag], type: 'object' },
      then: forValidation(branch, roots),
    })),
  };
}

function tagValuesOf(branch: SchemaNode, tag: string, roots: readonly SchemaNode[]): unknown[] {
  const target = findDefinition(branch['$ref'] as string, roots);
  const property = isNode(target['properties']) ? target['properties'][tag] : undefined;
  if (!isNode(property)) throw new Error(`${branch['$ref'] as string} has no \`${tag}\``);
  return 'const' in property ? [property['const']] : [...(property['enum'] as unknown[])];
}

/** Every `pattern` with its `x-pattern-message`, `x-suggest` and `x-code`. */
export function* readPatternTexts(value: unknown): Generator<[string, { text: string; suggest?: readonly string[]; code?: string }]> {
  if (Array.isArray(value)) {
    for (const child of value) yield* readPatternTexts(child);
  } else if (isNode(value)) {
    const { pattern, 'x-pattern-message': text, 'x-suggest': suggest, 'x-code': code } = value;
    if (typeof pattern === 'string' && typeof text === 'string')
      yield [
        pattern,
        { text, ...(suggest === undefined ? {} : { suggest: suggest as readonly string[] }), ...(code === undefined ? {} : { code: code as string }) },
      ];
    for (const child of Object.values(value)) yield* readPatternTexts(child);
  }
}
