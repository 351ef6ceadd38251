import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../support/digest.ts';

/** Set by `scripts/bundle.ts`: a digest of all that the bundle is made of. */
declare const __RECONCILE_BUILD__: string | undefined;

/**
 * Names this program: another build of it, or another Node with its own list of time zones, may find something else in the same texts. Times and sizes
 * of installed files would not do: packages are unpacked with equal times.
 */
export function programStamp(): string {
  const build = typeof __RECONCILE_BUILD__ === 'string' ? __RECONCILE_BUILD__ : stampSources();
  return `${build} ${process.version}`;
}

/** Run from its sources, as tests do. */
function stampSources(): string {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  const stamps = paths.map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`);
  return sha256(stamps.join('\n'));
}
