import type { EngineDeps } from '../export/deps.ts';
import type { Kind, Resource, ResourceKey } from '../model/resource.ts';
import type { StateStore } from '../state/state-store.ts';
import { checkDestinations } from './check-destinations.ts';
import type { ApplyDeps } from './deps.ts';
import { compareSecrets, type ReadSecret } from './fingerprints.ts';
import { inspectSources } from './inspect-sources.ts';

export type DriftRule = 'secret-changed' | 'secret-missing' | 'source-changed' | 'destination-changed';

/** Something outside that is no longer as what is applied needs it. */
export interface DriftFinding {
  readonly kind: Kind;
  readonly name: string;
  readonly rule: DriftRule;
  readonly message: string;
  readonly hint?: string;
}

export interface DriftDeps extends EngineDeps {
  readonly store: Pick<StateStore, 'read' | 'fingerprintKey'>;
  readonly secret: ReadSecret;
  readonly connector: ApplyDeps['connector'];
  readonly card: ApplyDeps['card'];
}

export interface FoundDrift {
  readonly findings: readonly DriftFinding[];
  /** What connectors said that is no fault yet. */
  readonly warnings: readonly string[];
  /** How many resources were looked at; the others have nothing outside. */
  readonly looked: number;
}

/**
 * Compares what is applied with the world outside, not with the manifests: the columns that applied Attributes read, the secrets that were applied,
 * what the connectors of destinations find. Changes nothing, here or there.
 */
export async function findDrift(deps: DriftDeps, signal?: AbortSignal): Promise<FoundDrift> {
  const { resources } = await deps.store.read();
  const applied = [...resources.values()].map(({ kind, metadata, spec, source }): Resource => ({ kind, metadata, spec, source: { ...source, column: 1 } }));
  const secrets = await compareSecrets(applied, resources, await deps.store.fingerprintKey(), deps.secret);
  const sources = await inspectApplied(applied, deps, signal);
  const destinations = applied.filter(({ kind }) => kind === 'Destination').map(({ metadata }) => metadata.name);
  const verdicts = await checkDestinations(destinations, resources, deps);

  const findings: DriftFinding[] = [...sources];
  for (const [key, own] of secrets) {
    for (const verdict of own) {
      if (verdict.state === 'changed')
        findings.push({
          ...split(key),
          rule: 'secret-changed',
          message: `the secret at ${verdict.path} has another value than when it was applied`,
          hint: 'apply records it; runs use the new one already',
        });
      if (verdict.state === 'not-compared') findings.push({ ...split(key), rule: 'secret-missing', message: `${verdict.path}: ${verdict.reason}` });
    }
  }
  for (const [name, { error }] of verdicts) {
    if (error === undefined) continue;
    const { message, hint } = error;
    findings.push({ kind: 'Destination', name, rule: 'destination-changed', message, ...(hint === undefined ? {} : { hint }) });
  }
  const outside = applied.filter(({ kind }) => kind === 'Attributes' || kind === 'Destination').length;
  return { findings, warnings: [...verdicts.values()].flatMap(({ warnings }) => warnings), looked: outside };
}

/** Looks at the sources; a finding names the Attributes by the place where they stood when they were applied. */
async function inspectApplied(applied: readonly Resource[], deps: EngineDeps, signal: AbortSignal | undefined): Promise<readonly DriftFinding[]> {
  const findings: DriftFinding[] = [];
  const sources = applied.filter(({ kind }) => kind === 'Source');
  for (const attributes of applied.filter(({ kind }) => kind === 'Attributes')) {
    const place = (): { file: string; line: number; column: number; length: number } => ({ ...attributes.source, length: 1 });
    for (const { message, hint } of await inspectSources([...sources, attributes], { place, textPlace: place, written: () => undefined }, deps, signal)) {
      findings.push({ kind: 'Attributes', name: attributes.metadata.name, rule: 'source-changed', message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return findings;
}

function split(key: ResourceKey): { readonly kind: Kind; readonly name: string } {
  const [kind, name = ''] = key.split('/', 2);
  return { kind: kind as Kind, name };
}
