import { effectiveActivation } from '../activation/effective.ts';
import { AppError } from '../model/app-error.ts';
import type { ActivationSpec, DestinationSpec } from '../model/generated/kinds.ts';
import { resourceKey, type ResourceKey } from '../model/resource.ts';
import type { AppliedResources } from '../export/deps.ts';
import type { CheckFinding } from '../destination/connector.ts';
import type { ApplyDeps } from './deps.ts';
import { placeColumn } from './place-column.ts';

type CheckDeps = Pick<ApplyDeps, 'connector' | 'card' | 'locateMapping'>;

/** Destinations asked at the same time. */
const CONCURRENT = 8;

export interface DestinationVerdict {
  /** Why it cannot be applied. */
  readonly error?: AppError;
  readonly warnings: readonly string[];
}

/**
 * Asks the connectors of destinations whether what the applied resources will need is there; changes nothing on the other side. Destinations
 * without a connector have nothing to ask.
 */
export async function checkDestinations(
  names: readonly string[],
  resources: AppliedResources,
  deps: CheckDeps,
): Promise<ReadonlyMap<string, DestinationVerdict>> {
  const verdicts = new Map<string, DestinationVerdict>();
  const queue = [...names];
  const work = async (): Promise<void> => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) verdicts.set(name, await checkOne(name, resources, deps));
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
  return verdicts;
}

async function checkOne(name: string, resources: AppliedResources, deps: CheckDeps): Promise<DestinationVerdict> {
  const destination = resources.get(resourceKey('Destination', name));
  if (destination === undefined) return { warnings: [] };
  try {
    const connector = await deps.connector(name, destination.spec as DestinationSpec);
    if (connector === undefined) return { warnings: [] };
    await using open = connector;
    const findings = await open.check(columnsOf(name, resources, deps));
    const say = ({ subject, message, hint, column }: CheckFinding): string => {
      const { card, locateMapping: locate } = deps;
      const places = column === undefined ? [] : placeColumn({ column, destination: name, resources, card, locate });
      return `${subject}: ${message}${places.length === 0 ? '' : ` at ${places.join(' and ')}`}${hint === undefined ? '' : ` (${hint})`}`;
    };
    const wrong = findings.filter(({ level }) => level === 'error');
    const warnings = findings.filter(({ level }) => level === 'warning').map((finding) => `Destination/${name}: ${say(finding)}`);
    if (wrong[0] === undefined) return { warnings };
    return { warnings, error: new AppError({ code: wrong[0].code, message: wrong.map(say).join('; '), hint: `look closer:  reconcile doctor ${name}` }) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { warnings: [], error };
  }
}

/** The columns of every activation onto a destination. */
export function columnsOf(name: string, resources: AppliedResources, { card }: Pick<ApplyDeps, 'card'>): readonly string[] {
  const destination = resources.get(resourceKey('Destination', name))?.spec as DestinationSpec | undefined;
  const columns = new Set<string>();
  for (const [key, { metadata, spec }] of resources) {
    if (!isActivation(key) || (spec as ActivationSpec).destination !== name) continue;
    const { mapping } = effectiveActivation(metadata.name, spec as ActivationSpec, destination === undefined ? undefined : card(destination.type));
    for (const { target } of mapping) columns.add(target);
  }
  return [...columns];
}

function isActivation(key: ResourceKey): boolean {
  return key.startsWith('Activation/');
}
