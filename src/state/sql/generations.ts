import type { Transaction } from 'kysely';
import { resourceKey, type Kind, type ResourceKey } from '../../model/resource.ts';
import type { RecordedResource, StateGeneration } from '../state-store.ts';
import { inChunks } from './chunks.ts';
import type { Reader } from './connection.ts';
import { fromResourceRow, type ResourceRow } from './resource-rows.ts';
import type { StateTables } from './tables.ts';

/** How many applies `state history` and `rollback` reach back. */
const KEPT_APPLIES = 200;

/** Remembers what a commit made of the resources: rows as they are from `serial` on, null where one was deleted. */
export async function recordGeneration(
  tx: Transaction<StateTables>,
  generation: Omit<StateGeneration, 'changes'> & {
    readonly changes: ReadonlyMap<ResourceKey, { readonly action: 'create' | 'update' | 'delete'; readonly row: ResourceRow | null }>;
  },
): Promise<void> {
  const { serial, at, actor, applyId, changes } = generation;
  const bodies = [...changes].map(([key, { row }]) => {
    const { kind, name } = splitKey(key);
    return { kind, name, serial, body: row === null ? null : JSON.stringify(row) };
  });
  for (const part of inChunks(bodies)) await tx.insertInto('resource_history').values(part).execute();
  const log: StateGeneration['changes'] = [...changes].map(([key, { action }]) => ({ key, action }));
  await tx
    .insertInto('generation')
    .values({ serial, at, actor, apply_id: applyId ?? null, changes: JSON.stringify(log) })
    .execute();
}

export async function readGenerations(db: Reader, limit: number): Promise<readonly StateGeneration[]> {
  const rows = await db.selectFrom('generation').selectAll().orderBy('serial', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    serial: row.serial,
    at: row.at,
    actor: row.actor,
    applyId: row.apply_id ?? undefined,
    changes: JSON.parse(row.changes) as StateGeneration['changes'],
  }));
}

/** The resources as they were at `serial`; undefined when that generation is not kept. */
export async function resourcesAt(db: Reader, serial: number, place: string): Promise<Map<ResourceKey, RecordedResource> | undefined> {
  const generation = await db.selectFrom('generation').select('serial').where('serial', '=', serial).executeTakeFirst();
  if (generation === undefined) return undefined;
  const rows = await db
    .selectFrom('resource_history as h')
    .select(['h.kind', 'h.name', 'h.body'])
    .where('h.serial', '=', ({ selectFrom }) =>
      selectFrom('resource_history as o')
        .select((latest) => latest.fn.max('o.serial').as('serial'))
        .whereRef('o.kind', '=', 'h.kind')
        .whereRef('o.name', '=', 'h.name')
        .where('o.serial', '<=', serial),
    )
    .where('h.body', 'is not', null)
    .orderBy('h.kind')
    .orderBy('h.name')
    .execute();
  return new Map(rows.map(({ kind, name, body }) => [resourceKey(kind as Kind, name), fromResourceRow(JSON.parse(body ?? '') as ResourceRow, place)]));
}

/** Forgets what is older than the applies that are kept, and rows that no kept generation can show any more. */
export async function forgetOldGenerations(tx: Transaction<StateTables>): Promise<void> {
  const oldest = await tx
    .selectFrom('generation')
    .select(({ fn }) => fn.max('serial').as('serial'))
    .groupBy(({ fn, cast }) => fn.coalesce('apply_id', cast<string>('serial', 'text')))
    .orderBy('serial', 'desc')
    .offset(KEPT_APPLIES - 1)
    .limit(1)
    .executeTakeFirst();
  if (oldest === undefined) return;
  const { numDeletedRows } = await tx.deleteFrom('generation').where('serial', '<', oldest.serial).executeTakeFirst();
  if (numDeletedRows === 0n) return;
  await tx
    .deleteFrom('resource_history')
    .where('serial', '<', oldest.serial)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('resource_history as later')
          .select('later.serial')
          .whereRef('later.kind', '=', 'resource_history.kind')
          .whereRef('later.name', '=', 'resource_history.name')
          .whereRef('later.serial', '>', 'resource_history.serial')
          .where('later.serial', '<=', oldest.serial),
      ),
    )
    .execute();
}

export function splitKey(key: ResourceKey): { readonly kind: string; readonly name: string } {
  const at = key.indexOf('/');
  return { kind: key.slice(0, at), name: key.slice(at + 1) };
}
