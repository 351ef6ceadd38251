import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import { resourceKey, type Kind } from '../model/resource.ts';
import { nearest } from '../support/nearest.ts';
import type { AppliedResource, AppliedResources } from './deps.ts';

/** Finds a resource of the applied ones; RC4015 with exit 64 when it is not there. */
export function findApplied<Spec>(resources: AppliedResources, kind: Kind, name: string): AppliedResource & { readonly spec: Spec } {
  const found = resources.get(resourceKey(kind, name));
  if (found !== undefined) return found as AppliedResource & { readonly spec: Spec };
  const names = [...resources.keys()].filter((key) => key.startsWith(`${kind}/`)).map((key) => key.slice(kind.length + 1));
  const near = nearest(name, names);
  throw new AppError({
    code: 'RC4015',
    message: `no ${kind} \`${name}\` is applied`,
    hint:
      near === undefined ? (names.length === 0 ? 'apply the manifests first: reconcile apply' : `applied: ${names.join(', ')}`) : `did you mean \`${near}\`?`,
    exit: ExitCode.badUsage,
  });
}
