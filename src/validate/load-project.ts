import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadManifests, type ManifestLocator } from '../manifest/load-manifests.ts';
import type { ManifestFile } from '../manifest/manifest-file.ts';
import type { ParseCache } from '../manifest/read-documents.ts';
import { readVariables } from '../manifest/read-variables.ts';
import type { Variables } from '../manifest/variables.ts';
import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ProjectSpec } from '../model/generated/kinds.ts';
import type { DigestedResource, Resource } from '../model/resource.ts';
import { digestOf } from '../support/digest.ts';
import { nearest } from '../support/nearest.ts';
import { openProjectCache, type ProjectCache } from './project-cache.ts';
import { readManifestFile, readManifestFiles } from './read-files.ts';

export const PROJECT_FILE = 'reconcile.yaml';

/** Which project, with which values; the part of the command line that decides what the manifests mean. */
export interface ProjectOptions {
  /** Absolute path of the folder that holds reconcile.yaml. */
  readonly directory: string;
  readonly environment: string | undefined;
  /** `--var` as typed. */
  readonly variables: Readonly<Record<string, string>>;
}

export interface LoadedProject {
  readonly directory: string;
  readonly environment: string | undefined;
  /** Undefined only when reconcile.yaml has errors; they stand in `diagnostics`. */
  readonly project: Resource<ProjectSpec> | undefined;
  /** All resources but the Project. With any error among the diagnostics they are incomplete. */
  readonly resources: readonly DigestedResource[];
  readonly diagnostics: readonly Diagnostic[];
  readonly locator: ManifestLocator;
  /** Names that broken documents seem to declare. */
  readonly brokenNames: ReadonlySet<string>;
  /** The manifest files that were read, reconcile.yaml among them. */
  readonly files: ReadonlySet<string>;
  /** Names the files' bytes and the variables' values that all this was read from. */
  readonly inputs: string;
}

/**
 * Reads reconcile.yaml and every manifest. What is wrong in them is in `diagnostics`; throws `AppError` only when there is no project
 * (RC1001, exit 8) or the command line names an environment or a variable that cannot be (RC9002, RC9003, exit 64).
 */
