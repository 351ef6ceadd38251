import type { AttributesSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Kind, Resource } from '../model/resource.ts';
import { nearest } from '../support/nearest.ts';
import type { CheckContext } from './check-resource.ts';
import type { Reporter } from './reporter.ts';
import { isKind } from './resource-index.ts';

const MAX_LISTED = 8;

/** Every reference by name leads to a resource of its kind, and every dataset to one of its Source. */
export function checkReferences(resource: Resource, { index, brokenNames, report }: CheckContext): void {
  const refer = (pointer: string, kind: Kind, name: string): void => {
    // What a broken document seems to declare is not unknown: its own errors are told.
    if (index.find(kind, name) !== undefined || brokenNames.has(name)) return;
    report.at(resource, pointer, { code: 'RC1303', message: `unknown ${kind} \`${name}\``, ...suggest(index.all(kind), kind, name) });
  };
  if (isKind(resource, 'Attributes')) {
    refer('/spec/source', 'Source', resource.spec.source);
    const source = index.find('Source', resource.spec.source);
    if (source !== undefined) checkDatasets(resource, source, report);
  } else if (isKind(resource, 'Segment')) refer('/spec/attributes', 'Attributes', resource.spec.attributes);
  else if (isKind(resource, 'Activation')) {
    refer('/spec/destination', 'Destination', resource.spec.destination);
    for (const [position, entry] of resource.spec.segments.entries()) {
      const [pointer, name] = typeof entry === 'string' ? [`/spec/segments/${position}`, entry] : [`/spec/segments/${position}/name`, entry.name];
      refer(pointer, 'Segment', name);
    }
  } else if (isKind(resource, 'Alert')) {
    for (const [position, name] of (resource.spec.activations ?? []).entries()) refer(`/spec/activations/${position}`, 'Activation', name);
  }
}

function checkDatasets(attributes: Resource<AttributesSpec>, source: Resource<SourceSpec>, report: Reporter): void {
  const datasets = Object.keys(source.spec.datasets);
  const wanted: readonly (readonly [string, string | undefined])[] = [
    ['/spec/dataset', attributes.spec.dataset],
    ['/spec/events/dataset', attributes.spec.events?.dataset],
  ];
  for (const [pointer, name] of wanted) {
    if (name === undefined || datasets.includes(name)) continue;
    const near = nearest(name, datasets);
    report.at(attributes, pointer, {
      code: 'RC1304',
      message: `the Source \`${source.metadata.name}\` has no dataset \`${name}\``,
      hint: `${near === undefined ? `datasets: ${datasets.join(', ')}` : `did you mean \`${near}\`?`}   (${source.source.file}:${source.source.line})`,
    });
  }
}

/** The nearest name and where it is declared, else what there is. */
export function suggest(known: readonly Resource[], kind: Kind, name: string): { readonly hint: string } {
  const names = known.map(({ metadata }) => metadata.name);
  const near = nearest(name, names);
  if (near !== undefined) {
    const { file, line } = known.find(({ metadata }) => metadata.name === near)?.source ?? { file: '', line: 0 };
    return { hint: `did you mean \`${near}\`?   (${file}:${line})` };
  }
  if (names.length === 0) return { hint: `no ${kind} is declared; add a document with \`kind: ${kind}\`` };
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : '';
  return { hint: `${kind}s: ${names.slice(0, MAX_LISTED).join(', ')}${more}` };
}
