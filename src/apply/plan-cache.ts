import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../destination/catalogue.ts';
import { SCHEMA_DIGEST } from '../manifest/generated/pattern-texts.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { ProjectGuardsSpec } from '../model/generated/kinds.ts';
import { resourceKey, type Resource } from '../model/resource.ts';
import { makePrivateFolder } from '../state/private-folder.ts';
import { digestOf } from '../support/digest.ts';
import { digestInputs, PROJECT_FILE, readProjectVariables, type ProjectOptions } from '../validate/load-project.ts';
import { readManifestFile, readManifestFiles, type FileStamp, type FileStamps } from '../validate/read-files.ts';
import type { ValidProject } from '../validate/validate-project.ts';
import { findSecrets } from './secret-pointers.ts';

/** Rises when what is kept changes its meaning. */
const REVISION = 1;
/** Fewer resources are read as fast as a cache of them. */
const MIN_RESOURCES = 200;
/** A file that changed so shortly before the cache was written may have changed again within one tick of the file system's clock. */
const RACY_MS = 2000;

/** What a project of valid manifests comes to: all that a plan without changes needs of it. */
export interface RecalledProject {
  readonly name: string;
  readonly guards: ProjectGuardsSpec | undefined;
  /** Warnings; there are no errors. */
  readonly diagnostics: readonly Diagnostic[];
  /** Digest of `{metadata, spec}` by resource. */
  readonly digests: Readonly<Record<string, string>>;
  /** Resources with secrets, Sources and Attributes: what is compared with the world outside. */
  readonly outside: readonly Resource[];
}

interface Stored extends RecalledProject {
  readonly version: string;
  /** `LoadedProject.inputs`. */
  readonly inputs: string;
  readonly variables: string;
  readonly cards: string;
  readonly roots: readonly string[];
  readonly stamps: Readonly<Record<string, readonly [string, string]>>;
}

/** What is known from the last time. */
export interface Recalled {
  /** Set when not one byte of the manifests, of the environment or of the project's own cards has changed since, and the program is the same. */
  readonly project?: RecalledProject;
  /** The digest of a resource whose file has not changed, if `inputs` is what the manifests were read from now. */
  digestOf(inputs: string, resource: Resource): string | undefined;
}

const NOTHING: Recalled = { digestOf: () => undefined };

/** What the manifests came to when they were last read. A cache: lost, broken or of another program, everything is read and worked out again. */
export function recallProject(options: ProjectOptions): Recalled {
  const path = cachePath(options);
  let stored: Stored;
  let writtenAt: number;
  try {
    stored = JSON.parse(readFileSync(path, 'utf8')) as Stored;
    writtenAt = statSync(path).mtimeMs;
  } catch {
    return NOTHING;
  }
  if (stored.version !== version()) return NOTHING;
  const same = new Set<string>();
  const stampOf = (file: string): readonly [string, string] | undefined => (Object.hasOwn(stored.stamps, file) ? stored.stamps[file] : undefined);
  const stamps: FileStamps = {
    digestOfUnchanged(file, stamp) {
      const known = stampOf(file);
      if (known?.[0] !== stampText(stamp) || stamp.changedAtMs > writtenAt - RACY_MS) return undefined;
      same.add(file);
      return known[1];
    },
    remember: (file, _, sha256) => void (stampOf(file)?.[1] === sha256 && same.add(file)),
  };
  const read = readInputs(options, stored.roots, stamps);
  if (read === undefined) return NOTHING;
  if (read.inputs === stored.inputs && digestCards(options.directory) === stored.cards) return { ...NOTHING, project: stored };
  if (read.variables !== stored.variables) return NOTHING;
  return {
    digestOf: (inputs, { kind, metadata, source }) =>
      inputs === read.inputs && same.has(source.file) ? stored.digests[resourceKey(kind, metadata.name)] : undefined,
  };
}

/** Keeps what valid manifests came to. `digests` are those of `valid.resources`, in their order. Writes nothing for small projects. */
export function rememberProject(options: ProjectOptions, valid: ValidProject, digests: readonly string[]): void {
  if (valid.resources.length < MIN_RESOURCES) return;
  const taken = new Map<string, readonly [string, string]>();
  const roots = valid.project.spec.manifests ?? ['manifests'];
  const stamps: FileStamps = { digestOfUnchanged: () => undefined, remember: (file, stamp, sha256) => void taken.set(file, [stampText(stamp), sha256]) };
  // Files that were written since the manifests were read would be kept with what they did not yet say.
  const read = readInputs(options, roots, stamps);
  if (read?.inputs !== valid.inputs) return;
  const stored: Stored = {
    version: version(),
    inputs: valid.inputs,
    variables: read.variables,
    cards: digestCards(options.directory),
    roots,
    stamps: Object.fromEntries(taken),
    name: valid.project.metadata.name,
    guards: valid.project.spec.guards,
    diagnostics: valid.diagnostics,
    digests: Object.fromEntries(valid.resources.map(({ kind, metadata }, index) => [resourceKey(kind, metadata.name), digests[index] ?? ''])),
    outside: valid.resources.filter(({ kind, spec }) => kind === 'Source' || kind === 'Attributes' || findSecrets(kind, spec).length > 0),
  };
  const path = cachePath(options);
  try {
    makePrivateFolder(join(options.directory, '.reconcile'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(stored));
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A read-only checkout works without.
  }
}

function cachePath({ directory }: ProjectOptions): string {
  return join(directory, '.reconcile', 'cache', 'plan.json');
}

/** Another build of the program may find something else in the same texts. */
function version(): string {
  const { size, mtimeMs } = statSync(fileURLToPath(import.meta.url));
  return `${REVISION} ${SCHEMA_DIGEST} ${size} ${mtimeMs}`;
}

function stampText({ bytes, modifiedAtMs, changedAtMs, inode }: FileStamp): string {
  return `${bytes} ${modifiedAtMs} ${changedAtMs} ${inode}`;
}

/** As `LoadedProject.inputs`, and the variables' part of it; undefined when something cannot be read. */
function readInputs(
  options: ProjectOptions,
  roots: readonly string[],
  stamps: FileStamps,
): { readonly inputs: string; readonly variables: string } | undefined {
  const project = readManifestFile(options.directory, PROJECT_FILE);
  const { files, diagnostics } = readManifestFiles(options.directory, roots, stamps);
  if (project === undefined || diagnostics.length > 0) return undefined;
  const { variables } = readProjectVariables(options);
  return { inputs: digestInputs([project, ...files.filter(({ path }) => path !== PROJECT_FILE)], variables), variables: digestInputs([], variables) };
}

/** The cards that do not come with the program. */
function digestCards(projectDirectory: string): string {
  const { types, find, diagnostics } = loadCatalogue({ projectDirectory });
  const own = types.length === loadCatalogue({}).types.length ? [] : types.map(find).filter((entry) => entry?.origin !== 'built-in');
  return digestOf({ own, diagnostics });
}
