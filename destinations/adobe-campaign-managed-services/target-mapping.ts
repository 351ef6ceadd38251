import { nearest } from '../../src/support/nearest.ts';
import { CampaignError } from './explain-failure.ts';
import { selectRows, type CampaignRow } from './query.ts';
import type { CampaignSession } from './session.ts';

export interface TargetMapping {
  readonly name: string;
  readonly label: string;
  /** The schema that deliveries target; empty for `External file`. */
  readonly schema: string;
}

export type FoundMapping =
  | { readonly kind: 'found'; readonly mapping: TargetMapping }
  /** The label was given instead of the internal name. */
  | { readonly kind: 'by-label'; readonly mapping: TargetMapping }
  | { readonly kind: 'missing'; readonly names: readonly string[] };

const COLUMNS = ['@id', '@name', '@label', '@schema', '@targetSchema'];
/** What every build has: one unknown attribute fails a whole query (XTK-170036). */
const OLD_COLUMNS = ['@id', '@name', '@label', '@schema'];

/** The mapping by its internal name, else by its label, else the names there are (`domain/campaign.md` 2.2). */
export async function findTargetMapping(session: CampaignSession, name: string): Promise<FoundMapping> {
  const byName = await select(session, [session.escape`@name = ${name}`], 1);
  if (byName[0] !== undefined) return { kind: 'found', mapping: byName[0] };
  const byLabel = await select(session, [session.escape`@label = ${name}`], 1);
  if (byLabel[0] !== undefined) return { kind: 'by-label', mapping: byLabel[0] };
  const all = await select(session, [], 200);
  return { kind: 'missing', names: all.map((mapping) => mapping.name) };
}

async function select(session: CampaignSession, where: readonly string[], lineCount: number): Promise<readonly TargetMapping[]> {
  const query = { schema: 'nms:deliveryMapping', where, orderBy: { expr: '@name' }, lineCount };
  let rows: readonly CampaignRow[];
  try {
    rows = await selectRows(session, 'looking for target mappings', { ...query, select: COLUMNS });
  } catch (error) {
    if (!(error instanceof CampaignError) || !`${error.failure.code} ${error.failure.text}`.includes('XTK-170036')) throw error;
    rows = await selectRows(session, 'looking for target mappings', { ...query, select: OLD_COLUMNS });
  }
  return rows.map((row) => ({ name: row['name'] ?? '', label: row['label'] ?? '', schema: row['targetSchema'] || (row['schema'] ?? '') }));
}

/** The fields of a schema's main element: attributes, and those of elements below as `element/attribute`. Undefined when the schema cannot be read. */
export async function readSchemaFields(session: CampaignSession, schema: string): Promise<ReadonlySet<string> | undefined> {
  const [document] = await session.call(
    `reading the schema \`${schema}\``,
    'xtk:persist',
    'GetEntityIfMoreRecent',
    true,
    [
      { name: 'pk', type: 'string', value: `xtk:schema|${schema}` },
      { name: 'md5', type: 'string', value: '' },
      { name: 'mustExist', type: 'boolean', value: false },
    ],
    [{ name: 'doc', type: 'DOMDocument' }],
  );
  const main = asList((document as SchemaNode | null)?.element).find(({ name }) => name === schema.slice(schema.indexOf(':') + 1));
  if (main === undefined) return undefined;
  const fields = new Set<string>();
  collect(main, '', fields, 0);
  return fields;
}

interface SchemaNode {
  readonly name?: string;
  readonly attribute?: SchemaNode | readonly SchemaNode[];
  readonly element?: SchemaNode | readonly SchemaNode[];
}

/** One child is an object and several are a list in the SDK's JSON. */
function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

const MAX_DEPTH = 4;

function collect(node: SchemaNode, path: string, fields: Set<string>, depth: number): void {
  for (const { name } of asList(node.attribute)) if (name !== undefined) fields.add(path + name);
  if (depth === MAX_DEPTH) return;
  for (const child of asList(node.element)) {
    if (child.name === undefined) continue;
    fields.add(path + child.name);
    collect(child, `${path}${child.name}/`, fields, depth + 1);
  }
}

/** A column is a field when it is named like it; `_`, `.` and `/` may stand between an element and its attribute, `@` before the attribute. */
export function matchColumn(column: string, fields: ReadonlySet<string>): { readonly ok: true } | { readonly ok: false; readonly near: string | undefined } {
  const wanted = normalise(column);
  for (const field of fields) if (normalise(field) === wanted) return { ok: true };
  return { ok: false, near: nearest(column, fields) };
}

function normalise(name: string): string {
  return name
    .replaceAll('@', '')
    .replaceAll(/[/._-]/g, '_')
    .toLowerCase();
}
