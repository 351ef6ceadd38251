import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Change } from '../model/plan.ts';
import { KINDS, type ResourceKey } from '../model/resource.ts';
import { nearest } from '../support/nearest.ts';
import { keyOf, type ReferencesOfChange } from './order-changes.ts';

/**
 * The chosen changes with all that they need: creates and updates bring the changes of what they refer to, deletes those of what refers to them.
 * Throws RC3020 (exit 64) for a text that names no resource, wanted or applied.
 */
export function selectChanges(
  changes: readonly Change[],
  wanted: readonly string[],
  known: ReadonlySet<ResourceKey>,
  references: ReferencesOfChange,
  recordedReferences: (change: Change) => readonly ResourceKey[],
): readonly Change[] {
  for (const text of wanted) requireKnown(text, known);
  const byKey = new Map(changes.map((change) => [keyOf(change), change]));
  const dependants = new Map<ResourceKey, Change[]>();
  for (const change of changes) {
    if (change.action === 'create') continue;
    for (const key of recordedReferences(change)) dependants.set(key, [...(dependants.get(key) ?? []), change]);
  }
  const chosen = new Set<ResourceKey>();
  const queue = [...(wanted as readonly ResourceKey[])];
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const change = byKey.get(key);
    if (change === undefined || chosen.has(key)) continue;
    chosen.add(key);
    if (change.action === 'delete') queue.push(...(dependants.get(key) ?? []).map(keyOf));
    else queue.push(...references(change));
  }
  return changes.filter((change) => chosen.has(keyOf(change)));
}

function requireKnown(text: string, known: ReadonlySet<ResourceKey>): void {
  if (known.has(text as ResourceKey)) return;
  const [kind = '', name] = text.split('/');
  const malformed = name === undefined || !KINDS.some((one) => one === kind);
  const near = nearest(text, known);
  throw new AppError({
    code: 'RC3020',
    message: malformed ? `--select \`${text}\` is not KIND/NAME` : `--select \`${text}\` names nothing that is declared or applied`,
    hint: near === undefined ? 'write it as Segment/german-recent-buyers' : `did you mean \`${near}\`?`,
    exit: ExitCode.badUsage,
  });
}
