import type { Because, Change, Plan, PlanPurpose, Precondition } from '../model/plan.ts';
import { resourceKey, type ResourceKey } from '../model/resource.ts';
import { digestPlan } from './make-digest.ts';
import { keyOf, orderChanges } from './order-changes.ts';
import { planChanges } from './plan-changes.ts';
import type { DesiredInput, RecordedInput, SecretVerdict } from './plan-input.ts';
import { preconditionsOf } from './preconditions.ts';
import { referencesOf, type SegmentReferences } from './references.ts';
import { selectChanges } from './select-changes.ts';

export interface PlanRequest {
  readonly purpose: PlanPurpose;
  /** Every wanted resource; the Project is not one of them. */
  readonly desired: readonly DesiredInput[];
  readonly recorded: RecordedInput;
  readonly toolVersion: string;
  readonly environment: string | undefined;
  /** Digest of the variables' values. */
  readonly variables: string;
  /** `KIND/NAME` each; empty for everything. */
  readonly select: readonly string[];
  readonly secrets: ReadonlyMap<ResourceKey, readonly SecretVerdict[]>;
  readonly segmentReferences: SegmentReferences;
  readonly reason?: Because;
}

/** From what is wanted and what is applied to a plan: changes in order, on conditions, under a digest. Pure. */
export function assemblePlan(request: PlanRequest): Plan {
  const { desired, recorded, secrets } = request;
  const { changes, unchanged } = planChanges(desired, recorded, { secrets, ...(request.reason === undefined ? {} : { reason: request.reason }) });
  const bodies = new Map(changes.length === 0 ? [] : desired.map((one) => [resourceKey(one.kind, one.metadata.name), one] as const));
  const references = (key: ResourceKey): readonly ResourceKey[] => {
    const body = bodies.get(key) ?? recorded.resources.get(key);
    return body === undefined ? [] : referencesOf(body.kind, body.spec, request.segmentReferences);
  };
  const recordedReferences = (change: Change): readonly ResourceKey[] => {
    const body = recorded.resources.get(keyOf(change));
    return body === undefined ? [] : referencesOf(body.kind, body.spec, request.segmentReferences);
  };
  const referencesOfChange = (change: Change): readonly ResourceKey[] => references(keyOf(change));
  const chosen =
    request.select.length === 0
      ? changes
      : selectChanges(
          changes,
          request.select,
          new Set([...bodies.keys(), ...desired.map(desiredKey), ...recorded.resources.keys()]),
          referencesOfChange,
          recordedReferences,
        );
  const ordered = orderChanges(chosen, referencesOfChange);
  return finishPlan(request, ordered, unchanged, references);
}

/** The plan of a state that is as it is wanted, with the same digest that assembling it from all resources would give. */
export function emptyPlan(request: Omit<PlanRequest, 'desired' | 'select' | 'segmentReferences'>, unchanged: number): Plan {
  return finishPlan(request, [], unchanged, () => []);
}

function finishPlan(
  { purpose, toolVersion, environment, variables, recorded, secrets }: Omit<PlanRequest, 'desired' | 'select' | 'segmentReferences'>,
  ordered: readonly Change[],
  unchanged: number,
  references: (key: ResourceKey) => readonly ResourceKey[],
): Plan {
  const preconditions = [...preconditionsOf(ordered, recorded, references), ...secretPreconditions(ordered, secrets)];
  const count = (action: Change['action']): number => ordered.filter((change) => change.action === action).length;
  const plan = { purpose, toolVersion, environment: environment ?? null, variables, changes: ordered, preconditions };
  return { ...plan, summary: { create: count('create'), update: count('update'), delete: count('delete'), unchanged }, digest: digestPlan(plan) };
}

function desiredKey(resource: DesiredInput): ResourceKey {
  return resourceKey(resource.kind, resource.metadata.name);
}

function secretPreconditions(changes: readonly Change[], secrets: PlanRequest['secrets']): readonly Precondition[] {
  return changes.flatMap((change) =>
    (secrets.get(keyOf(change)) ?? []).flatMap((verdict): Precondition[] =>
      verdict.state === 'not-compared' ? [] : [{ type: 'secret', key: keyOf(change), path: verdict.path, fingerprint: verdict.fingerprint }],
    ),
  );
}
