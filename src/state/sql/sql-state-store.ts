import type { Transaction } from 'kysely';
import { randomBytes, randomUUID } from 'node:crypto';
import { resourceKey, type ResourceKey } from '../../model/resource.ts';
import { checkChanges } from '../check-changes.ts';
import { notEmptyState } from '../state-errors.ts';
import type { JournalEntry, RecordedResource, RecordedState, StateChange, StateStore } from '../state-store.ts';
import { inChunks } from './chunks.ts';
import { readAtOnce, writeAtOnce, type Reader, type StateConnection } from './connection.ts';
import { forgetOldGenerations, readGenerations, recordGeneration, resourcesAt, splitKey } from './generations.ts';
import { actorOf, appendJournal, pruneJournal, unfinishedEntries } from './journal.ts';
import { createLeases } from './lease.ts';
import { fromResourceRow, readDigests, readResources, toResourceRow, type ResourceRow } from './resource-rows.ts';
import type { StateTables } from './tables.ts';

const EMPTY: RecordedState = { lineage: undefined, serial: 0, environment: undefined, resources: new Map() };

/** The state's queries, in no database's dialect. */
export function createSqlStateStore(connection: StateConnection): StateStore {
  const leases = createLeases(connection);
  /** What was read last: as long as the serial has not moved, nobody has changed a resource. An apply of many commits reads once. */
  let known: RecordedState = EMPTY;

  const current = async (db: Reader): Promise<RecordedState> => {
    const meta = await readMeta(db);
    const same = meta.lineage === known.lineage && meta.serial === known.serial;
    return { ...meta, resources: same ? known.resources : await readResources(db, connection.place) };
  };

  return {
    async read() {
      const read = await readAtOnce(connection, current);
      known = read ?? EMPTY;
      return known;
    },

    async digests() {
      const read = await readAtOnce(connection, async (tx) => ({ ...(await readMeta(tx)), digests: await readDigests(tx) }));
      return read ?? { lineage: undefined, serial: 0, environment: undefined, digests: new Map() };
    },

    lease: (owner, options) => leases.take(owner, options),

    async commit(lease, changes, journal) {
      const after = await writeAtOnce(connection, async (tx) => {
        await leases.check(tx, lease.epoch);
        const before = await current(tx);
        checkChanges(changes, before);
        await appendJournal(tx, journal);
        const restore = changes.find((change) => change.type === 'restore');
        if (restore !== undefined) return restoreState(tx, connection, restore, journal);
        await mintKey(tx);
        return changes.length === 0 ? before : applyChanges(tx, connection, before, changes, journal);
      });
      known = after;
      return after;
    },

    pruneJournal: (what) => writeAtOnce(connection, (tx) => pruneJournal(tx, what)),

    async unfinished() {
      return (await readAtOnce(connection, unfinishedEntries)) ?? [];
    },

    async history(limit) {
      return (await readAtOnce(connection, (tx) => readGenerations(tx, limit))) ?? [];
    },

    at: (serial) =>
      readAtOnce(connection, async (tx) => {
        const resources = await resourcesAt(tx, serial, connection.place);
        return resources === undefined ? undefined : { ...(await readMeta(tx)), serial, resources };
      }),

    unlock: (force) => leases.unlock(force),

    fingerprintKey: () =>
      readAtOnce(connection, async (tx) => {
        const row = await tx.selectFrom('meta').select('value').where('name', '=', 'fingerprintKey').executeTakeFirst();
        return row?.value;
      }),

    async [Symbol.asyncDispose]() {},
  };
}

async function readMeta(db: Reader): Promise<Omit<RecordedState, 'resources'>> {
  const meta = new Map((await db.selectFrom('meta').selectAll().execute()).map(({ name, value }) => [name, value]));
  return { lineage: meta.get('lineage'), serial: Number(meta.get('serial') ?? 0), environment: meta.get('environment') };
}

async function setMeta(tx: Transaction<StateTables>, name: string, value: string | undefined): Promise<void> {
  await tx.deleteFrom('meta').where('name', '=', name).execute();
  if (value !== undefined) await tx.insertInto('meta').values({ name, value }).execute();
}

async function mintKey(tx: Transaction<StateTables>): Promise<void> {
  const known = await tx.selectFrom('meta').select('value').where('name', '=', 'fingerprintKey').executeTakeFirst();
  if (known === undefined) await setMeta(tx, 'fingerprintKey', randomBytes(32).toString('hex'));
}

