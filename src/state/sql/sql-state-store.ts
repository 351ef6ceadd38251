import type { Kysely, Transaction } from 'kysely';
import { randomBytes, randomUUID } from 'node:crypto';
import { resourceKey, type Kind, type Metadata, type ResourceKey } from '../../model/resource.ts';
import { sha256 } from '../../support/digest.ts';
import type { JournalEntry, RecordedResource, RecordedState, StateChange, StateGeneration, StateStore } from '../state-store.ts';
import type { StateConnection } from './connection.ts';
import { createLeases } from './lease.ts';
import type { StateTables } from './tables.ts';

/** Values per multi-row statement; SQLite allows 32,766 parameters. */
const ROWS_PER_STATEMENT = 500;
/** How many generations `state history` and `rollback` reach back. */
const KEPT_GENERATIONS = 200;

/** The state's queries, in no database's dialect. */
export function createSqlStateStore(connection: StateConnection): StateStore {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw connection.translate(error);
    }
  };
  const leases = createLeases(connection);

  return {
    read: () =>
      guarded(async () => {
        const db = await connection.read();
        return db === undefined ? EMPTY : readState(db);
      }),

    lease: (owner, options) => guarded(() => leases.take(owner, options)),

    commit: (lease, changes, journal) =>
      guarded(async () => {
        const db = await connection.write();
        return db.transaction().execute(async (tx) => {
          await leases.check(tx, lease.epoch);
          await mintLineage(tx);
          await appendJournal(tx, journal);
          if (changes.length > 0) await applyChanges(tx, changes, journal, connection.clock());
          return readState(tx);
        });
      }),

    unfinished: () =>
      guarded(async () => {
        const db = await connection.read();
        if (db === undefined) return [];
        const rows = await db
          .selectFrom('journal')
          .select('body')
          .where('apply_id', 'not in', db.selectFrom('journal').select('apply_id').where('type', '=', 'end'))
          .orderBy('seq')
          .execute();
        return rows.map(({ body }) => JSON.parse(body) as JournalEntry);
      }),

    history: (limit) =>
      guarded(async () => {
        const db = await connection.read();
        if (db === undefined) return [];
        const rows = await db.selectFrom('generation').selectAll().orderBy('serial', 'desc').limit(limit).execute();
        return rows.map((row) => ({
          serial: row.serial,
          at: row.at,
          actor: row.actor,
          applyId: row.apply_id ?? undefined,
          changes: JSON.parse(row.changes) as StateGeneration['changes'],
        }));
      }),

    at: (serial) =>
      guarded(async () => {
        const db = await connection.read();
        if (db === undefined) return undefined;
        const generation = await db.selectFrom('generation').select('serial').where('serial', '=', serial).executeTakeFirst();
        if (generation === undefined) return undefined;
        const rows = await db.selectFrom('resource_history').select(['kind', 'name', 'body']).where('serial', '<=', serial).orderBy('serial').execute();
        const resources = new Map<ResourceKey, RecordedResource>();
        for (const { kind, name, body } of rows) {
          const key = resourceKey(kind as Kind, name);
          if (body === null) resources.delete(key);
          else resources.set(key, fromRow(JSON.parse(body) as ResourceRow));
        }
        return { ...(await readMeta(db)), serial, resources };
      }),

    unlock: (force) => guarded(() => leases.unlock(force)),

    fingerprintKey: () =>
      guarded(async () => {
        const db = await connection.read();
        const row = await db?.selectFrom('meta').select('value').where('name', '=', 'fingerprintKey').executeTakeFirst();
        return row?.value;
      }),

    async [Symbol.asyncDispose]() {},
  };
}

const EMPTY: RecordedState = { lineage: undefined, serial: 0, environment: undefined, resources: new Map() };

type ResourceRow = StateTables['resource'];
type Executor = Kysely<StateTables> | Transaction<StateTables>;

async function readState(db: Executor): Promise<RecordedState> {
  const rows = await db.selectFrom('resource').selectAll().orderBy('kind').orderBy('name').execute();
  const resources = new Map(rows.map((row) => [resourceKey(row.kind as Kind, row.name), fromRow(row)]));
  return { ...(await readMeta(db)), resources };
}

async function readMeta(db: Executor): Promise<Omit<RecordedState, 'resources'>> {
  const meta = new Map((await db.selectFrom('meta').selectAll().execute()).map(({ name, value }) => [name, value]));
  return { lineage: meta.get('lineage'), serial: Number(meta.get('serial') ?? 0), environment: meta.get('environment') };
}

/** The spec is parsed when somebody looks at it: a plan over thousands of unchanged resources compares digests only. */
function fromRow(row: ResourceRow): RecordedResource {
  let spec: unknown;
  let fingerprints: Readonly<Record<string, string>> | undefined;
  let metadata: Metadata | undefined;
  return {
    kind: row.kind as Kind,
    get metadata() {
      return (metadata ??= JSON.parse(row.metadata) as Metadata);
    },
    get spec() {
      return (spec ??= JSON.parse(row.spec) as unknown);
    },
    digest: row.digest,
    version: row.version,
    source: { file: row.source_file, line: row.source_line },
    appliedAt: row.applied_at,
    ...(row.git_commit === null ? {} : { commit: row.git_commit }),
    get fingerprints() {
      return (fingerprints ??= JSON.parse(row.fingerprints) as Readonly<Record<string, string>>);
    },
    ...(row.active_from === null ? {} : { activeFrom: row.active_from }),
  };
}

