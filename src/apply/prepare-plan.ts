import type { ExportDeps } from '../export/deps.ts';
import type { ManifestLocator } from '../manifest/load-manifests.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { ProjectGuardsSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import type { Because, Change, PlanPurpose } from '../model/plan.ts';
import { resourceKey, type DigestedResource, type Resource, type ResourceKey } from '../model/resource.ts';
import { assemblePlan } from '../plan/assemble-plan.ts';
import { checkGuards } from '../plan/guards.ts';
import type { SecretVerdict } from '../plan/plan-input.ts';
import type { NotCompared, PlanView } from '../plan/plan-view.ts';
import type { SegmentReferences } from '../plan/references.ts';
import type { RecordedState, StateStore } from '../state/state-store.ts';
import { affectedPairs, type RefersTo } from './affected-pairs.ts';
import { compareSecrets, type ReadSecret } from './fingerprints.ts';
import { inspectSources } from './inspect-sources.ts';
import type { ImpactDeps, ImpactRequest, MeasuredImpact } from './measure-impact.ts';
import { requireEnvironment } from './require-environment.ts';

export interface PlanDeps extends ImpactDeps {
  readonly store: Pick<StateStore, 'read' | 'digests' | 'fingerprintKey'>;
  readonly secret: ReadSecret;
  readonly segmentReferences: SegmentReferences;
  readonly card: ExportDeps['card'];
  /** The wall clock. */
  readonly clock: () => Instant;
}

export interface PrepareRequest {
  readonly purpose: PlanPurpose;
  /** Every wanted resource; the Project is not one of them. */
  readonly desired: readonly DigestedResource[];
  /** What they refer to, where that is known already. */
  readonly refersTo?: RefersTo;
  /** Places of the manifests; absent when the wanted resources come from elsewhere. */
  readonly locator?: ManifestLocator;
  readonly guards: ProjectGuardsSpec | undefined;
  readonly toolVersion: string;
  readonly environment: string | undefined;
  /** Digest of the variables' values. */
  readonly variables: string;
  readonly select: readonly string[];
  /** Look at the sources: are the columns there? */
  readonly refresh: boolean;
  /** Count people. Needs the sources too. */
  readonly impact: boolean;
  /** What `now` means. */
  readonly now: Instant;
  /** How the user calls us, with the global flags that matter. */
  readonly command: string;
  readonly reason?: Because;
  readonly signal?: AbortSignal;
}

export interface PreparedPlan {
  readonly view: Omit<PlanView, 'savedAs'>;
  readonly recorded: RecordedState;
  /** With any error nothing may be applied. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Plans from what is wanted and what is applied, then looks at the sources and counts people. Changes nothing but caches. */
export async function preparePlan(request: PrepareRequest, deps: PlanDeps): Promise<PreparedPlan> {
  const { desired, now, command, locator, signal } = request;
  const recorded = await deps.store.read();
  requireEnvironment(recorded, request.environment);
  const secrets = await compareSecrets(desired, recorded.resources, await deps.store.fingerprintKey(), deps.secret);
  const { purpose, toolVersion, environment, variables, select, reason } = request;
  const segmentReferences = deps.segmentReferences;
  const bare = assemblePlan({
    purpose,
    desired,
    recorded,
    toolVersion,
    environment,
    variables,
    select,
    secrets,
    segmentReferences,
    ...(reason === undefined ? {} : { reason }),
  });
  const plan = { ...bare, changes: await withNotes(bare.changes, recorded, request, deps) };

  const seen = request.refresh && locator !== undefined ? await inspectSources(desired, locator, deps, signal) : [];
  const healthy = seen.every(({ severity }) => severity !== 'error');
  const pairs = affectedPairs(plan.changes, desired, segmentReferences, request.refersTo);
  const measuring = { pairs, desired, recorded, now, command, ...(signal === undefined ? {} : { signal }) };
  const people = request.impact ? await lookAhead(measuring, request.refresh && healthy, deps) : NOBODY;
  const notCompared = notComparedOf(secrets, new Set(request.select.length === 0 ? [] : plan.changes.map(({ kind, name }) => resourceKey(kind, name))));
  return {
    recorded,
    view: {
      plan,
      impact: people.rows,
      uncounted: people.diagnostics.map(({ message }) => message),
      guard: checkGuards(plan.changes, recorded.resources.size, request.guards),
      notCompared,
      nextSlots: people.nextSlots,
      sourcesReadAt: request.refresh && locator !== undefined && seen.length === 0 ? deps.clock() : undefined,
      now,
      command,
    },
    diagnostics: [...seen, ...people.diagnostics, ...describeNotCompared(notCompared, desired, locator)],
  };
}

interface LookedAhead extends MeasuredImpact {
  readonly nextSlots: PlanView['nextSlots'];
}

const NOBODY: LookedAhead = { rows: [], diagnostics: [], nextSlots: [] };

/** Counting brings the compiler of segments and the engine with it: they are loaded only when there is something to count. */
async function lookAhead(request: ImpactRequest, count: boolean, deps: PlanDeps): Promise<LookedAhead> {
  if (request.pairs.length === 0) return NOBODY;
  const { measureImpact, upcomingSlots } = await import('./measure-impact.ts');
  const nextSlots = upcomingSlots(request, deps);
  return count ? { ...(await measureImpact(request, deps)), nextSlots } : { ...NOBODY, nextSlots };
}

async function withNotes(
  changes: readonly Change[],
  recorded: RecordedState,
  { desired, command }: PrepareRequest,
  deps: PlanDeps,
): Promise<readonly Change[]> {
  if (!changes.some(({ kind, action }) => action !== 'create' && (kind === 'Activation' || kind === 'Destination'))) return changes;
  const { addNotes } = await import('./notes.ts');
  return addNotes(changes, { recorded, desired, card: deps.card, command });
}

function notComparedOf(secrets: ReadonlyMap<ResourceKey, readonly SecretVerdict[]>, selected: ReadonlySet<ResourceKey>): readonly NotCompared[] {
  return [...secrets].flatMap(([key, verdicts]) =>
    verdicts.flatMap((verdict): NotCompared[] =>
      verdict.state === 'not-compared' && (selected.size === 0 || selected.has(key)) ? [{ key, path: verdict.path, reason: verdict.reason }] : [],
    ),
  );
}

function describeNotCompared(notCompared: readonly NotCompared[], desired: readonly Resource[], locator: ManifestLocator | undefined): Diagnostic[] {
  if (locator === undefined || notCompared.length === 0) return [];
  const byKey = new Map(desired.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource]));
  return notCompared.map(({ key, path, reason }): Diagnostic => {
    const resource = byKey.get(key);
    const place = resource === undefined ? {} : locator.place(resource, path);
    return { code: 'RC3022', severity: 'warning', message: `secret not compared: ${reason}`, ...place, hint: 'apply and run will fail without it' };
  });
}
