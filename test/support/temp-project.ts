import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TempProject extends Disposable {
  readonly directory: string;
  write(path: string, text: string | Uint8Array): void;
  read(path: string): string;
}

/** A folder of its own with these files; removed at the end of the scope. */
export function createTempProject(files: Readonly<Record<string, string | Uint8Array>> = {}): TempProject {
  const directory = mkdtempSync(join(tmpdir(), 'reconcile-'));
  const project: TempProject = {
    directory,
    write(path, text) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    },
    read: (path) => readFileSync(join(directory, path), 'utf8'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
  for (const [path, text] of Object.entries(files)) project.write(path, text);
  return project;
}
