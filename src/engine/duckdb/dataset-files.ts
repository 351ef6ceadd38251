import { glob, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../model/app-error.ts';
import type { FileDatasetSpec } from '../../model/generated/kinds.ts';
import { digestOf } from '../../support/digest.ts';

export type DatasetFormat = 'csv' | 'parquet' | 'json';

/** The files of a dataset in one state. */
export interface DatasetFiles {
  readonly name: string;
  readonly format: DatasetFormat;
  /** Absolute, sorted. */
  readonly paths: readonly string[];
  /** Changes when a file is added, removed, written or replaced. */
  readonly fingerprint: string;
  readonly bytes: number;
}

const EXTENSIONS: readonly (readonly [RegExp, DatasetFormat])[] = [
  [/\.(csv|tsv|txt)(\.gz|\.zst)?$/i, 'csv'],
  [/\.(parquet|pq)$/i, 'parquet'],
  [/\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i, 'json'],
];

/**
 * Finds the files of a dataset: a path, a glob or a list of them, relative to the project.
 * Throws RC2001 when one is missing or a glob matches nothing: an input that is not there never means "nobody".
 */
export async function findDatasetFiles(project: string, name: string, dataset: FileDatasetSpec): Promise<DatasetFiles> {
  const patterns = typeof dataset.path === 'string' ? [dataset.path] : dataset.path;
  const found = new Map<string, string>();
  let bytes = 0;
  for (const pattern of patterns) {
    let matches = 0;
    for (const path of await expand(project, pattern)) {
      const facts = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
        throw missing(name, pattern, error);
      });
      if (facts.isDirectory())
        throw new AppError({
          code: 'RC2001',
          message: `\`${pattern}\` of dataset \`${name}\` is a folder, not a file`,
          hint: `write \`${pattern}/*.parquet\` to read the files in it`,
        });
      matches += 1;
      if (!found.has(path)) bytes += Number(facts.size);
      found.set(path, `${facts.size}:${facts.mtimeNs}:${facts.ino}`);
    }
    if (matches === 0) throw missing(name, pattern);
  }
  const paths = [...found.keys()].sort();
  return { name, format: formatOf(name, paths), paths, fingerprint: digestOf(paths.map((path) => [path.slice(project.length), found.get(path)])), bytes };
}

async function expand(project: string, pattern: string): Promise<readonly string[]> {
  if (!/[*?[{]/.test(pattern)) return [resolve(project, pattern)];
  const exact = resolve(project, pattern);
  // A file may really be called `a[1].csv`.
  if (
    await stat(exact).then(
      () => true,
      () => false,
    )
  )
    return [exact];
  const found: string[] = [];
  for await (const path of glob(pattern, { cwd: project })) found.push(resolve(project, path));
  return found;
}

function formatOf(name: string, paths: readonly string[]): DatasetFormat {
  const formats = new Set(paths.map((path) => EXTENSIONS.find(([pattern]) => pattern.test(path))?.[1]));
  const [format] = formats;
  if (formats.size > 1)
    throw new AppError({ code: 'RC2003', message: `dataset \`${name}\` mixes files of several formats`, hint: 'give each format a dataset of its own' });
  if (format === undefined) {
    throw new AppError({
      code: 'RC2003',
      message: `\`${paths[0] ?? name}\` of dataset \`${name}\` is not a file that can be read`,
      hint: 'a dataset’s files end in .csv, .tsv, .parquet, .json, .jsonl or .ndjson; text files may also end in .gz or .zst',
    });
  }
  return format;
}

function missing(name: string, pattern: string, error?: NodeJS.ErrnoException): AppError {
  const why =
    error !== undefined && error.code !== 'ENOENT' && error.code !== 'ENOTDIR' ? ` cannot be read (${error.code ?? error.message})` : ' does not exist';
  return new AppError({
    code: 'RC2001',
    message: `the data file \`${pattern}\` of dataset \`${name}\`${why}`,
    hint: 'put the file there, or correct `path` in the Source; nothing was exported, a missing file never means that everybody left',
    cause: error,
  });
}
