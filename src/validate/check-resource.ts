import type { ActivationFacts } from '../activation/check-together.ts';
import type { Catalogue } from '../destination/catalogue.ts';
import type { ManifestLocator } from '../manifest/load-manifests.ts';
import type { Resource } from '../model/resource.ts';
import { checkActivation } from './check-activations.ts';
import { checkPlaceholders } from './check-placeholders.ts';
import { checkReferences } from './check-references.ts';
import { checkSegment, type SegmentCall } from './check-segments.ts';
import type { Reporter } from './reporter.ts';
import { isKind, type ResourceIndex } from './resource-index.ts';

/** What the checks of one resource may look at. Other resources only through `index`, which notes what was looked at. */
export interface CheckContext {
  readonly index: ResourceIndex;
  readonly catalogue: Catalogue;
  readonly brokenNames: ReadonlySet<string>;
  readonly locator: ManifestLocator;
  readonly report: Reporter;
}

/** What checks of everything together need to know of a resource; JSON, since it is kept between runs. */
export interface ResourceFacts {
  /** Of a Segment: the other segments that it names. */
  readonly calls?: readonly SegmentCall[];
  /** Of an Activation whose destination is known. */
  readonly activation?: ActivationFacts;
}

/** The checks of a resource that look at nothing but it and what it names. */
export function checkResource(resource: Resource, context: CheckContext): ResourceFacts {
  checkPlaceholders(resource, context.report);
  checkReferences(resource, context);
  if (isKind(resource, 'Segment')) return checkSegment(resource, context);
  if (isKind(resource, 'Activation')) return checkActivation(resource, context);
  return {};
}
