import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The git commit that is checked out at or above a folder, or undefined. Reads git's own files; runs no program. */
export function readCommit(directory: string): string | undefined {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const git = gitFolder(folder);
    if (git !== undefined) return headOf(git);
    if (dirname(folder) === folder) return undefined;
  }
}

function gitFolder(folder: string): string | undefined {
  const path = join(folder, '.git');
  if (read(join(path, 'HEAD')) !== undefined) return path;
  // A worktree's `.git` is a file that names the folder.
  const link = /^gitdir: (.+)$/m.exec(read(path) ?? '')?.[1];
  return link === undefined ? undefined : resolve(folder, link.trim());
}

function headOf(git: string): string | undefined {
  const head = read(join(git, 'HEAD'))?.trim() ?? '';
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  if (ref === undefined) return asCommit(head);
  const common = read(join(git, 'commondir'))?.trim();
  const folders = common === undefined ? [git] : [git, resolve(git, common)];
  for (const folder of folders) {
    const loose = asCommit(read(join(folder, ref))?.trim() ?? '');
    if (loose !== undefined) return loose;
    const packed = (read(join(folder, 'packed-refs')) ?? '').split('\n').find((line) => line.endsWith(` ${ref}`));
    if (packed !== undefined) return asCommit(packed.slice(0, packed.indexOf(' ')));
  }
  return undefined;
}

function asCommit(text: string): string | undefined {
  return /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