export function loadProject(options: ProjectOptions, cache: ProjectCache = openProjectCache(options.directory)): LoadedProject {
  const { directory, environment } = options;
  const { variables, diagnostics: variableFaults } = readProjectVariables(options);
  const projectFile = requireProjectFile(directory);
  const roots = readRoots(projectFile, variables, cache);
  const found = readManifestFiles(directory, roots, cache);
  const files = [projectFile, ...found.files.filter(({ path }) => path !== PROJECT_FILE)];
  const { resources, diagnostics, locator, brokenNames } = loadManifests(files, variables, cache);
  const all: Diagnostic[] = [...variableFaults, ...found.diagnostics, ...diagnostics];
  const project = resources.find((one) => one.kind === 'Project' && one.source.file === PROJECT_FILE) as Resource<ProjectSpec> | undefined;
  for (const other of resources) {
    if (other.kind === 'Project' && other !== project) all.push(misplacedProject(locator, other));
  }
  if (project === undefined && !diagnostics.some(({ file }) => file === PROJECT_FILE)) {
    all.push({
      code: 'RC1302',
      severity: 'error',
      message: `${PROJECT_FILE} declares no Project`,
      file: PROJECT_FILE,
      line: 1,
      column: 1,
      hint: 'add a document with `kind: Project`',
    });
  }
  const others = resources.filter(({ kind }) => kind !== 'Project');
  if (others.length === 0 && all.every(({ severity }) => severity !== 'error')) {
    all.push({
      code: 'RC1009',
      severity: 'error',
      message: `no manifest found in ${roots.map((root) => `\`${root}\``).join(', ')}`,
      hint: 'write one, or name the right folder under spec.manifests in reconcile.yaml; to remove everything that is applied: reconcile destroy',
    });
  }
  return {
    directory,
    environment,
    project,
    resources: others,
    diagnostics: all,
    locator,
    brokenNames,
    files: new Set(files.map(({ path }) => path)),
    inputs: digestInputs(files, variables),
  };
}

/** What decides what the manifests mean, but the program itself and the project's own cards. */
export function digestInputs(files: readonly Pick<ManifestFile, 'path' | 'sha256'>[], variables: Variables): string {
  const values = [...variables.values].map(([name, value]) => [name, typeof value === 'bigint' ? `${value}n` : value]);
  return digestOf({ files: files.map(({ path, sha256 }) => [path, sha256]), values });
}

/** For one small file: reading the cache of all would cost more. */
const NO_CACHE: ParseCache = { get: () => undefined, set() {} };

/**
 * Reads reconcile.yaml alone, for commands that use what is applied. Throws `AppError` (exit 8, with diagnostics) when it is wrong.
 */
export function loadProjectFile(options: ProjectOptions): Resource<ProjectSpec> {
  const { variables, diagnostics: variableFaults } = readProjectVariables(options);
  const { resources, diagnostics } = loadManifests([requireProjectFile(options.directory)], variables, NO_CACHE);
  const all = [...variableFaults, ...diagnostics];
  const project = resources.find(({ kind }) => kind === 'Project');
  if (all.length > 0 || project === undefined) {
    throw new AppError({
      code: 'RC1302',
      message: all.length > 0 ? '' : `${PROJECT_FILE} declares no Project`,
      exit: ExitCode.invalidManifests,
      diagnostics: all,
    });
  }
  return project as Resource<ProjectSpec>;
}

/** Throws as `loadProject` does when there is none. */
export function requireProjectFile(directory: string): ManifestFile {
  try {
    const file = readManifestFile(directory, PROJECT_FILE);
    if (file !== undefined) return file;
  } catch (error) {
    throw new AppError({
      code: 'RC1001',
      message: `${PROJECT_FILE} cannot be read: ${(error as NodeJS.ErrnoException).code === 'EISDIR' ? 'it is a folder' : (error as Error).message}`,
      hint: 'it must be a file that the user that runs reconcile may read',
      exit: ExitCode.invalidManifests,
      cause: error,
    });
  }
  throw new AppError({
    code: 'RC1001',
    message: `there is no ${PROJECT_FILE} in ${directory}`,
    hint: 'begin with `reconcile init`, or name the project’s folder with -C DIR',
    exit: ExitCode.invalidManifests,
  });
}

/** The folders of manifests; the default when reconcile.yaml cannot be understood, so that what is wrong elsewhere is told as well. */
function readRoots(file: ManifestFile, variables: Variables, cache: ProjectCache): readonly string[] {
  const { resources } = loadManifests([file], variables, cache);
  const project = resources.find(({ kind }) => kind === 'Project') as Resource<ProjectSpec> | undefined;
  return rootsOf(project);
}

/** The folders and files of manifests that a Project names. */
export function rootsOf(project: Resource<ProjectSpec> | undefined): readonly string[] {
  return project?.spec.manifests ?? ['manifests'];
}

/** The variables of an environment and of the command line; throws as `loadProject` does. */
export function readProjectVariables({ directory, environment, variables }: ProjectOptions): ReturnType<typeof readVariables> {
  const file = environment === undefined ? undefined : requireEnvironment(directory, environment);
  const read = readVariables(file, variables);
  const usage = read.diagnostics.find(({ code }) => code === 'RC9002');
  if (usage !== undefined) throw new AppError({ ...usage, exit: ExitCode.badUsage });
  return read;
}

function requireEnvironment(directory: string, name: string): ManifestFile {
  const known = listEnvironments(directory);
  const path = `environments/${name}.yaml`;
  const file = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) ? readManifestFile(directory, path) : undefined;
  if (file !== undefined) return file;
  const near = nearest(name, known);
  throw new AppError({
    code: 'RC9003',
    message: `there is no environment \`${name}\``,
    hint:
      near === undefined
        ? known.length === 0
          ? `write ${path}, a flat map of names to values`
          : `environments: ${known.join(', ')}`
        : `did you mean \`${near}\`?`,
    exit: ExitCode.badUsage,
  });
}

function listEnvironments(directory: string): string[] {
  try {
    return readdirSync(join(directory, 'environments'))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => name.slice(0, -'.yaml'.length))
      .sort();
  } catch {
    return [];
  }
}

function misplacedProject(locator: ManifestLocator, resource: Resource): Diagnostic {
  return {
    code: 'RC1302',
    severity: 'error',
    message: `the Project \`${resource.metadata.name}\` stands outside ${PROJECT_FILE}`,
    ...locator.place(resource, '/kind'),
    hint: `a project has one Project, in ${PROJECT_FILE}: move or remove this one`,
  };
}
