import type { ResourceBody } from '../model/plan.ts';
import type { Kind } from '../model/resource.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import { DEFAULTS, SET_LISTS } from './list-shapes.ts';

/**
 * True when two texts of a resource mean the same: sets in another order and defaults written out are no change. Called only when the digests
 * differ, so that it may take its time.
 */
export function haveSameMeaning(kind: Kind, before: ResourceBody, after: ResourceBody): boolean {
  const sets = (SET_LISTS[kind] ?? []).map((path) => path.split('/'));
  const defaults = Object.entries(DEFAULTS[kind] ?? {}).map(([path, value]) => ({ path: path.split('/'), value: canonicalJson(value) }));
  const normal = (body: ResourceBody): string => canonicalJson({ metadata: body.metadata, spec: normalize(body.spec, [], sets, defaults) });
  return normal(before) === normal(after);
}

interface Default {
  readonly path: readonly string[];
  readonly value: string;
}

function normalize(value: unknown, path: readonly string[], sets: readonly (readonly string[])[], defaults: readonly Default[]): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => normalize(item, [...path, String(index)], sets, defaults));
    return sets.some((set) => matches(set, path)) ? items.map((item) => canonicalJson(item)).sort() : items;
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => [key, normalize(member, [...path, key], sets, defaults)] as const)
    .filter(([key, member]) => !defaults.some((one) => one.value === canonicalJson(member) && matches(one.path, [...path, key])));
  return Object.fromEntries(entries.filter(([key, member]) => !isEmptied(member, (value as Record<string, unknown>)[key])));
}

/** A map that held nothing but defaults says what an absent one says. */
function isEmptied(normal: unknown, original: unknown): boolean {
  if (normal === null || typeof normal !== 'object' || Array.isArray(normal)) return false;
  return Object.keys(normal).length === 0 && Object.keys(original as object).length > 0;
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index]);
}
