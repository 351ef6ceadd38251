import { opendir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { sha256 } from '../support/digest.ts';

export interface ScanPlaces {
  /** Absolute path of the project's folder. */
  readonly directory: string;
  /** Folders and files to look at, relative to it: manifests, environments, reconcile.yaml. They may change while it runs. */
  readonly roots: () => readonly string[];
}

const MAX_DEPTH = 32;

/** True for what the loader would read: YAML, outside hidden folders and `node_modules`. `path` is relative to the project. */
export function mayMatter(path: string): boolean {
  return /\.ya?ml$/.test(path) && !path.split(sep).some((name) => name.startsWith('.') || name === 'node_modules');
}

/**
 * A digest of the names, sizes and times of all that may be a manifest. Reading no file, it takes about 0.1 s for 10,000; file events alone are not
 * to be trusted: a burst of 10,000 changes delivered 4,096 (data-path 11).
 */
export async function scanManifests({ directory, roots }: ScanPlaces): Promise<string> {
  const lines: string[] = [];
  for (const root of roots()) await scan(directory, root.replace(/\/+$/, '') || '.', lines, 0);
  return sha256(lines.toSorted().join('\n'));
}

/** What cannot be looked at is part of the digest: it is a change, and the loader says what is wrong. */
async function scan(directory: string, path: string, lines: string[], depth: number): Promise<void> {
  try {
    const found = await stat(join(directory, path), { bigint: true });
    if (found.isFile()) lines.push(`${path}\t${found.size}\t${found.mtimeNs}\t${found.ino}`);
    if (!found.isDirectory() || depth > MAX_DEPTH) return;
    for await (const entry of await opendir(join(directory, path))) {
      const child = join(path, entry.name);
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (mayMatter(child) || entry.isDirectory() || entry.isSymbolicLink()) await scan(directory, child, lines, depth + 1);
    }
  } catch (error) {
    lines.push(`${path}\t${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
  }
}

/** The lock that git holds while it changes the working tree: half a checkout looks like many deletions. */
export async function isGitBusy(directory: string): Promise<boolean> {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return exists(join(folder, '.git', 'index.lock'));
    if (dirname(folder) === folder) return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
