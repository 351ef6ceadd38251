import { AppError } from '../model/app-error.ts';
import type { ResourceKey } from '../model/resource.ts';
import { resourceKey } from '../model/resource.ts';
import type { RecordedResource } from '../state/state-store.ts';
import { digestOf } from '../support/digest.ts';
import { loadProject, type ProjectOptions } from '../validate/load-project.ts';

export interface RulePlace {
  readonly file: string;
  readonly line: number;
}

export interface RulePlaces {
  /** A part of an applied resource: a JSON pointer, and for texts a range within. */
  find(key: ResourceKey, pointer: string, range?: { readonly start: number; readonly end: number }): RulePlace | undefined;
  /** What was edited since it was applied, among those asked for: its places are those of its beginning, at that time. */
  readonly edited: ReadonlySet<ResourceKey>;
}

/**
 * Where the rules that are applied stand in the manifests. The manifests need not be valid; those that say something else than what is applied, or are
 * gone, give the place where the resource stood.
 */
export function createRulePlaces(resources: ReadonlyMap<ResourceKey, RecordedResource>, options: ProjectOptions): RulePlaces {
  const edited = new Set<ResourceKey>();
  const loaded = load(options);
  const manifests = new Map(loaded?.resources.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource]));
  return {
    edited,
    find(key, pointer, range) {
      const recorded = resources.get(key);
      if (recorded === undefined) return undefined;
      const manifest = manifests.get(key);
      if (loaded === undefined || manifest === undefined || digestOf({ metadata: manifest.metadata, spec: manifest.spec }) !== recorded.digest) {
        edited.add(key);
        return recorded.source;
      }
      const { file, line } =
        range === undefined ? loaded.locator.place(manifest, pointer) : loaded.locator.textPlace(manifest, pointer, range.start, range.end);
      return { file, line };
    },
  };
}

function load(options: ProjectOptions): ReturnType<typeof loadProject> | undefined {
  try {
    return loadProject(options);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
