import { canonicalJson } from '../support/canonical-json.ts';

export interface IdentifiedItem {
  /** Unique within the list: equal things are numbered. */
  readonly key: string;
  /** How people know it: `target=income`, `name=…`, the value of a scalar. */
  readonly label: string;
}

/** What tells the items of a list apart: names, targets, sources, users; a scalar is its own name. */
export function identifyItems(items: readonly unknown[]): readonly IdentifiedItem[] {
  const seen = new Map<string, number>();
  return items.map((item, index) => {
    const { key, label } = identify(item, index);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? { key, label } : { key: `${key}#${count}`, label: `${label} #${count}` };
  });
}

function identify(item: unknown, index: number): IdentifiedItem {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) {
    const text = typeof item === 'string' ? item : canonicalJson(item);
    // A segment by name and the same segment with overrides are one item.
    return { key: typeof item === 'string' ? `name=${item}` : text, label: text };
  }
  const map = item as Readonly<Record<string, unknown>>;
  const { target, source } = map;
  if (typeof target === 'string') return named('target', target);
  if (typeof source === 'string') return named('target', source.replaceAll('.', '_'));
  for (const field of ['name', 'user', 'group', 'type']) {
    const value = map[field];
    if (typeof value === 'string') return named(field, value);
  }
  return { key: canonicalJson(item), label: String(index) };
}

function named(field: string, value: string): IdentifiedItem {
  return { key: `${field}=${value}`, label: `${field}=${value}` };
}
