import { effectiveActivation } from '../activation/effective.ts';
import { endpointOf, targetOf } from '../export/resolve-job.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, DestinationSpec } from '../model/generated/kinds.ts';
import type { Change } from '../model/plan.ts';
import { resourceKey, type Resource, type ResourceKey } from '../model/resource.ts';
import type { RecordedState } from '../state/state-store.ts';
import { activeFrom } from './active-from.ts';

/** Activations named in one note. */
const MAX_NAMED = 5;

export interface NoteContext {
  readonly recorded: RecordedState;
  readonly desired: readonly Resource[];
  readonly card: (type: string) => DestinationCard | undefined;
  readonly command: string;
}

/** What a change means beyond its own lines: columns of files that others read, exports that start with everybody, slots that are not due. */
export function addNotes(changes: readonly Change[], context: NoteContext): readonly Change[] {
  return changes.map((change) => {
    const notes = notesOf(change, context);
    return notes.length === 0 ? change : { ...change, notes };
  });
}

function notesOf(change: Change, context: NoteContext): readonly string[] {
  if (change.kind === 'Activation' && change.action === 'update')
    return activationNotes(change.before.spec as ActivationSpec, change.after.spec as ActivationSpec, change.name, context);
  if (change.kind === 'Activation' && change.action === 'delete') {
    return ['files that were delivered stay where they are; who was delivered is forgotten: the same activation, applied again, starts with everybody'];
  }
  if (change.kind === 'Destination' && change.action === 'update')
    return destinationNotes(change.before.spec as DestinationSpec, change.after.spec as DestinationSpec, change.name, context);
  return [];
}

function activationNotes(before: ActivationSpec, after: ActivationSpec, name: string, context: NoteContext): string[] {
  const notes: string[] = [];
  const earlier = settingsOf(name, before, context);
  const settings = settingsOf(name, after, context);
  const columns = compareColumns(
    earlier.effective.mapping.map(({ target }) => target),
    settings.effective.mapping.map(({ target }) => target),
  );
  if (columns !== undefined) {
    const follow =
      settings.card?.setup === undefined ? 'whoever reads them must follow' : `the other side must follow: ${context.command} setup ${after.destination}`;
    notes.push(`files ${columns} from the next slot on; ${follow}`);
  }
  const incremental = settings.effective.segments.filter(({ mode }) => mode === 'incremental').map((segment) => segment.name);
  if (settings.target !== earlier.target && incremental.length > 0)
    notes.push(`the files go to another place: the next export of ${list(incremental)} is everybody`);
  else {
    const known = new Set(earlier.effective.segments.map((segment) => segment.name));
    const fresh = incremental.filter((segment) => !known.has(segment));
    if (fresh.length > 0) notes.push(`the first export of ${list(fresh)} is everybody`);
  }
  const recorded = context.recorded.resources.get(resourceKey('Activation', name));
  if (recorded?.activeFrom !== undefined && activeFrom(recorded, after, Infinity) === Infinity && after.suspend !== true)
    notes.push('slots before this apply are not due');
  return notes;
}

function destinationNotes(before: DestinationSpec, after: DestinationSpec, name: string, { desired, card }: NoteContext): string[] {
  if (placeOf(name, before, card(before.type)) === placeOf(name, after, card(after.type))) return [];
  const users = desired.filter(
    ({ kind, spec }) => kind === 'Activation' && (spec as ActivationSpec).destination === name && isIncremental(spec as ActivationSpec),
  );
  if (users.length === 0) return [];
  return [
    `the ${card(after.type)?.storage.default === undefined ? 'files' : 'rows'} go to another place: the next export of ${list(users.map(({ metadata }) => metadata.name))} is everybody`,
  ];
}

/** Where members are delivered; undefined while nobody knows. */
function placeOf(name: string, spec: DestinationSpec, card: DestinationCard | undefined): string | undefined {
  const storage = spec.storage ?? card?.storage.default;
  return storage === undefined ? undefined : `${targetOf(name, storage)} ${endpointOf(spec, card) ?? ''}`;
}

function isIncremental({ export: mode, segments }: ActivationSpec): boolean {
  return mode === 'incremental' || segments.some((entry) => typeof entry !== 'string' && entry.export === 'incremental');
}

function settingsOf(
  name: string,
  spec: ActivationSpec,
  { desired, recorded, card }: NoteContext,
): { effective: ReturnType<typeof effectiveActivation>; card: DestinationCard | undefined; target: string | undefined } {
  const key: ResourceKey = resourceKey('Destination', spec.destination);
  const found = desired.find(({ kind, metadata }) => kind === 'Destination' && metadata.name === spec.destination) ?? recorded.resources.get(key);
  const destination = found?.spec as DestinationSpec | undefined;
  const own = destination === undefined ? undefined : card(destination.type);
  return {
    effective: effectiveActivation(name, spec, own),
    card: own,
    target: destination === undefined ? undefined : placeOf(spec.destination, destination, own),
  };
}

function compareColumns(before: readonly string[], after: readonly string[]): string | undefined {
  const more = after.filter((column) => !before.includes(column));
  const less = before.filter((column) => !after.includes(column));
  const parts = [
    ...(more.length === 0 ? [] : [`have ${more.length === 1 ? 'one more column' : `${more.length} more columns`} (${list(more)})`]),
    ...(less.length === 0 ? [] : [`lose ${less.length === 1 ? 'a column' : `${less.length} columns`} (${list(less)})`]),
  ];
  if (parts.length > 0) return parts.join(' and ');
  return before.join('\0') === after.join('\0') ? undefined : 'have their columns in another order';
}

function list(names: readonly string[]): string {
  return `${names.slice(0, MAX_NAMED).join(', ')}${names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''}`;
}
