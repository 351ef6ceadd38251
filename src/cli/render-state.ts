import { formatInstant } from '../model/instant.ts';
import type { RecordedResource, RecordedState, StateGeneration } from '../state/state-store.ts';
import { renderTable } from './render-table.ts';

/** What is applied, a line each. `resources` in the order to show. */
export function renderStateList(state: RecordedState, resources: readonly RecordedResource[]): string {
  if (resources.length === 0) return 'Nothing is applied.';
  const rows = resources.map(({ kind, metadata, version, appliedAt, source }) => ({
    KIND: kind,
    NAME: metadata.name,
    VERSION: version,
    APPLIED: formatInstant(Math.floor(appliedAt / 1000) * 1000),
    FROM: `${source.file}:${source.line}`,
  }));
  const count = `${resources.length} ${resources.length === 1 ? 'resource' : 'resources'}`;
  const environment = state.environment === undefined ? '' : `, environment ${state.environment}`;
  return `${renderTable(rows)}\n\n${count}, serial ${state.serial}${environment}`;
}

/** Earlier values of the whole state, newest first. */
export function renderHistory(generations: readonly StateGeneration[]): string {
  if (generations.length === 0) return 'Nothing was ever applied.';
  const rows = generations.map(({ serial, at, actor, changes }) => ({
    SERIAL: serial,
    AT: formatInstant(Math.floor(at / 1000) * 1000),
    BY: actor,
    CHANGES: describeChanges(changes),
  }));
  return renderTable(rows);
}

function describeChanges(changes: StateGeneration['changes']): string {
  const words = { create: 'created', update: 'updated', delete: 'deleted' } as const;
  const parts = (['create', 'update', 'delete'] as const).flatMap((action) => {
    const keys = changes.filter((change) => change.action === action).map(({ key }) => key);
    if (keys.length === 0) return [];
    return [keys.length <= 2 ? `${keys.join(' and ')} ${words[action]}` : `${keys.length} ${words[action]}`];
  });
  return parts.length === 0 ? 'environment' : parts.join(', ');
}
