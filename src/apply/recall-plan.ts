import type { ManifestLocator } from '../manifest/load-manifests.ts';
import type { ResourceKey } from '../model/resource.ts';
import { emptyPlan } from '../plan/assemble-plan.ts';
import { checkGuards } from '../plan/guards.ts';
import { compareSecrets } from './fingerprints.ts';
import { inspectSources } from './inspect-sources.ts';
import type { RecalledProject } from './plan-cache.ts';
import type { PlanDeps, PrepareRequest, PreparedPlan } from './prepare-plan.ts';
import { requireEnvironment } from './require-environment.ts';

/** Places are told only of what is wrong, and then the manifests are read after all. */
const NOWHERE: ManifestLocator = {
  place: () => ({ file: '', line: 1, column: 1, length: 1 }),
  textPlace: () => ({ file: '', line: 1, column: 1, length: 1 }),
};

/**
 * The plan of manifests that have not changed since they were last read, over a state that is as they want it: no change, told without reading them
 * again. Undefined when there is anything else to say; then the manifests have to be read.
 */
export async function recallPlan(
  request: Omit<PrepareRequest, 'desired' | 'locator' | 'guards' | 'select' | 'impact'>,
  recalled: RecalledProject,
  deps: PlanDeps,
): Promise<PreparedPlan | undefined> {
  const { purpose, toolVersion, environment, variables, refresh, now, command, signal } = request;
  const recorded = await deps.store.read();
  requireEnvironment(recorded, environment);
  const digests = Object.entries(recalled.digests);
  if (digests.length !== recorded.resources.size) return undefined;
  for (const [key, digest] of digests) if (recorded.resources.get(key as ResourceKey)?.digest !== digest) return undefined;
  const verdicts = await compareSecrets(recalled.outside, recorded.resources, await deps.store.fingerprintKey(), deps.secret);
  if ([...verdicts.values()].flat().some(({ state }) => state !== 'same')) return undefined;
  if (refresh && (await inspectSources(recalled.outside, NOWHERE, deps, signal)).length > 0) return undefined;
  const plan = emptyPlan({ purpose, toolVersion, environment, variables, recorded, secrets: verdicts }, digests.length);
  const guard = checkGuards([], digests.length, recalled.guards);
  const sourcesReadAt = refresh ? deps.clock() : undefined;
  return {
    recorded,
    digests: digests.map(([, digest]) => digest),
    view: { plan, impact: [], guard, notCompared: [], nextSlots: [], sourcesReadAt, now, command },
    diagnostics: [],
  };
}
