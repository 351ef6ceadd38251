import { columnsOf } from '../apply/check-destinations.ts';
import { placeColumn, type LocateMapping } from '../apply/place-column.ts';
import type { AppliedResources, ExportDeps } from '../export/deps.ts';
import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { AttributesSpec, DestinationSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import { resourceKey, type Kind } from '../model/resource.ts';
import type { StateStore } from '../state/state-store.ts';
import { nearest } from '../support/nearest.ts';
import { examineDestination } from './examine-destination.ts';
import { examineMachine, type MachineRequest } from './examine-machine.ts';
import { examineSource } from './examine-source.ts';
import { examineState } from './examine-state.ts';
import { look, type DoctorFinding } from './finding.ts';

export interface ExamineRequest extends Pick<ExportDeps, 'engine' | 'storage' | 'connector' | 'secret' | 'card'> {
  readonly machine: MachineRequest;
  readonly store: StateStore;
  /** What is declared; what is applied where the manifests do not hold. */
  readonly resources: AppliedResources;
  /** One Destination: only it is tried, and not the sources. */
  readonly destination: string | undefined;
  /** Where mapping entries stand; absent when what is applied is examined. */
  readonly locateMapping: LocateMapping | undefined;
  readonly clock: () => Instant;
  readonly signal: AbortSignal;
}

/** Tries everything that an export will need, for real; each finding says what to do. Leaves nothing behind. */
export async function examineProject(request: ExamineRequest): Promise<readonly DoctorFinding[]> {
  const { resources, destination, store, clock, machine } = request;
  if (destination !== undefined && !resources.has(resourceKey('Destination', destination))) throw unknownDestination(destination, resources);
  const common = [await look('machine', 'versions', () => examineMachine(machine)), await look('state', 'state', () => examineState(store, clock))];
  const sources = destination === undefined ? await examineSources(request) : [];
  const names = destination === undefined ? namesOf(resources, 'Destination') : [destination];
  const destinations = await Promise.all(names.map((name) => examineOne(request, name)));
  return [...common, ...sources, ...destinations].flat();
}

/** As `look` words them; one after another: an engine takes most of the memory it is given. */
async function examineSources({ resources, engine, signal }: ExamineRequest): Promise<readonly (readonly DoctorFinding[])[]> {
  const found: (readonly DoctorFinding[])[] = [];
  for (const attributesName of namesOf(resources, 'Attributes')) {
    const attributes = resources.get(resourceKey('Attributes', attributesName))?.spec as AttributesSpec;
    const source = resources.get(resourceKey('Source', attributes.source))?.spec as SourceSpec | undefined;
    if (source === undefined) continue;
    const { source: sourceName } = attributes;
    found.push(
      await look(`source ${sourceName}`, `attributes ${attributesName}`, () =>
        examineSource({ engine, sourceName, source, attributesName, attributes, signal }),
      ),
    );
  }
  return found;
}

async function examineOne(request: ExamineRequest, name: string): Promise<readonly DoctorFinding[]> {
  const { resources, card, storage, connector, secret, clock, locateMapping: locate } = request;
  const spec = resources.get(resourceKey('Destination', name))?.spec as DestinationSpec;
  const findings = await examineDestination({
    name,
    spec,
    card: card(spec.type),
    columns: columnsOf(name, resources, { card }),
    storage,
    connector,
    secret,
    clock,
  });
  return findings.map((finding) => {
    const { column } = finding;
    return column === undefined ? finding : { ...finding, places: placeColumn({ column, destination: name, resources, card, locate }) };
  });
}

function namesOf(resources: AppliedResources, kind: Kind): readonly string[] {
  return [...resources.keys()].filter((key) => key.startsWith(`${kind}/`)).map((key) => key.slice(kind.length + 1));
}

/** No such Destination in the manifests (nor in the state); exit 64. */
export function unknownDestination(name: string, resources: AppliedResources): AppError {
  const names = namesOf(resources, 'Destination');
  const near = nearest(name, names);
  const others = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
  return new AppError({
    code: 'RC9007',
    message: `no Destination \`${name}\``,
    hint: near === undefined ? others : `did you mean \`${near}\`?`,
    exit: ExitCode.badUsage,
  });
}
