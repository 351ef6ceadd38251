import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Kind, Resource } from '../model/resource.ts';
import { nearest } from '../support/nearest.ts';

/** A resource of the manifests by its name; RC9006 with exit 64 when they have none. */
export function findDeclared<Found extends Resource>(all: readonly Found[], kind: Kind, name: string): Found {
  const ofKind = all.filter((resource) => resource.kind === kind);
  const found = ofKind.find(({ metadata }) => metadata.name === name);
  if (found !== undefined) return found;
  const known = ofKind.map(({ metadata }) => metadata.name);
  const near = nearest(name, known);
  throw new AppError({
    code: 'RC9006',
    message: `there is no ${kind} \`${name}\``,
    hint: near === undefined ? `the manifests have: ${known.join(', ') || 'none'}` : `did you mean \`${near}\`?`,
    exit: ExitCode.badUsage,
  });
}
