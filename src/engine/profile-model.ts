import type { AttributesSpec, FieldSpec, NestedTypeSpec, SourceSpec } from '../model/generated/kinds.ts';

/** What an engine needs to know of an Attributes resource and its Source. */
export interface ProfileModel {
  readonly name: string;
  readonly attributes: AttributesSpec;
  readonly sourceName: string;
  readonly source: SourceSpec;
}

/** A column of the logical relation: which physical column, read as which type. */
export interface ModelColumn {
  readonly path: string;
  readonly column: string;
  readonly type: string;
  /** The type with its parts: what is inside an array, a map or an object. */
  readonly declared: NestedTypeSpec;
}

const STRING: NestedTypeSpec = { type: 'string' };

/** The namespace and column of the primary identity. */
export function primaryIdentity(attributes: AttributesSpec): { readonly namespace: string; readonly column: string } {
  const entries = Object.entries(attributes.identities);
  const [namespace, identity] = entries.find(([, value]) => value.primary === true) ?? entries[0] ?? [];
  if (namespace === undefined || identity === undefined) throw new TypeError('Attributes without an identity passed validation');
  return { namespace, column: identity.column };
}

/** Every column of the relation `profile`: identities as `identityMap.NAMESPACE`, fields and consents by path. */
export function profileColumns(attributes: AttributesSpec): readonly ModelColumn[] {
  return [
    ...Object.entries(attributes.identities).map(([namespace, { column }]) => ({ path: `identityMap.${namespace}`, column, type: 'string', declared: STRING })),
    ...Object.entries(attributes.fields ?? {}).map(toColumn),
    ...Object.entries(attributes.consents ?? {}).map(([path, { column }]) => ({ path: `consents.${path}`, column, type: 'string', declared: STRING })),
  ];
}

/** Every field column of the relation `event`. */
export function eventColumns(attributes: AttributesSpec): readonly ModelColumn[] {
  return Object.entries(attributes.events?.fields ?? {}).map(toColumn);
}

function toColumn([path, field]: readonly [string, FieldSpec]): ModelColumn {
  return { path, column: field.column, type: field.type, declared: field };
}
