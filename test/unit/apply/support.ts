import type { ApplyDeps } from '../../../src/apply/deps.ts';
import { applyPlan, type ApplyOptions, type ApplyOutcome } from '../../../src/apply/apply-plan.ts';
import { preparePlan, type PlanDeps } from '../../../src/apply/prepare-plan.ts';
import { segmentReferences } from '../../../src/apply/segment-references.ts';
import type { Connector } from '../../../src/destination/connector.ts';
import { AppError } from '../../../src/model/app-error.ts';
import type { Plan } from '../../../src/model/plan.ts';
import type { Kind, Resource } from '../../../src/model/resource.ts';
import { digestOf } from '../../../src/support/digest.ts';
import { openMemoryState } from '../../../src/state/memory/open-memory-state.ts';
import type { OpenedState } from '../../../src/state/opened-state.ts';
import { currentOwner } from '../../../src/state/owner.ts';

export const NOON: number = Date.UTC(2026, 10, 23, 12);

export interface World {
  readonly state: OpenedState;
  /** Values of secrets by `env:NAME` or `file:PATH`; what is not there is not set. */
  readonly secrets: Map<string, string>;
  /** Destinations whose connector finds fault, and which. */
  readonly refusing: Map<string, string>;
  readonly removed: string[];
  readonly checked: { readonly destination: string; readonly columns: readonly string[] }[];
  now: number;
  crashAt: string | undefined;
  readonly deps: ApplyDeps;
  readonly planDeps: PlanDeps;
  plan(desired: readonly Resource[], options?: { environment?: string; select?: readonly string[] }): Promise<Plan>;
  apply(plan: Plan, options?: Partial<ApplyOptions>): Promise<ApplyOutcome>;
  /** Plans and applies. */
  reach(desired: readonly Resource[], options?: Partial<ApplyOptions>): Promise<ApplyOutcome>;
}

/** A state in memory and everything around it under the test's control. */
export function createWorld(): World {
  const state = openMemoryState(() => world.now);
  const secret: ApplyDeps['secret'] = (ref) => {
    const name = 'env' in ref ? `env:${ref.env}` : `file:${ref.file}`;
    const value = world.secrets.get(name);
    return value === undefined ? Promise.reject(new AppError({ code: 'RC1406', message: `\`${name}\` is not set` })) : Promise.resolve(value);
  };
  const connector: ApplyDeps['connector'] = (destination) =>
    Promise.resolve({
      check: (columns: readonly string[]) => {
        world.checked.push({ destination, columns });
        const fault = world.refusing.get(destination);
        return Promise.resolve(
          fault === undefined
            ? [{ code: 'RC6900', level: 'warning', subject: 'clock', message: 'is slow' } as const]
            : [{ code: 'RC6901', level: 'error', subject: 'target mapping', message: fault } as const],
        );
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    } as unknown as Connector);
  const crashPoint = (name: string): void => {
    if (name === world.crashAt) throw new Error(`crashed at ${name}`);
  };
  const world: World = {
    state,
    secrets: new Map(),
    refusing: new Map(),
    removed: [],
    checked: [],
    now: NOON,
    crashAt: undefined,
    deps: {
      store: state.store,
      ledger: state.ledger,
      owner: currentOwner(),
      actor: 'alice@here',
      clock: () => world.now,
      newId: () => crypto.randomUUID(),
      secret,
      card: () => undefined,
      connector,
      segmentReferences,
      removeFiles: (paths) => Promise.resolve(void world.removed.push(...paths)),
      commit: 'c'.repeat(40),
      crashPoint,
    },
    planDeps: { store: state.store, ledger: state.ledger, secret, segmentReferences, clock: () => world.now, card: () => undefined } as unknown as PlanDeps,
    async plan(desired, { environment, select = [] } = {}) {
      const { view } = await preparePlan(
        {
          purpose: 'apply',
          desired: desired.map((one) => ({ ...one, digest: digestOf({ metadata: one.metadata, spec: one.spec }) })),
          guards: undefined,
          toolVersion: '1',
          environment,
          variables: '',
          select,
          refresh: false,
          impact: false,
          now: world.now,
          command: 'reconcile',
        },
        world.planDeps,
      );
      return view.plan;
    },
    apply: (plan, options = {}) =>
      applyPlan(
        plan,
        {
          now: world.now,
          guards: undefined,
          allowDeletes: undefined,
          leaseWaitMs: 0,
          planAgain: 'reconcile plan',
          applyAgain: 'reconcile apply',
          signal: new AbortController().signal,
          ...options,
        },
        world.deps,
      ),
    reach: async (desired, options) => world.apply(await world.plan(desired), options),
  };
  return world;
}

export function resource(kind: Kind, name: string, spec: unknown): Resource {
  return { kind, metadata: { name }, spec, source: { file: 'manifests/all.yaml', line: 1, column: 1 } };
}

export const SHOP: readonly Resource[] = [
  resource('Source', 'shop', { engine: 'duckdb', datasets: { customers: { path: 'c.csv' } } }),
  resource('Attributes', 'customer', { source: 'shop', dataset: 'customers', identities: { id: { column: 'id', primary: true } } }),
  resource('Segment', 'a', { attributes: 'customer', pql: 'true' }),
  resource('Segment', 'b', { attributes: 'customer', pql: 'true' }),
  resource('Destination', 'crm', {
    type: 'x',
    connection: { url: 'https://x', auth: { type: 'bearer', token: { env: 'TOKEN' } } },
    storage: { type: 'local', path: 'crm' },
  }),
  resource('Destination', 'disk', { type: 'y', storage: { type: 'local', path: 'out' } }),
  resource('Activation', 'letter', {
    destination: 'crm',
    segments: ['a', 'b'],
    mapping: [{ source: 'identityMap.id' }],
    export: 'incremental',
    schedule: { every: '6h' },
  }),
  resource('Activation', 'dump', { destination: 'disk', segments: ['a'], mapping: [{ source: 'identityMap.id', target: 'id' }] }),
  resource('Alert', 'ops', { on: ['flow-run-failure'], activations: ['letter'], channels: [{ type: 'email', to: ['a@b'], smtp: { url: { file: 'smtp' } } }] }),
];

export function edited(resources: readonly Resource[], kind: Kind, name: string, change: (spec: Record<string, unknown>) => unknown): readonly Resource[] {
  return resources.map((one) =>
    one.kind === kind && one.metadata.name === name ? resource(kind, name, change(structuredClone(one.spec) as Record<string, unknown>)) : one,
  );
}

export function without(resources: readonly Resource[], ...keys: readonly string[]): readonly Resource[] {
  return resources.filter((one) => !keys.includes(`${one.kind}/${one.metadata.name}`));
}
