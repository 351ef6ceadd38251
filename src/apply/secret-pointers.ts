import type { SecretRef } from '../model/resource.ts';
import type { Kind } from '../model/resource.ts';
import { escapePointer } from '../plan/diff-resource.ts';

/** The kinds whose manifests may hold secrets. */
const KINDS_WITH_SECRETS: ReadonlySet<Kind> = new Set<Kind>(['Source', 'Destination', 'Alert']);

/** A secret's place in `{metadata, spec}`, as a JSON pointer. */
export interface SecretPlace {
  readonly path: string;
  readonly ref: SecretRef;
}

/** Every secret of a resource, by the form that only secrets have: `{env: NAME}` or `{file: PATH}` and nothing beside. */
export function findSecrets(resource: { readonly kind: Kind; readonly spec: unknown }): readonly SecretPlace[] {
  // The spec of another kind is not even looked at: it may not be parsed yet.
  if (!KINDS_WITH_SECRETS.has(resource.kind)) return [];
  const found: SecretPlace[] = [];
  const walk = (value: unknown, path: string): void => {
    if (value === null || typeof value !== 'object') return;
    if (isSecretRef(value)) {
      found.push({ path, ref: value });
      return;
    }
    for (const [key, member] of Object.entries(value)) walk(member, `${path}/${escapePointer(key)}`);
  };
  walk(resource.spec, '/spec');
  return found;
}

function isSecretRef(value: object): value is SecretRef {
  const [first, ...more] = Object.entries(value);
  return first !== undefined && more.length === 0 && (first[0] === 'env' || first[0] === 'file') && typeof first[1] === 'string';
}