async function applyChanges(
  tx: Transaction<StateTables>,
  connection: StateConnection,
  before: RecordedState,
  changes: readonly StateChange[],
  journal: readonly JournalEntry[],
): Promise<RecordedState> {
  const serial = before.serial + 1;
  const lineage = before.lineage ?? randomUUID();
  if (before.lineage === undefined) await setMeta(tx, 'lineage', lineage);
  const resources = new Map(before.resources);
  const log: Map<ResourceKey, { action: 'create' | 'update' | 'delete'; row: ResourceRow | null }> = new Map();
  let { environment } = before;
  for (const change of changes) {
    if (change.type === 'environment') {
      environment = change.environment;
      await setMeta(tx, 'environment', environment);
    } else if (change.type === 'delete') {
      if (resources.delete(change.key)) log.set(change.key, { action: 'delete', row: null });
    } else if (change.type === 'put') {
      const key = resourceKey(change.resource.kind, change.resource.metadata.name);
      const version = (before.resources.get(key)?.version ?? 0) + 1;
      const row = toResourceRow(change.resource, version);
      resources.set(key, fromResourceRow(row, connection.place));
      log.set(key, { action: version === 1 ? 'create' : 'update', row });
    }
  }
  await deleteResources(
    tx,
    [...log].filter(([, { row }]) => row === null).map(([key]) => key),
  );
  await putResources(
    tx,
    [...log.values()].flatMap(({ row }) => (row === null ? [] : [row])),
  );
  await setMeta(tx, 'serial', String(serial));
  const applyId = journal[0]?.applyId;
  await recordGeneration(tx, { serial, at: connection.clock(), actor: await actorOf(tx, applyId), applyId, changes: log });
  if (applyId === undefined || journal.some(({ type }) => type === 'begin')) await forgetOldGenerations(tx);
  return { lineage, serial, environment, resources };
}

async function restoreState(
  tx: Transaction<StateTables>,
  connection: StateConnection,
  { lineage, serial, environment, resources }: Extract<StateChange, { readonly type: 'restore' }>,
  journal: readonly JournalEntry[],
): Promise<RecordedState> {
  if ((await readMeta(tx)).lineage !== undefined) throw notEmptyState(connection.place);
  await mintKey(tx);
  await setMeta(tx, 'lineage', lineage);
  await setMeta(tx, 'serial', String(serial));
  await setMeta(tx, 'environment', environment);
  const rows = resources.map((resource) => toResourceRow({ ...resource, fingerprints: {} }, resource.version));
  await putResources(tx, rows);
  const changes = new Map(rows.map((row) => [`${row.kind}/${row.name}` as ResourceKey, { action: 'create' as const, row }]));
  const applyId = journal[0]?.applyId;
  await recordGeneration(tx, { serial, at: connection.clock(), actor: await actorOf(tx, applyId), applyId, changes });
  const restored = rows.map((row): [ResourceKey, RecordedResource] => [`${row.kind}/${row.name}` as ResourceKey, fromResourceRow(row, connection.place)]);
  return { lineage, serial, environment, resources: new Map(restored) };
}

async function putResources(tx: Transaction<StateTables>, rows: readonly ResourceRow[]): Promise<void> {
  for (const part of inChunks(rows)) {
    await tx
      .insertInto('resource')
      .values(part)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'name']).doUpdateSet(({ ref }) => ({
          metadata: ref('excluded.metadata'),
          spec: ref('excluded.spec'),
          digest: ref('excluded.digest'),
          version: ref('excluded.version'),
          source_file: ref('excluded.source_file'),
          source_line: ref('excluded.source_line'),
          applied_at: ref('excluded.applied_at'),
          git_commit: ref('excluded.git_commit'),
          fingerprints: ref('excluded.fingerprints'),
          active_from: ref('excluded.active_from'),
          first_applied_at: ref('excluded.first_applied_at'),
          segments_from: ref('excluded.segments_from'),
        })),
      )
      .execute();
  }
}

async function deleteResources(tx: Transaction<StateTables>, keys: readonly ResourceKey[]): Promise<void> {
  for (const [kind, same] of Map.groupBy(keys.map(splitKey), (key) => key.kind)) {
    for (const part of inChunks(same))
      await tx
        .deleteFrom('resource')
        .where('kind', '=', kind)
        .where(
          'name',
          'in',
          part.map(({ name }) => name),
        )
        .execute();
  }
}
