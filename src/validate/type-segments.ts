import { toProfileSchema } from '../segment/profile-schema.ts';
import { readCondition } from '../segment/read-pql.ts';
import type { TestedSegment } from '../segment/run-tests.ts';
import type { Typed } from '../segment/typed.ts';
import type { ResourceIndex } from './resource-index.ts';

/** Every segment of a valid project with its typed tree, by name. */
export function typeSegments(index: ResourceIndex): ReadonlyMap<string, TestedSegment> {
  const schemas = new Map(index.all('Attributes').map(({ metadata, spec }) => [metadata.name, toProfileSchema(spec)]));
  const segments = new Map<string, Typed>();
  const typed = index.all('Segment').flatMap(({ metadata: { name }, spec }): TestedSegment[] => {
    const schema = schemas.get(spec.attributes);
    const tree = schema === undefined ? undefined : readCondition(spec.pql, { schema, attributes: spec.attributes }).typed;
    if (schema === undefined || tree === undefined) return [];
    segments.set(name, tree);
    return [{ name, typed: tree, pql: spec.pql, schema, tests: spec.tests ?? [], segments }];
  });
  return new Map(typed.map((one) => [one.name, one]));
}
