import type { ManifestLocator } from '../manifest/load-manifests.ts';
import { emptyPlan } from '../plan/assemble-plan.ts';
import { checkGuards } from '../plan/guards.ts';
import { digestAll, type Outcome } from '../validate/outcome.ts';
import { compareSecrets } from './fingerprints.ts';
import { inspectSources } from './inspect-sources.ts';
import type { PlanDeps, PrepareRequest, PreparedPlan } from './prepare-plan.ts';
import { requireEnvironment } from './require-environment.ts';
import { findSecrets } from './secret-pointers.ts';

/** Places are told only of what is wrong, and then the manifests are read after all. */
const NOWHERE: ManifestLocator = {
  place: () => ({ file: '', line: 1, column: 1, length: 1 }),
  textPlace: () => ({ file: '', line: 1, column: 1, length: 1 }),
  written: () => undefined,
};

/**
 * The plan of manifests that have not changed since they were last read, over a state that is as they want it: no change, told without reading them
 * again. Undefined when there is anything else to say; then the manifests have to be read.
 */
export async function recallPlan(
  request: Omit<PrepareRequest, 'desired' | 'locator' | 'guards' | 'select' | 'impact'>,
  recalled: Outcome,
  deps: PlanDeps,
): Promise<Pick<PreparedPlan, 'view' | 'diagnostics'> | undefined> {
  const { purpose, toolVersion, environment, variables, refresh, now, command, signal } = request;
  const { lineage, digests, environment: own } = await deps.store.digests();
  requireEnvironment({ environment: own, resources: digests }, environment);
  if (recalled.digest !== digestAll(digests)) return undefined;
  const secrets = await compareAllSecrets(recalled, deps);
  if ([...secrets.values()].flat().some(({ state }) => state !== 'same')) return undefined;
  if (refresh && (await inspectSources(recalled.outside, NOWHERE, deps, signal)).length > 0) return undefined;
  const recorded = { lineage, resources: new Map() };
  return {
    view: {
      plan: emptyPlan({ purpose, toolVersion, environment, variables, recorded, secrets }, recalled.resourceCount),
      impact: [],
      guard: checkGuards([], recalled.resourceCount, recalled.guards),
      notCompared: [],
      nextSlots: [],
      sourcesReadAt: refresh ? deps.clock() : undefined,
      now,
      command,
    },
    diagnostics: [],
  };
}

/** Fingerprints are in the resources' records, which are read only when there are secrets at all. */
async function compareAllSecrets({ outside }: Outcome, deps: PlanDeps): ReturnType<typeof compareSecrets> {
  if (!outside.some((resource) => findSecrets(resource).length > 0)) return new Map();
  const { resources } = await deps.store.read();
  return compareSecrets(outside, resources, await deps.store.fingerprintKey(), deps.secret);
}
