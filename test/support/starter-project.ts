import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { reconcile } from './reconcile.ts';

export interface StarterProjects {
  /** Where they stand; for other files of a test. */
  readonly folder: string;
  /** A project of its own, as `reconcile init` makes it, with more files; returns its folder. */
  make(files?: Readonly<Record<string, string>>): string;
  remove(): void;
}

/** Runs `reconcile init` once and copies what it made. */
export async function createStarterProjects(name: string): Promise<StarterProjects> {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const starter = join(folder, 'starter');
  const { code, stderr } = await reconcile(['init', starter]);
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
  let counter = 0;
  return {
    folder,
    make(files = {}) {
      const project = join(folder, `p${(counter += 1)}`);
      cpSync(starter, project, { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(project, path)), { recursive: true });
        writeFileSync(join(project, path), text);
      }
      return project;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
