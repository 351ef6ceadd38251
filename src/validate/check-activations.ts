import { posix, resolve } from 'node:path';
import { activationFacts, checkDestinationCount, checkTogether, type ActivationFacts, type PlacedActivation } from '../activation/check-together.ts';
import { effectiveActivation } from '../activation/effective.ts';
import type { ActivationFinding } from '../activation/finding.ts';
import { renderFolder, splitFolderPath } from '../activation/folder-path.ts';
import { checkActivation as checkRules } from '../activation/rules.ts';
import type { Catalogue } from '../destination/catalogue.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, DestinationSpec, StorageSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import { lintSchedule } from '../schedule/lint-schedule.ts';
import { patternProblem } from '../segment/pattern/read-pattern.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import type { CheckContext, ResourceFacts } from './check-resource.ts';
import { checkExpressions } from './check-segments.ts';
import type { Reporter } from './reporter.ts';
import type { ResourceIndex } from './resource-index.ts';

/** An Activation by the rules of the field, by its destination's card, and its expressions. */
export function checkActivation(activation: Resource<ActivationSpec>, context: CheckContext): ResourceFacts {
  const { index, catalogue, report } = context;
  const { name } = activation.metadata;
  const titleOf = (segment: string): string | undefined => index.find('Segment', segment)?.metadata.title;
  const destination = findDestination(index, catalogue, activation.spec.destination);
  const findings = checkRules({
    name,
    spec: activation.spec,
    destination:
      destination === undefined
        ? undefined
        : { card: destination.card, details: destination.spec.details, encrypted: destination.spec.encryption !== undefined },
    segment: (segment) => {
      const found = index.find('Segment', segment);
      return found === undefined ? undefined : { title: found.metadata.title, attributes: found.spec.attributes };
    },
    attributes: (attributes) => index.find('Attributes', attributes)?.spec,
    patternProblem,
    lintSchedule,
  });
  for (const finding of findings) tell(activation, finding, report);
  checkExpressions(activation, destination?.card.mapping?.nested === false ? destination.card.displayName : undefined, context);
  if (destination === undefined) return {};
  const effective = effectiveActivation(name, activation.spec, destination.card);
  const folder = (segment: { readonly name: string }): string =>
    folderOf(activation.spec.destination, destination.spec.storage, segment.name, titleOf(segment.name));
  return { activation: activationFacts(effective, titleOf, folder, destination.spec.encryption !== undefined) };
}

/** The rules over several activations, and how many Destinations there are. */
export function checkActivations(
  directory: string,
  index: ResourceIndex,
  catalogue: Catalogue,
  factsOf: (activation: Resource) => ResourceFacts,
  report: Reporter,
): void {
  const placed = index.all('Activation').flatMap((activation): PlacedActivation[] => {
    const facts = located(factsOf(activation).activation, directory);
    const destination = facts === undefined ? undefined : findDestination(index, catalogue, facts.destination);
    if (facts === undefined || destination === undefined) return [];
    return [{ name: activation.metadata.name, facts, destination: { card: destination.card, details: destination.spec.details } }];
  });
  for (const { activation, ...finding } of checkTogether(placed)) {
    const resource = index.find('Activation', activation);
    if (resource !== undefined) tell(resource, finding, report);
  }
  const tooMany = checkDestinationCount(index.all('Destination').map(({ metadata }) => metadata.name));
  const last = tooMany === undefined ? undefined : index.find('Destination', tooMany.name);
  if (tooMany !== undefined && last !== undefined) report.at(last, '/metadata/name', { code: tooMany.code, message: tooMany.message });
}

function tell(resource: Resource<ActivationSpec>, { pointer, range, ...finding }: ActivationFinding, report: Reporter): void {
  if (range === undefined) report.at(resource, pointer, finding);
  else report.inText(resource, pointer, range.start, range.end, finding);
}

function findDestination(
  index: ResourceIndex,
  catalogue: Catalogue,
  name: string,
): { readonly spec: DestinationSpec; readonly card: DestinationCard } | undefined {
  const destination = index.find('Destination', name);
  const entry = destination === undefined ? undefined : catalogue.find(destination.spec.type);
  return destination === undefined || entry === undefined ? undefined : { spec: destination.spec, card: entry.card };
}

/** Two Destinations may lead to one folder: the storage decides, not the Destination's name. */
function folderOf(destination: string, storage: StorageSpec | undefined, segment: string, title: string | undefined): string {
  if (storage === undefined) return destination;
  const { path, prefix, ...rest } = storage as StorageSpec & { readonly path?: string; readonly prefix?: string };
  const { fixed, tokens } = splitFolderPath(path ?? prefix ?? '');
  const folder = posix.join(fixed, renderFolder(tokens, segment, title)).replace(/(?<=.)\/$/, '');
  return `${canonicalJson(placeOf(rest))} ${folder}`;
}

const LOCAL = `${canonicalJson({ type: 'local' })} `;

/** Local folders as absolute paths. Not before now: facts are kept, and the project may lie elsewhere the next time. */
function located(facts: ActivationFacts | undefined, directory: string): ActivationFacts | undefined {
  const isLocal = facts?.segments.some(({ files }) => files?.folder.startsWith(LOCAL) === true);
  if (facts === undefined || isLocal !== true) return facts;
  const segments = facts.segments.map((segment) => {
    const { files } = segment;
    if (files === undefined) return segment;
    return { ...segment, files: { ...files, folder: `${LOCAL}${resolve(directory, files.folder.slice(LOCAL.length))}` } };
  });
  return { ...facts, segments };
}

/** What says where a storage is; who logs in and how does not matter. */
function placeOf(storage: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(storage).filter(([key]) => ['type', 'host', 'port', 'bucket', 'endpoint', 'container', 'url', 'connectionString'].includes(key)),
  );
}
