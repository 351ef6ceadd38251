import { StorageError } from './storage-error.ts';

const MAX_SHOWN = 200;

/**
 * Refuses keys that could lead out of the storage's folder or that servers read differently: absolute ones, `.`, `..` and empty segments,
 * NUL and line breaks. Callers guarantee this already; an adapter checks again because what is at stake is someone else's files.
 */
export function checkKey(key: string, maxKeyBytes: number): void {
  const problem = problemOf(key, maxKeyBytes);
  if (problem === undefined) return;
  throw new StorageError('configuration', `the file name \`${key.slice(0, MAX_SHOWN)}\` ${problem}`, { hint: 'change `file.name` of the activation' });
}

/** The same for a prefix of keys, which may end in the middle of a segment and may be empty. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  checkKey(`${prefix}x`, Number.POSITIVE_INFINITY);
}

function problemOf(key: string, maxKeyBytes: number): string | undefined {
  if (key === '') return 'is empty';
  if (key.includes('\0') || key.includes('\n') || key.includes('\r')) return 'holds a control character';
  if (key.startsWith('/') || key.includes('\\')) return 'must be relative, with `/` between folders';
  for (const segment of key.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') return 'must not hold empty, `.` or `..` segments';
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > maxKeyBytes) return `is ${bytes} bytes long; the storage takes at most ${maxKeyBytes}`;
  return undefined;
}
