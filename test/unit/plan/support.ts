import type { RecordedBase, DesiredInput, RecordedInput } from '../../../src/plan/plan-input.ts';
import { assemblePlan, type PlanRequest } from '../../../src/plan/assemble-plan.ts';
import { segmentReferences } from '../../../src/apply/segment-references.ts';
import type { Plan } from '../../../src/model/plan.ts';
import { resourceKey, type Kind, type ResourceKey } from '../../../src/model/resource.ts';
import { digestOf } from '../../../src/support/digest.ts';

const APPLIED_AT: number = Date.UTC(2026, 10, 2, 8);

export function desired(kind: Kind, name: string, spec: unknown, line = 1): DesiredInput {
  const metadata = { name };
  return { kind, metadata, spec, digest: digestOf({ metadata, spec }), source: { file: 'manifests/all.yaml', line } };
}

export function recorded(resources: readonly DesiredInput[], extra: Partial<RecordedBase> = {}, lineage: string | undefined = 'lineage-1'): RecordedInput {
  const entries = resources.map((one): [ResourceKey, RecordedBase] => [
    resourceKey(one.kind, one.metadata.name),
    { ...one, version: 1, appliedAt: APPLIED_AT, ...extra },
  ]);
  return { lineage, resources: new Map(entries) };
}

export const EMPTY: RecordedInput = { lineage: undefined, resources: new Map() };

export function plan(wanted: readonly DesiredInput[], state: RecordedInput, options: Partial<PlanRequest> = {}): Plan {
  return assemblePlan({
    purpose: 'apply',
    desired: wanted,
    recorded: state,
    toolVersion: '1.2.3',
    environment: undefined,
    variables: 'v',
    select: [],
    secrets: new Map(),
    segmentReferences,
    ...options,
  });
}

/** A small shop: every kind, references included. */
export const SHOP: readonly DesiredInput[] = [
  desired('Alert', 'ops', { on: ['flow-run-failure', 'slot-missed'], activations: ['letter'], channels: [{ type: 'slack', url: { env: 'SLACK' } }] }, 60),
  desired(
    'Activation',
    'letter',
    {
      destination: 'outbox',
      segments: ['buyers', 'all'],
      mapping: [{ source: 'identityMap.Email', target: 'email' }, { source: 'income' }],
      export: 'incremental',
      schedule: { every: '6h', at: '02:00' },
    },
    50,
  ),
  desired('Destination', 'outbox', { type: 'local-directory', storage: { type: 'local', path: 'out' }, marketingActions: ['a', 'b'] }, 40),
  desired('Segment', 'all', { attributes: 'customer', pql: 'inSegment("buyers") or true' }, 25),
  desired('Segment', 'buyers', { attributes: 'customer', pql: 'income > 1 and\nincome < 5\n' }, 20),
  desired(
    'Attributes',
    'customer',
    { source: 'shop', dataset: 'customers', identities: { crmId: { column: 'id', primary: true } }, fields: { income: { column: 'inc', type: 'decimal' } } },
    10,
  ),
  desired('Source', 'shop', { engine: 'duckdb', datasets: { customers: { path: 'c.csv' } } }, 1),
];

export function edit(resources: readonly DesiredInput[], kind: Kind, name: string, change: (spec: never) => unknown): readonly DesiredInput[] {
  return resources.map((one) =>
    one.kind === kind && one.metadata.name === name ? desired(kind, name, change(structuredClone(one.spec) as never), one.source.line) : one,
  );
}

export function without(resources: readonly DesiredInput[], ...keys: readonly string[]): readonly DesiredInput[] {
  return resources.filter((one) => !keys.includes(`${one.kind}/${one.metadata.name}`));
}
