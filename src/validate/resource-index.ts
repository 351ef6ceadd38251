import type {
  ActivationSpec,
  AlertSpec,
  AttributesSpec,
  DestinationSpec,
  PolicySpec,
  ProjectSpec,
  RoleSpec,
  SegmentSpec,
  SourceSpec,
} from '../model/generated/kinds.ts';
import { resourceKey, type Kind, type Resource } from '../model/resource.ts';

/** The spec that each kind has. */
export interface SpecOf {
  readonly Project: ProjectSpec;
  readonly Source: SourceSpec;
  readonly Attributes: AttributesSpec;
  readonly Segment: SegmentSpec;
  readonly Policy: PolicySpec;
  readonly Role: RoleSpec;
  readonly Destination: DestinationSpec;
  readonly Activation: ActivationSpec;
  readonly Alert: AlertSpec;
}

/** Resources by kind and name, with the spec's type. */
export interface ResourceIndex {
  all<K extends Kind>(kind: K): readonly Resource<SpecOf[K]>[];
  find<K extends Kind>(kind: K, name: string): Resource<SpecOf[K]> | undefined;
}

export function indexResources(resources: Iterable<Resource>): ResourceIndex {
  const byKey = new Map<string, Resource>();
  const byKind = new Map<Kind, Resource[]>();
  for (const resource of resources) {
    byKey.set(resourceKey(resource.kind, resource.metadata.name), resource);
    const list = byKind.get(resource.kind);
    if (list === undefined) byKind.set(resource.kind, [resource]);
    else list.push(resource);
  }
  return {
    all: <K extends Kind>(kind: K) => (byKind.get(kind) ?? []) as unknown as readonly Resource<SpecOf[K]>[],
    find: <K extends Kind>(kind: K, name: string) => byKey.get(resourceKey(kind, name)) as Resource<SpecOf[K]> | undefined,
  };
}

/** Narrows a resource to its kind's spec, without looking at the spec. */
export function isKind<K extends Kind>(resource: Resource, kind: K): resource is Resource<SpecOf[K]> {
  return resource.kind === kind;
}
