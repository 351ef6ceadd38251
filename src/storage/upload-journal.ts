import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './local/classify-fs-error.ts';

/**
 * Remembers unfinished uploads over restarts for stores that cannot be asked whose an upload is (S3 multipart, GCS resumable sessions): a foreign one
 * under the same name must neither be completed nor aborted. Losing an entry costs a restart of that upload and nothing else.
 */
export interface UploadJournal {
  read(upload: string): Promise<string | undefined>;
  write(upload: string, note: string): Promise<void>;
  remove(upload: string): Promise<void>;
}

/** Notes as small private files in `directory`: a resumable session's address is a right to write. */
export function createUploadJournal(directory: string): UploadJournal {
  const pathOf = (upload: string): string => join(directory, `${createHash('sha256').update(upload).digest('hex').slice(0, 40)}.json`);
  return {
    async read(upload) {
      try {
        return await readFile(pathOf(upload), 'utf8');
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async write(upload, note) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = pathOf(upload);
      await writeFile(`${path}.new`, note, { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    async remove(upload) {
      await rm(pathOf(upload), { force: true });
    },
  };
}

/** Forgets with the process: an upload that a killed process left is started anew. */
export function createMemoryJournal(): UploadJournal {
  const notes = new Map<string, string>();
  return {
    read: async (upload) => notes.get(upload),
    write: async (upload, note) => void notes.set(upload, note),
    remove: async (upload) => void notes.delete(upload),
  };
}
