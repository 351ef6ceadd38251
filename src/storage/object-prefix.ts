import { StorageError } from './storage-error.ts';

/**
 * A bucket's `prefix` as it stands before every key: without leading `/`, with one at its end, `''` for the bucket's top. Throws for one that would put
 * files elsewhere than it says.
 */
export function objectPrefix(prefix: string | undefined): string {
  const trimmed = (prefix ?? '').replace(/^\/+|\/+$/g, '');
  const wrong = checkObjectPrefix(trimmed);
  if (wrong !== undefined) throw new StorageError('configuration', wrong.message, { hint: wrong.hint });
  return trimmed === '' ? '' : `${trimmed}/`;
}

/**
 * What is wrong with a `prefix`, or undefined. Libraries and servers resolve `.` and `..` as in addresses: on Azure `../other` is another container. And
 * `\` is a `/` to some.
 */
export function checkObjectPrefix(prefix: string): { readonly message: string; readonly hint: string } | undefined {
  const problem = problemOf(prefix);
  if (problem === undefined) return undefined;
  return { message: `the prefix ${problem}`, hint: 'a prefix is names with `/` between them, such as `incoming/audiences`; it is never relative' };
}

function problemOf(prefix: string): string | undefined {
  if (/\p{Cc}/u.test(prefix)) return 'holds a control character';
  if (prefix.includes('\\')) return 'holds a `\\`';
  const dots = prefix.split('/').find((segment) => segment === '.' || segment === '..');
  return dots === undefined ? undefined : `holds \`${dots}\``;
}
