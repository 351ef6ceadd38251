import { closeSync, fsyncSync, openSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { formatYaml } from '../manifest/format-yaml.ts';
import { decodeManifest, type ManifestFile } from '../manifest/manifest-file.ts';
import { parseYaml } from '../manifest/parse-yaml.ts';
import { createLineIndex } from '../manifest/line-index.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { loadProject, PROJECT_FILE, type ProjectOptions } from './load-project.ts';
import { readManifestFile, readManifestFiles } from './read-files.ts';

export interface FormatOutcome {
  /** Paths relative to the project. */
  readonly changed: readonly string[];
  readonly fileCount: number;
  /** Files that could not be formatted; they are left as they were. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Formats every YAML file of a project. Each file changes whole or not at all. */
export function formatProject(options: ProjectOptions, mode: 'check' | 'write'): FormatOutcome {
  const { directory } = options;
  const { project } = loadProject(options);
  const found = readManifestFiles(directory, project?.spec.manifests ?? ['manifests']);
  const others = [PROJECT_FILE, ...listEnvironmentFiles(directory)].flatMap((path) => readManifestFile(directory, path) ?? []);
  const files = new Map<string, ManifestFile>([...others, ...found.files].map((file) => [file.path, file]));
  const changed: string[] = [];
  const diagnostics: Diagnostic[] = [...found.diagnostics];
  for (const file of files.values()) {
    const { text, problem } = decodeManifest(file.bytes);
    const formatted = problem === undefined ? formatYaml(text) : undefined;
    if (formatted === undefined) {
      diagnostics.push(...explain(file, text, problem));
    } else if (Buffer.compare(Buffer.from(formatted), file.bytes) !== 0) {
      changed.push(file.path);
      if (mode === 'write') replaceFile(resolve(directory, file.path), formatted);
    }
  }
  return { changed, fileCount: files.size, diagnostics };
}

function explain(file: ManifestFile, text: string, problem: { readonly message: string; readonly hint: string } | undefined): readonly Diagnostic[] {
  const base = { severity: 'error', file: file.path } as const;
  if (problem !== undefined) return [{ ...base, code: 'RC1002', message: problem.message, hint: problem.hint, line: 1, column: 1 }];
  const lines = createLineIndex(text);
  const { problems } = parseYaml(text, lines);
  if (problems.length === 0) {
    return [
      {
        ...base,
        code: 'RC1010',
        message: 'the file cannot be written in canonical form without a change of its meaning or a comment lost',
        line: 1,
        column: 1,
        hint: 'it stays as it is',
      },
    ];
  }
  const diagnostics: Diagnostic[] = [];
  for (const { code, message, hint, start, end } of problems) {
    const place = { ...lines.place(start), length: lines.length(start, end) };
    diagnostics.push({ ...base, code, message, ...place, ...(hint === undefined ? {} : { hint }) });
  }
  return diagnostics;
}

function listEnvironmentFiles(directory: string): string[] {
  try {
    return readdirSync(join(directory, 'environments'))
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => `environments/${name}`);
  } catch {
    return [];
  }
}

/** Beside the file, durable, then renamed over it; a link stays a link, the mode stays the mode. */
function replaceFile(path: string, text: string): void {
  const target = realpathSync(path);
  const draft = `${target}.reconcile-${process.pid}`;
  const handle = openSync(draft, 'wx', statSync(target).mode & 0o777);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
    closeSync(handle);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
