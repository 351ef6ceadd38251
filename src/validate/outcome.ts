import { loadCatalogue, type Catalogue } from '../destination/catalogue.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { ProjectGuardsSpec } from '../model/generated/kinds.ts';
import { resourceKey, type Kind, type Resource, type ResourceKey } from '../model/resource.ts';
import { digestOf, sha256 } from '../support/digest.ts';
import { digestInputs, PROJECT_FILE, readProjectVariables, requireProjectFile, rootsOf, type LoadedProject, type ProjectOptions } from './load-project.ts';
import type { ProjectCache } from './project-cache.ts';
import { readManifestFiles } from './read-files.ts';

/** What is compared with the world outside: sources and their columns, secrets. */
const OUTSIDE: ReadonlySet<Kind> = new Set<Kind>(['Source', 'Attributes', 'Destination', 'Alert']);

/** What valid manifests came to: all that is needed of them while they do not change. */
export interface Outcome {
  /** `LoadedProject.inputs`. */
  readonly inputs: string;
  /** `digestCards` of the catalogue. */
  readonly cards: string;
  readonly roots: readonly string[];
  /** Of the project. */
  readonly name: string;
  readonly guards?: ProjectGuardsSpec;
  /** Warnings; there are no errors. */
  readonly diagnostics: readonly Diagnostic[];
  readonly fileCount: number;
  readonly resourceCount: number;
  /** `digestAll` of the resources. */
  readonly digest: string;
  /** The resources that are compared with the world outside. */
  readonly outside: readonly Resource[];
}

/** Of a project whose diagnostics are only warnings; undefined without a Project. */
export function summarizeOutcome(
  { inputs, project, resources, fileCount }: LoadedProject & { readonly fileCount: number },
  diagnostics: readonly Diagnostic[],
  cards: string,
): Outcome | undefined {
  if (project === undefined) return undefined;
  const { guards } = project.spec;
  return {
    inputs,
    cards,
    roots: rootsOf(project),
    name: project.metadata.name,
    ...(guards === undefined ? {} : { guards }),
    diagnostics,
    fileCount,
    resourceCount: resources.length,
    digest: digestAll(resources.map(({ kind, metadata, digest }) => [resourceKey(kind, metadata.name), digest])),
    outside: resources.filter(({ kind }) => OUTSIDE.has(kind)),
  };
}

/**
 * What the manifests came to when they were last read, if not one byte of them, of the environment or of the project's own cards has changed since,
 * nor a variable, and the program is the same. Undefined: they have to be read. Throws as `loadProject` does.
 */
export function recallOutcome(options: ProjectOptions, cache: ProjectCache): Outcome | undefined {
  const { outcome } = cache;
  if (outcome === undefined) return undefined;
  const project = requireProjectFile(options.directory);
  const { files, diagnostics } = readManifestFiles(options.directory, outcome.roots, cache);
  if (diagnostics.length > 0) return undefined;
  const { variables, diagnostics: faults } = readProjectVariables(options);
  if (faults.length > 0 || digestInputs([project, ...files.filter(({ path }) => path !== PROJECT_FILE)], variables) !== outcome.inputs) return undefined;
  if (digestCards(loadCatalogue({ projectDirectory: options.directory })) !== outcome.cards) return undefined;
  cache.keepStamps();
  return outcome;
}

/** One digest of all resources, in whatever order they come. */
export function digestAll(digests: Iterable<readonly [ResourceKey, string]>): string {
  return sha256(
    Array.from(digests, ([key, digest]) => `${key} ${digest}`)
      .sort()
      .join('\n'),
  );
}

/** The cards that do not come with the program. */
export function digestCards({ types, find, diagnostics }: Catalogue): string {
  const own = types.length === loadCatalogue({}).types.length ? [] : types.map(find).filter((entry) => entry?.origin !== 'built-in');
  return digestOf({ own, diagnostics });
}