function toRow(resource: Omit<RecordedResource, 'version'>, version: number): ResourceRow {
  return {
    kind: resource.kind,
    name: resource.metadata.name,
    metadata: JSON.stringify(resource.metadata),
    spec: JSON.stringify(resource.spec),
    digest: resource.digest,
    version,
    source_file: resource.source.file,
    source_line: resource.source.line,
    applied_at: resource.appliedAt,
    git_commit: resource.commit ?? null,
    fingerprints: JSON.stringify(resource.fingerprints),
    active_from: resource.activeFrom ?? null,
  };
}

async function mintLineage(tx: Transaction<StateTables>): Promise<void> {
  const known = await tx.selectFrom('meta').select('value').where('name', '=', 'lineage').executeTakeFirst();
  if (known !== undefined) return;
  await tx
    .insertInto('meta')
    .values([
      { name: 'lineage', value: randomUUID() },
      { name: 'serial', value: '0' },
      { name: 'fingerprintKey', value: randomBytes(32).toString('hex') },
    ])
    .execute();
}

async function applyChanges(tx: Transaction<StateTables>, changes: readonly StateChange[], journal: readonly JournalEntry[], now: number): Promise<void> {
  const versions = new Map(
    (await tx.selectFrom('resource').select(['kind', 'name', 'version']).execute()).map((row) => [`${row.kind}/${row.name}`, row.version]),
  );
  const { serial: before } = await readMeta(tx);
  const serial = before + 1;
  const rows: ResourceRow[] = [];
  const history: StateTables['resource_history'][] = [];
  const log: { key: string; action: 'create' | 'update' | 'delete' }[] = [];
  const seen = new Set<string>();
  for (const change of changes) {
    if (change.type === 'environment') {
      await setMeta(tx, 'environment', change.environment);
      continue;
    }
    const key = change.type === 'put' ? resourceKey(change.resource.kind, change.resource.metadata.name) : change.key;
    if (seen.has(key)) throw new Error(`one commit changes \`${key}\` twice`);
    seen.add(key);
    const [kind = '', name = ''] = key.split('/', 2);
    const version = versions.get(key);
    if (change.type === 'delete') {
      if (version === undefined) continue;
      await tx.deleteFrom('resource').where('kind', '=', kind).where('name', '=', name).execute();
      history.push({ kind, name, serial, body: null });
      log.push({ key, action: 'delete' });
      continue;
    }
    const row = toRow(change.resource, (version ?? 0) + 1);
    rows.push(row);
    history.push({ kind, name, serial, body: JSON.stringify(row) });
    log.push({ key, action: version === undefined ? 'create' : 'update' });
  }
  for (const part of chunks(rows)) await tx.replaceInto('resource').values(part).execute();
  for (const part of chunks(history)) await tx.insertInto('resource_history').values(part).execute();
  await setMeta(tx, 'serial', String(serial));
  const applyId = journal[0]?.applyId ?? null;
  const begin =
    applyId === null ? undefined : await tx.selectFrom('journal').select('body').where('apply_id', '=', applyId).where('type', '=', 'begin').executeTakeFirst();
  const actor = begin === undefined ? '' : (JSON.parse(begin.body) as Extract<JournalEntry, { type: 'begin' }>).actor;
  await tx
    .insertInto('generation')
    .values({ serial, at: now, actor, apply_id: applyId, changes: JSON.stringify(log) })
    .execute();
  await forgetOldGenerations(tx, serial - KEPT_GENERATIONS);
}

/** What no kept generation can show any more: rows that a later row, itself older than the oldest kept generation, has replaced. */
async function forgetOldGenerations(tx: Transaction<StateTables>, oldest: number): Promise<void> {
  if (oldest < 1) return;
  await tx.deleteFrom('generation').where('serial', '<', oldest).execute();
  await tx
    .deleteFrom('resource_history')
    .where('serial', '<', oldest)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('resource_history as later')
          .select('later.serial')
          .whereRef('later.kind', '=', 'resource_history.kind')
          .whereRef('later.name', '=', 'resource_history.name')
          .whereRef('later.serial', '>', 'resource_history.serial')
          .where('later.serial', '<=', oldest),
      ),
    )
    .execute();
}

async function setMeta(tx: Transaction<StateTables>, name: string, value: string | undefined): Promise<void> {
  await tx.deleteFrom('meta').where('name', '=', name).execute();
  if (value !== undefined) await tx.insertInto('meta').values({ name, value }).execute();
}

async function appendJournal(tx: Transaction<StateTables>, entries: readonly JournalEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const last = await tx.selectFrom('journal').select('digest').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  let digest = last?.digest ?? '';
  const rows = entries.map((entry) => {
    const body = JSON.stringify(entry);
    digest = sha256(`${digest}\n${body}`);
    return { apply_id: entry.applyId, type: entry.type, body, digest };
  });
  for (const part of chunks(rows)) await tx.insertInto('journal').values(part).execute();
}

function chunks<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_PER_STATEMENT) }, (_, index) =>
    rows.slice(index * ROWS_PER_STATEMENT, (index + 1) * ROWS_PER_STATEMENT),
  );
}
