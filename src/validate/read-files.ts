import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ManifestFile } from '../manifest/manifest-file.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { sha256 } from '../support/digest.ts';

/** Folders nest no deeper than this: more is a loop of links. */
const MAX_DEPTH = 32;

/** What changes whenever a file's content does: the kernel moves `changedAtMs` (ctime) with every write, and nobody can set it back. */
export interface FileStamp {
  readonly bytes: number;
  readonly modifiedAtMs: number;
  readonly changedAtMs: number;
  readonly inode: number;
}

/** Digests of files that were read before. */
export interface FileStamps {
  /** The digest, when the file is surely as it was; then it is not read. */
  digestOfUnchanged(path: string, stamp: FileStamp): string | undefined;
  remember(path: string, stamp: FileStamp, sha256: string): void;
}

export interface FilesRead {
  readonly files: readonly ManifestFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/** One file of the project, or undefined when it does not exist. Throws what the system throws when it cannot be read. */
export function readManifestFile(directory: string, path: string): ManifestFile | undefined {
  try {
    const bytes = readFileSync(resolve(directory, path));
    return { path, bytes, sha256: sha256(bytes) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Every `.yaml` and `.yml` under the roots (folders or files, relative to the project), sorted by path. Hidden folders and `node_modules` are
 * left out. Whatever cannot be read is a diagnostic: it never looks like a manifest that was deleted. With `stamps`, files that have not changed are
 * read only when their bytes are asked for.
 */
export function readManifestFiles(directory: string, roots: readonly string[], stamps?: FileStamps): FilesRead {
  const files = new Map<string, ManifestFile>();
  const diagnostics: Diagnostic[] = [];
  const refuse = (file: string, error: unknown): void => void diagnostics.push(describeUnreadable(file, error));
  const visit = (path: string, depth: number): void => {
    if (depth > MAX_DEPTH)
      return void diagnostics.push({
        code: 'RC1001',
        severity: 'error',
        message: 'folders are nested more than 32 deep',
        file: path,
        hint: 'is there a link to a folder above?',
      });
    try {
      const entries = readdirSync(resolve(directory, path), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const entry of entries) {
        const child = join(path, entry.name).replaceAll('\\', '/');
        if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
        const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(resolve(directory, child)));
        if (isFolder) visit(child, depth + 1);
        else if (!/\.ya?ml$/.test(entry.name)) continue;
        // Reading a pipe would wait for ever.
        else if (entry.isFile() || entry.isSymbolicLink()) read(child);
        else refuse(child, new Error('it is not a regular file'));
      }
    } catch (error) {
      refuse(path, error);
    }
  };
  const read = (path: string): void => {
    try {
      const file = stamps === undefined ? readManifestFile(directory, path) : readStampedFile(directory, path, stamps);
      if (file === undefined) throw Object.assign(new Error('the link leads nowhere'), { code: 'ENOENT' });
      files.set(path, file);
    } catch (error) {
      refuse(path, error);
    }
  };
  for (const root of roots) {
    const path = root.replace(/\/+$/, '') || '.';
    const found = statSync(resolve(directory, path), { throwIfNoEntry: false });
    if (found === undefined)
      diagnostics.push({
        code: 'RC1001',
        severity: 'error',
        message: `\`${root}\` does not exist`,
        hint: 'make the folder, or name the right one under spec.manifests in reconcile.yaml',
      });
    else if (found.isDirectory()) visit(path, 0);
    else read(path);
  }
  return { files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), diagnostics };
}

function readStampedFile(directory: string, path: string, stamps: FileStamps): ManifestFile | undefined {
  const absolute = resolve(directory, path);
  const found = statSync(absolute, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const stamp: FileStamp = { bytes: found.size, modifiedAtMs: found.mtimeMs, changedAtMs: found.ctimeMs, inode: found.ino };
  const known = stamps.digestOfUnchanged(path, stamp);
  if (known !== undefined) return createLazyFile(path, absolute, known);
  const file = readManifestFile(directory, path);
  if (file !== undefined) stamps.remember(path, stamp, file.sha256);
  return file;
}

function createLazyFile(path: string, absolute: string, known: string): ManifestFile {
  let read: { readonly bytes: Uint8Array; readonly sha256: string } | undefined;
  return {
    path,
    // The file may have changed just before its bytes were asked for: what they come to must not go by the name of the earlier ones.
    get sha256() {
      return read?.sha256 ?? known;
    },
    get bytes() {
      if (read === undefined) {
        const bytes = readFileSync(absolute);
        read = { bytes, sha256: sha256(bytes) };
      }
      return read.bytes;
    },
  };
}

function leadsToFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function describeUnreadable(file: string, error: unknown): Diagnostic {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'EACCES' || code === 'EPERM' ? 'no permission' : code === 'ENOENT' ? 'it is gone, or a link that leads nowhere' : message;
  return { code: 'RC1001', severity: 'error', message: `\`${file}\` cannot be read: ${why}`, file, hint: 'make it readable, or move it out of the manifests' };
}
