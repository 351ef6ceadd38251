import { createHmac } from 'node:crypto';
import { AppError } from '../model/app-error.ts';
import type { Kind, ResourceKey, SecretRef } from '../model/resource.ts';
import { resourceKey } from '../model/resource.ts';
import type { SecretVerdict } from '../plan/plan-input.ts';
import { findSecrets, type SecretPlace } from './secret-pointers.ts';

/** Reads a secret's value; throws `AppError` when it is not there. */
export type ReadSecret = (ref: SecretRef) => Promise<string>;

interface WithSecrets {
  readonly kind: Kind;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

/**
 * A secret's keyed fingerprint: tells whether it has changed, and nothing else. Bound to its place, so that equal secrets at two places do not show
 * as equal. `key` is the state's (`StateStore.fingerprintKey`).
 */
export function fingerprintOf(value: string, resource: ResourceKey, path: string, key: string): string {
  return `hmac-sha256:${createHmac('sha256', key).update(`${resource}\0${path}\0${value}`).digest('hex')}`;
}

/** The fingerprints of all secrets of a resource; throws `AppError` for the first that is not there. */
export async function takeFingerprints(resource: WithSecrets, key: string, secret: ReadSecret): Promise<Record<string, string>> {
  const name = resourceKey(resource.kind, resource.metadata.name);
  const taken: Record<string, string> = {};
  for (const { path, ref } of findSecrets(resource)) {
    try {
      taken[path] = fingerprintOf(await secret(ref), name, path, key);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError({
        code: error.code,
        message: `${name} ${path}: ${error.message}`,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
  }
  return taken;
}

/**
 * Compares the secrets of the wanted resources with what was recorded. One that is not there, or was never recorded, is `not-compared`; what is
 * new has nothing to be compared with and is only reported when its value is missing. Values are never returned.
 */
export async function compareSecrets(
  desired: readonly WithSecrets[],
  recorded: ReadonlyMap<ResourceKey, { readonly fingerprints: Readonly<Record<string, string>> }>,
  key: string | undefined,
  secret: ReadSecret,
): Promise<ReadonlyMap<ResourceKey, readonly SecretVerdict[]>> {
  const verdicts = new Map<ResourceKey, readonly SecretVerdict[]>();
  for (const resource of desired) {
    const places = findSecrets(resource);
    if (places.length === 0) continue;
    const name = resourceKey(resource.kind, resource.metadata.name);
    const fingerprints = recorded.get(name)?.fingerprints;
    const own: SecretVerdict[] = [];
    for (const place of places) {
      const verdict = await compareOne(place, name, fingerprints?.[place.path], key, secret);
      if (verdict !== undefined) own.push(verdict);
    }
    if (own.length > 0) verdicts.set(name, own);
  }
  return verdicts;
}

async function compareOne(
  { path, ref }: SecretPlace,
  name: ResourceKey,
  before: string | undefined,
  key: string | undefined,
  secret: ReadSecret,
): Promise<SecretVerdict | undefined> {
  let value: string;
  try {
    value = await secret(ref);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { path, state: 'not-compared', reason: error.message };
  }
  if (before === undefined || key === undefined) return undefined;
  const fingerprint = fingerprintOf(value, name, path, key);
  return { path, state: fingerprint === before ? 'same' : 'changed', fingerprint };
}
