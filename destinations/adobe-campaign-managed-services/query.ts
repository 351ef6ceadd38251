import type { CampaignSession } from './session.ts';

/** A query in the shape of `xtk:queryDef`; conditions are joined by AND. Values in expressions go through `session.escape`. */
export interface Query {
  readonly schema: string;
  readonly select: readonly string[];
  readonly where?: readonly string[];
  readonly orderBy?: { readonly expr: string; readonly descending?: boolean };
  readonly lineCount: number;
}

export type CampaignRow = Readonly<Record<string, string>>;

/** Rows of a table, as Campaign's texts. Always an explicit line count: the default cuts at 200 in silence. */
export async function selectRows(session: CampaignSession, what: string, query: Query): Promise<readonly CampaignRow[]> {
  const { schema, select, where = [], orderBy, lineCount } = query;
  const value = {
    schema,
    operation: 'select',
    lineCount: String(lineCount),
    select: { node: select.map((expr) => ({ expr })) },
    ...(where.length === 0 ? {} : { where: { condition: where.map((expr) => ({ expr })) } }),
    ...(orderBy === undefined ? {} : { orderBy: { node: [{ expr: orderBy.expr, ...(orderBy.descending === true ? { sortDesc: 'true' } : {}) }] } }),
  };
  const [, output] = await session.call(
    what,
    'xtk:queryDef',
    'ExecuteQuery',
    false,
    [{ name: 'queryDef', type: 'DOMDocument', value }],
    [
      { name: 'entity', type: 'DOMDocument' },
      { name: 'output', type: 'DOMDocument' },
    ],
  );
  const rows = (output as Readonly<Record<string, unknown>> | null)?.[schema.slice(schema.indexOf(':') + 1)];
  return Array.isArray(rows) ? (rows as CampaignRow[]) : [];
}
