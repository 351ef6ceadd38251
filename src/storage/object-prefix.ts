/** A bucket's `prefix` as it stands before every key: without leading `/`, with one at its end, `''` for the bucket's top. */
export function objectPrefix(prefix: string | undefined): string {
  const trimmed = (prefix ?? '').replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `${trimmed}/`;
}
