import type { ManifestLocator } from '../manifest/load-manifests.ts';
import type { EngineDeps } from '../export/deps.ts';
import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { AttributesSpec, SourceSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import { escapePointer } from '../plan/diff-resource.ts';
import { digestOf } from '../support/digest.ts';
import { nearest } from '../support/nearest.ts';

/** Columns listed where none is near. */
const MAX_LISTED = 20;

interface NamedColumn {
  readonly column: string;
  /** JSON pointer from the document's root. */
  readonly pointer: string;
}

/**
 * Looks whether the sources have the columns that Attributes name, without reading a row. A missing column is an error at its line in the
 * manifest; a file that is not there (yet) is a warning: only a run needs it.
 */
export async function inspectSources(
  resources: readonly Resource[],
  locator: ManifestLocator,
  deps: EngineDeps,
  signal?: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const sources = new Map(resources.filter(({ kind }) => kind === 'Source').map((source) => [source.metadata.name, source.spec as SourceSpec]));
  const known = new Map<string, readonly string[] | AppError>();
  const diagnostics: Diagnostic[] = [];
  for (const resource of resources) {
    if (resource.kind !== 'Attributes') continue;
    const attributes = resource.spec as AttributesSpec;
    const source = sources.get(attributes.source);
    if (source === undefined) continue;
    for (const [dataset, { columns, pointer }] of columnsOf(attributes)) {
      const key = digestOf([attributes.source, dataset, columns.map(({ column }) => column)]);
      const found =
        known.get(key) ??
        (await readColumns({ name: resource.metadata.name, attributes, sourceName: attributes.source, source }, dataset, columns, deps, signal));
      known.set(key, found);
      if (found instanceof AppError) diagnostics.push(describeUnread(resource, pointer, found, locator));
      else diagnostics.push(...missingColumns(resource, dataset, columns, found, locator));
    }
  }
  return diagnostics;
}

async function readColumns(
  model: Parameters<EngineDeps['engine']>[0],
  dataset: string,
  columns: readonly NamedColumn[],
  deps: EngineDeps,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | AppError> {
  try {
    await using engine = deps.engine(model, signal);
    return await engine.columns(
      dataset,
      columns.map(({ column }) => column),
    );
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** The columns that an Attributes resource names, by dataset, and where the dataset itself is named. */
function columnsOf(attributes: AttributesSpec): ReadonlyMap<string, { readonly columns: readonly NamedColumn[]; readonly pointer: string }> {
  const profile: NamedColumn[] = [
    ...named(attributes.identities, '/spec/identities'),
    ...named(attributes.fields ?? {}, '/spec/fields'),
    ...named(attributes.consents ?? {}, '/spec/consents'),
  ];
  const found = new Map([[attributes.dataset, { columns: profile, pointer: '/spec/dataset' }]]);
  const { events } = attributes;
  if (events === undefined) return found;
  const own: NamedColumn[] = [
    { column: events.profile, pointer: '/spec/events/profile' },
    { column: events.timestamp, pointer: '/spec/events/timestamp' },
    ...('column' in events.eventType ? [{ column: events.eventType.column, pointer: '/spec/events/eventType/column' }] : []),
    ...named(events.fields ?? {}, '/spec/events/fields'),
  ];
  const shared = found.get(events.dataset);
  found.set(events.dataset, shared === undefined ? { columns: own, pointer: '/spec/events/dataset' } : { ...shared, columns: [...shared.columns, ...own] });
  return found;
}

function named(map: Readonly<Record<string, { readonly column: string }>>, pointer: string): NamedColumn[] {
  return Object.entries(map).map(([name, { column }]) => ({ column, pointer: `${pointer}/${escapePointer(name)}/column` }));
}

function missingColumns(
  resource: Resource,
  dataset: string,
  columns: readonly NamedColumn[],
  found: readonly string[],
  locator: ManifestLocator,
): Diagnostic[] {
  if (found.length === 0) {
    const message = `dataset \`${dataset}\` is empty: it has no columns and no rows`;
    return [{ code: 'RC2007', severity: 'warning', message, ...locator.place(resource, '/spec/dataset'), hint: 'an export of it is held until it has rows' }];
  }
  const there = new Set(found);
  const diagnostics: Diagnostic[] = [];
  for (const { column, pointer } of columns) {
    if (there.has(column)) continue;
    const near = nearest(column, found);
    const listed = found.slice(0, MAX_LISTED).join(', ');
    diagnostics.push({
      code: 'RC2002',
      severity: 'error',
      message: `dataset \`${dataset}\` has no column \`${column}\``,
      ...locator.place(resource, pointer),
      hint: near === undefined ? `its columns are ${listed}${found.length > MAX_LISTED ? ', …' : ''}` : `did you mean \`${near}\`?`,
    });
  }
  return diagnostics;
}

function describeUnread(resource: Resource, pointer: string, error: AppError, locator: ManifestLocator): Diagnostic {
  const { code, message, hint } = error;
  return {
    code,
    severity: 'warning',
    message: `the columns cannot be checked: ${message}`,
    ...locator.place(resource, pointer),
    ...(hint === undefined ? {} : { hint }),
  };
}
