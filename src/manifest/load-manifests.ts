import type { Diagnostic } from '../model/diagnostic.ts';
import { resourceKey, type DigestedResource, type Resource, type ResourceKey } from '../model/resource.ts';
import { createFileLocator, type FileLocator, type TokenPlace } from './locate.ts';
import { decodeManifest, type ManifestFile } from './manifest-file.ts';
import { readDocuments, type ParseCache, type ReadDocument } from './read-documents.ts';
import type { Variables } from './variables.ts';

/** The manifests as resources, with everything that is wrong. With any error the resources are incomplete: nothing may be planned from them. */
export interface LoadedManifests {
  /** In the order of files and documents. The Project is among them. */
  readonly resources: readonly DigestedResource[];
  readonly diagnostics: readonly Diagnostic[];
  readonly locator: ManifestLocator;
  /** Names that broken documents seem to declare. */
  readonly brokenNames: ReadonlySet<string>;
}

/** Finds the places of resources' parts. Parses one file again when asked, and keeps no more than that file's tree. */
export interface ManifestLocator {
  /** The value (or the key) at a JSON pointer from the document's root, such as `/spec/pql`. */
  place(resource: Resource, pointer: string, part?: 'key' | 'value'): TokenPlace & { readonly file: string };
  /** The scalar at a JSON pointer as the file has it. */
  written(resource: Resource, pointer: string): string | undefined;
  /** A range inside a text: offsets count UTF-16 units of the resource's own (expanded) text. */
  textPlace(resource: Resource, pointer: string, start: number, end: number): TokenPlace & { readonly file: string };
}

/** Reads every file; a second resource of the same kind and name is an error that names both places. */
export function loadManifests(files: readonly ManifestFile[], variables: Variables, cache: ParseCache): LoadedManifests {
  const diagnostics: Diagnostic[] = [];
  const brokenNames = new Set<string>();
  const resources = new Map<ResourceKey, DigestedResource>();
  const indexes = new Map<Resource, number>();
  const byPath = new Map(files.map((file) => [file.path, file]));
  const locator = createManifestLocator(byPath, indexes, variables);
  for (const file of files) {
    const read = readDocuments(file, variables, cache);
    diagnostics.push(...read.diagnostics);
    for (const name of read.brokenNames) brokenNames.add(name);
    for (const document of read.documents) {
      const resource = asResource(document, file.path);
      indexes.set(resource, document.index);
      const key = resourceKey(resource.kind, resource.metadata.name);
      const first = resources.get(key);
      if (first === undefined) resources.set(key, resource);
      else diagnostics.push(describeDuplicate(resource, first, locator));
    }
  }
  return { resources: [...resources.values()], diagnostics, locator, brokenNames };
}

function asResource(document: ReadDocument, file: string): DigestedResource {
  const { kind, metadata, line, column, digest } = document;
  return {
    kind,
    metadata,
    get spec() {
      return document.spec;
    },
    source: { file, line, column },
    digest,
  };
}

function describeDuplicate(resource: Resource, first: Resource, locator: ManifestLocator): Diagnostic {
  const name = `${resource.kind}/${resource.metadata.name}`;
  const there = locator.place(first, '/metadata/name');
  return {
    code: 'RC1301',
    severity: 'error',
    message: `\`${name}\` is declared twice`,
    ...locator.place(resource, '/metadata/name'),
    label: 'declared again here',
    hint: `first declared at ${there.file}:${there.line}:${there.column}; rename or remove one`,
  };
}

function createManifestLocator(files: ReadonlyMap<string, ManifestFile>, indexes: ReadonlyMap<Resource, number>, variables: Variables): ManifestLocator {
  let latest: { readonly path: string; readonly locator: FileLocator } | undefined;
  const open = (path: string): FileLocator => {
    if (latest?.path !== path) {
      const file = files.get(path);
      latest = { path, locator: createFileLocator(file === undefined ? '' : decodeManifest(file.bytes).text) };
    }
    return latest.locator;
  };
  return {
    place(resource, pointer, part = 'value') {
      const { file } = resource.source;
      return { file, ...open(file).token(indexes.get(resource) ?? 0, pointer, part) };
    },
    written: (resource, pointer) => open(resource.source.file).written(indexes.get(resource) ?? 0, pointer),
    textPlace(resource, pointer, start, end) {
      const { file } = resource.source;
      return { file, ...open(file).textRange(indexes.get(resource) ?? 0, pointer, start, end, variables) };
    },
  };
}
