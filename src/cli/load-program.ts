import { createHash } from 'node:crypto';
import { fstatSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import type * as Program from './main.ts';

export interface LoadedProgram extends Pick<typeof Program, 'main'> {
  /** Keeps what was compiled for the next start of the same command, if nothing is kept yet. Never throws. */
  keepCompiled(): void;
}

/** Set by `scripts/bundle.ts`: a digest of `program.cjs`. */
declare const __RECONCILE_PROGRAM__: string;

/** Kept per command and directory: of a checkout there are as many programs as there were states of its sources. */
const KEPT_PROGRAMS = 8;

/**
 * Loads the bundled program with the functions that an earlier run of the same command compiled. Node's own cache holds a module's top level only:
 * every function would be parsed and compiled again with each start, which takes as long as everything else that a short command does.
 */
export function loadProgram(path: string, command: string): LoadedProgram {
  // Nothing but ASCII is in it (scripts/bundle.ts): a string of one byte per character is read faster and is half as large.
  const text = readFileSync(path, 'latin1');
  const place = cachePlace(command);
  const known = place === undefined ? undefined : readCompiled(place);
  const script = new Script(text, { filename: path, ...(known === undefined ? {} : { cachedData: known }) });
  const require = createRequire(path);
  const load = (name: string): Promise<unknown> => (name.startsWith('node:') ? Promise.resolve(require(name)) : import(name));
  const module = { exports: {} as typeof Program };
  const run = script.runInThisContext() as (...given: readonly unknown[]) => void;
  run(require, module, module.exports, pathToFileURL(path).href, load);
  return {
    main: module.exports.main,
    keepCompiled() {
      if (place === undefined || (known !== undefined && script.cachedDataRejected !== true)) return;
      try {
        writeCompiled(place, script.createCachedData());
      } catch {
        // A full or foreign disk: the next start only takes longer.
      }
    },
  };
}

/** Beside Node's own cache, which is there per version of Node, flags and user. Undefined when that is turned off. */
function cachePlace(command: string): string | undefined {
  const directory = getCompileCacheDir();
  return directory === undefined ? undefined : join(directory, `reconcile-${command}-${__RECONCILE_PROGRAM__}`);
}

/** Undefined unless it is whole and our own: code is run from it. */
function readCompiled(place: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(place, 'r');
    if (process.getuid !== undefined && fstatSync(file).uid !== process.getuid()) return undefined;
    const bytes = readFileSync(file);
    const data = bytes.subarray(DIGEST_BYTES);
    return digestOf(data).equals(bytes.subarray(0, DIGEST_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function writeCompiled(place: string, data: Buffer): void {
  const directory = dirname(place);
  mkdirSync(directory, { recursive: true });
  const draft = `${place}.${process.pid}`;
  writeFileSync(draft, Buffer.concat([digestOf(data), data]), { mode: 0o600 });
  renameSync(draft, place);
  const command = place.slice(0, place.lastIndexOf('-') + 1);
  const older = readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((path) => path.startsWith(command) && path !== place)
    .map((path) => ({ path, mtimeMs: statSync(path).mtimeMs }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path } of older.slice(KEPT_PROGRAMS - 1)) rmSync(path, { force: true });
}

const DIGEST_BYTES = 32;

function digestOf(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
