import type { AppliedResource, AppliedResources } from '../export/deps.ts';
import { AppError } from '../model/app-error.ts';
import type { ActivationSpec } from '../model/generated/kinds.ts';
import type { Change } from '../model/plan.ts';
import { resourceKey, type Kind, type ResourceKey } from '../model/resource.ts';
import { keyOf } from '../plan/order-changes.ts';
import { referencesOf } from '../plan/references.ts';
import type { RecordedState } from '../state/state-store.ts';
import { checkDestinations } from './check-destinations.ts';
import type { ApplyDeps } from './deps.ts';
import { takeFingerprints } from './fingerprints.ts';

/** What will be done with each change, decided before anything is. */
export interface Preflight {
  readonly done: readonly Change[];
  readonly failed: ReadonlyMap<ResourceKey, AppError>;
  /** Not tried, because of another that failed; the text says which. */
  readonly skipped: ReadonlyMap<ResourceKey, string>;
  readonly fingerprints: ReadonlyMap<ResourceKey, Readonly<Record<string, string>>>;
  readonly warnings: readonly string[];
}

type Put = Exclude<Change, { readonly action: 'delete' }>;
type References = (kind: Kind, spec: unknown) => readonly ResourceKey[];

/**
 * Finds out which changes can be made: secrets that are missing and destinations that refuse fail their resource; what depends on it is skipped;
 * everything else goes on. What remains leads to a state in which every reference leads somewhere.
 */
export async function preflight(changes: readonly Change[], recorded: RecordedState, fingerprintKey: string, deps: ApplyDeps): Promise<Preflight> {
  const puts = changes.filter((change) => change.action !== 'delete');
  const { fingerprints, failed } = await readSecrets(puts, fingerprintKey, deps);
  const wanted = new Map<ResourceKey, AppliedResource>(recorded.resources);
  for (const change of puts) wanted.set(keyOf(change), change.after);
  const { refused, warnings } = await askDestinations(puts, wanted, failed, deps);
  const { done, skipped } = settle(changes, recorded, failed, refused, (kind, spec) => referencesOf(kind, spec, deps.segmentReferences));
  return { done, failed, skipped, fingerprints, warnings };
}

async function readSecrets(
  puts: readonly Put[],
  key: string,
  deps: ApplyDeps,
): Promise<{ fingerprints: Map<ResourceKey, Record<string, string>>; failed: Map<ResourceKey, AppError> }> {
  const fingerprints = new Map<ResourceKey, Record<string, string>>();
  const failed = new Map<ResourceKey, AppError>();
  for (const change of puts) {
    try {
      fingerprints.set(keyOf(change), await takeFingerprints({ kind: change.kind, ...change.after }, key, deps.secret));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failed.set(keyOf(change), error);
    }
  }
  return { fingerprints, failed };
}

/** Destinations that change, and those whose activations do: their columns change with them. */
async function askDestinations(
  puts: readonly Put[],
  wanted: AppliedResources,
  failed: ReadonlyMap<ResourceKey, AppError>,
  deps: ApplyDeps,
): Promise<{ refused: ReadonlyMap<ResourceKey, AppError>; warnings: readonly string[] }> {
  const names = new Set<string>();
  for (const change of puts) {
    if (change.kind === 'Destination') names.add(change.name);
    if (change.kind === 'Activation') names.add((change.after.spec as ActivationSpec).destination);
  }
  const asked = [...names].filter((name) => wanted.has(resourceKey('Destination', name)) && !failed.has(resourceKey('Destination', name)));
  const verdicts = await checkDestinations(asked, wanted, deps);
  const refused = new Map<ResourceKey, AppError>();
  for (const [name, { error }] of verdicts) if (error !== undefined) refused.set(resourceKey('Destination', name), error);
  return { refused, warnings: [...verdicts.values()].flatMap(({ warnings }) => warnings) };
}

function settle(
  changes: readonly Change[],
  recorded: RecordedState,
  failed: Map<ResourceKey, AppError>,
  refused: ReadonlyMap<ResourceKey, AppError>,
  references: References,
): { done: readonly Change[]; skipped: ReadonlyMap<ResourceKey, string> } {
  const skipped = new Map<ResourceKey, string>();
  const done: Change[] = [];
  const final = new Map<ResourceKey, { readonly kind: Kind; readonly spec: unknown }>(recorded.resources);
  for (const change of changes) {
    const key = keyOf(change);
    if (change.action === 'delete' || failed.has(key)) continue;
    const needs = references(change.kind, change.after.spec);
    const refusal = refused.get(key) ?? refused.get(needs.find((one) => refused.has(one) && !failed.has(one)) ?? key);
    const broken = needs.find((one) => failed.has(one) || skipped.has(one));
    const missing = needs.find((one) => !final.has(one));
    if (refusal !== undefined) failed.set(key, refusal);
    else if (broken !== undefined) skipped.set(key, `${broken} was not applied`);
    else if (missing !== undefined) skipped.set(key, `${missing} is not applied`);
    else {
      done.push(change);
      final.set(key, { kind: change.kind, spec: change.after.spec });
    }
  }
  const users = usersOf(final, changes, references);
  for (const change of changes) {
    if (change.action !== 'delete') continue;
    const user = users.get(keyOf(change))?.find((key) => final.has(key));
    if (user === undefined) {
      done.push(change);
      final.delete(keyOf(change));
    } else skipped.set(keyOf(change), `${user} still refers to it`);
  }
  return { done, skipped };
}

/** Who refers to what is to be deleted. Looks at every resource, so only when something is. */
function usersOf(
  resources: ReadonlyMap<ResourceKey, { readonly kind: Kind; readonly spec: unknown }>,
  changes: readonly Change[],
  references: References,
): ReadonlyMap<ResourceKey, readonly ResourceKey[]> {
  const users = new Map<ResourceKey, ResourceKey[]>(changes.filter(({ action }) => action === 'delete').map((change) => [keyOf(change), []]));
  if (users.size === 0) return users;
  for (const [key, { kind, spec }] of resources) {
    for (const needed of references(kind, spec)) if (needed !== key) users.get(needed)?.push(key);
  }
  return users;
}
