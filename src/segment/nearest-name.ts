import { nearest } from '../support/nearest.ts';

/**
 * The attribute or field that an unknown name most likely means: one that is spelled nearly so, or the only one that ends so, as `person.firstName` does for
 * `firstName` and for `profile.person.firstName`.
 */
export function nearestName(path: string, names: Iterable<string>): string | undefined {
  const all = [...names];
  const near = nearest(path, all);
  if (near !== undefined) return near;
  const parts = path.toLowerCase().split('.');
  for (let from = 0; from < parts.length; from += 1) {
    const end = `.${parts.slice(from).join('.')}`;
    const [found, other] = all.filter((name) => `.${name.toLowerCase()}`.endsWith(end));
    if (found !== undefined && other === undefined) return found;
  }
  return undefined;
}
