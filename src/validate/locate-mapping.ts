import type { LocateMapping } from '../apply/place-column.ts';
import { resourceKey } from '../model/resource.ts';
import type { LoadedProject } from './load-project.ts';

/** Finds mapping entries in the manifests of a project. */
export function locateMapping({ resources, locator }: Pick<LoadedProject, 'resources' | 'locator'>): LocateMapping {
  const activations = new Map(
    resources.filter(({ kind }) => kind === 'Activation').map((resource) => [resourceKey('Activation', resource.metadata.name), resource]),
  );
  return (activation, index) => {
    const resource = activations.get(resourceKey('Activation', activation));
    if (resource === undefined) return undefined;
    const { file, line, column } = locator.place(resource, `/spec/mapping/${index}/target`);
    return `${file}:${line}:${column}`;
  };
}
