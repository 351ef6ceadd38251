import type { ElementTypeSpec, NestedTypeSpec } from '../../model/generated/kinds.ts';

/** A declared type with its parts, the defaults filled in. */
export interface DeclaredParts {
  readonly type: string;
  readonly items: ElementTypeSpec;
  readonly values: ElementTypeSpec;
  readonly fields: readonly (readonly [string, ElementTypeSpec])[];
}

export function partsOf(declared: ElementTypeSpec): DeclaredParts {
  const spec: NestedTypeSpec = typeof declared === 'string' ? { type: declared } : declared;
  return { type: spec.type, items: spec.items ?? 'string', values: spec.values ?? 'string', fields: Object.entries(spec.fields ?? {}) };
}

/** `decimal(9,2)` → its precision and scale; undefined for `decimal`, whose digits nothing fixes. */
export function fixedDigits(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const fixed = /^decimal\((\d+),\s*(\d+)\)$/.exec(type);
  return fixed ? { precision: Number(fixed[1]), scale: Number(fixed[2]) } : undefined;
}
