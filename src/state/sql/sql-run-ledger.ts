import type { Kysely, Selectable, Transaction } from 'kysely';
import { AppError } from '../../model/app-error.ts';
import type { Run, RunFile } from '../../model/run.ts';
import { mayBeAlive, type Owner } from '../owner.ts';
import type { Claim, ClaimOutcome, ClaimRequest, RunFilter, RunLedger, RunRecord, SnapshotPointer } from '../run-ledger.ts';
import type { StateConnection } from './connection.ts';
import type { StateTables } from './tables.ts';

type RunRow = Selectable<StateTables['run']>;
const PATHS_PER_STATEMENT = 500;
const NO_COUNTS = JSON.stringify({ received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} });

/** The ledger's queries, in no database's dialect. */
export function createSqlRunLedger(connection: StateConnection): RunLedger {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw connection.translate(error);
    }
  };

  return {
    claim: (request) =>
      guarded(async () => {
        const db = await connection.write();
        return db.transaction().execute((tx) => claimRun(tx, request));
      }),

    advance: (claim, change) =>
      guarded(async () => {
        const db = await connection.write();
        const { numUpdatedRows } = await db
          .updateTable('run')
          .set({
            heartbeat_at: change.now,
            ...(change.step === undefined ? {} : { step: change.step }),
            ...(change.work === undefined ? {} : { work: JSON.stringify(change.work) }),
            ...(change.counts === undefined ? {} : { counts: JSON.stringify(change.counts) }),
            ...(change.files === undefined ? {} : { files: JSON.stringify(change.files) }),
          })
          .where('id', '=', claim.runId)
          .where('epoch', '=', claim.epoch)
          .where('status', '=', 'running')
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw lostClaim(claim);
      }),

    finish: (claim, end) =>
      guarded(async () => {
        const db = await connection.write();
        return db.transaction().execute(async (tx) => {
          const { numUpdatedRows } = await tx
            .updateTable('run')
            .set({
              status: end.status,
              ...(end.status === 'success' ? { step: 'recorded' } : {}),
              counts: JSON.stringify(end.counts),
              files: JSON.stringify(end.files),
              import: end.import === undefined ? null : JSON.stringify(end.import),
              error: end.error === undefined ? null : JSON.stringify(end.error),
              ended_at: end.endedAt,
              work: JSON.stringify(end.work),
              owner: null,
              heartbeat_at: end.endedAt,
            })
            .where('id', '=', claim.runId)
            .where('epoch', '=', claim.epoch)
            .where('status', '=', 'running')
            .executeTakeFirst();
          if (numUpdatedRows === 0n) throw lostClaim(claim);
          if (end.snapshot !== undefined) await tx.replaceInto('snapshot').values(toSnapshotRow(end.snapshot)).execute();
          if (end.delivered !== undefined) await recordDelivered(tx, claim.runId, end.delivered);
          return fromRow(await tx.selectFrom('run').selectAll().where('id', '=', claim.runId).executeTakeFirstOrThrow());
        });
      }),

    find: (filter) =>
      guarded(async () => {
        const db = await connection.read();
        return db === undefined ? [] : (await selectRuns(db, filter)).map(fromRow);
      }),

    snapshot: (activation, segment) =>
      guarded(async () => {
        const db = await connection.read();
        const row = await db?.selectFrom('snapshot').selectAll().where('activation', '=', activation).where('segment', '=', segment).executeTakeFirst();
        return row === undefined ? undefined : fromSnapshotRow(row);
      }),

    delivered: (target, paths) =>
      guarded(async () => {
        const found = new Map<string, { readonly runId: string; readonly sha256: string }>();
        const db = await connection.read();
        if (db === undefined || paths.length === 0) return found;
        for (let at = 0; at < paths.length; at += PATHS_PER_STATEMENT) {
          const part = paths.slice(at, at + PATHS_PER_STATEMENT);
          const rows = await db.selectFrom('delivery').selectAll().where('target', '=', target).where('path', 'in', part).execute();
          for (const row of rows) found.set(row.path, { runId: row.run_id, sha256: row.sha256 });
        }
        // A run that was killed between a rename and its record had announced the file.
        const wanted = new Set(paths);
        const unfinished = await db
          .selectFrom('run')
          .select(['id', 'files', 'work'])
          .where('status', 'in', ['running', 'failed', 'cancelled'])
          .where('files', '<>', '[]')
          .execute();
        for (const row of unfinished) {
          if ((JSON.parse(row.work) as { target?: unknown }).target !== target) continue;
          for (const { path, sha256 } of JSON.parse(row.files) as RunFile[])
            if (wanted.has(path) && !found.has(path)) found.set(path, { runId: row.id, sha256 });
        }
        return found;
      }),

    prune: (what) =>
      guarded(async () => {
        const db = await connection.write();
        return db.transaction().execute((tx) => prune(tx, what));
      }),

    async [Symbol.asyncDispose]() {},
  };
}

async function claimRun(tx: Transaction<StateTables>, request: ClaimRequest): Promise<ClaimOutcome> {
  const { activation, segment, slot, now } = request;
  const pair = await tx
    .selectFrom('run')
    .selectAll()
    .where('activation', '=', activation)
    .where('segment', '=', segment)
    .where('status', '=', 'running')
    .execute();
  const existing =
    slot === null
      ? undefined
      : await tx.selectFrom('run').selectAll().where('activation', '=', activation).where('segment', '=', segment).where('slot', '=', slot).executeTakeFirst();
  if (existing?.status === 'success') return { outcome: 'done', run: fromRow(existing) };
  for (const other of pair) {
    if (isAtWork(other, request)) return { outcome: 'busy', run: fromRow(other) };
    // An export now that was killed is nobody's to continue; a slot's is taken up again with its slot.
    if (other.slot === null) {
      const error = { code: 'RC4007', message: 'the process that ran it ended before the run did', hint: 'start it again' };
      await tx
        .updateTable('run')
        .set({ status: 'failed', owner: null, ended_at: now, error: JSON.stringify(error) })
        .where('id', '=', other.id)
        .execute();
    }
  }
  const owner = JSON.stringify(request.owner);
  if (existing !== undefined) {
    const epoch = existing.epoch + 1;
    await tx
      .updateTable('run')
      .set({ status: 'running', owner, epoch, attempt: existing.attempt + 1, started_at: now, ended_at: null, heartbeat_at: now, error: null })
      .where('id', '=', existing.id)
      .execute();
    const run = await tx.selectFrom('run').selectAll().where('id', '=', existing.id).executeTakeFirstOrThrow();
    return { outcome: 'claimed', claim: { runId: existing.id, epoch }, run: fromRow(run) };
  }
  const row: StateTables['run'] = {
    id: request.newId,
    activation,
    segment,
    slot,
    mode: request.mode,
    status: 'running',
    step: 'claimed',
    attempt: 1,
    epoch: 1,
    counts: NO_COUNTS,
    files: '[]',
    import: null,
    started_at: now,
    ended_at: null,
    error: null,
    work: '{}',
    owner,
    heartbeat_at: now,
  };
  await tx.insertInto('run').values(row).execute();
  return { outcome: 'claimed', claim: { runId: row.id, epoch: 1 }, run: fromRow(row) };
}

function isAtWork(row: RunRow, { now, staleAfterMs, owner: asking }: ClaimRequest): boolean {
  if (row.owner === null) return false;
  const owner = JSON.parse(row.owner) as Owner;
  return mayBeAlive(owner) && (owner.host === asking.host || now - row.heartbeat_at < staleAfterMs);
}

async function recordDelivered(
  tx: Transaction<StateTables>,
  runId: string,
  delivered: { readonly target: string; readonly put: readonly RunFile[]; readonly removed: readonly string[] },
): Promise<void> {
  const { target } = delivered;
  for (const path of delivered.removed) await tx.deleteFrom('delivery').where('target', '=', target).where('path', '=', path).execute();
  for (const { path, sha256 } of delivered.put) await tx.replaceInto('delivery').values({ target, path, run_id: runId, sha256 }).execute();
}

function selectRuns(db: Kysely<StateTables>, filter: RunFilter): Promise<RunRow[]> {
  let query = db.selectFrom('run').selectAll();
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.activation !== undefined) query = query.where('activation', '=', filter.activation);
  if (filter.segment !== undefined) query = query.where('segment', '=', filter.segment);
  if (filter.slot !== undefined) query = query.where('slot', '=', filter.slot);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  query = query.orderBy('started_at', 'desc').orderBy('id', 'desc');
  return (filter.limit === undefined ? query : query.limit(filter.limit)).execute();
}

async function prune(
  tx: Transaction<StateTables>,
  { activation, segments, before }: { readonly activation?: string; readonly segments?: readonly string[]; readonly before?: number },
): Promise<{ readonly snapshots: readonly string[]; readonly spools: readonly string[] }> {
  const snapshots: string[] = [];
  const spools: string[] = [];
  if (activation !== undefined) {
    let dropped = tx.selectFrom('snapshot').selectAll().where('activation', '=', activation);
    if (segments !== undefined) dropped = dropped.where('segment', 'in', [...segments]);
    for (const row of await dropped.execute()) {
      snapshots.push(row.path);
      await tx.deleteFrom('snapshot').where('activation', '=', row.activation).where('segment', '=', row.segment).execute();
    }
  }
  if (before !== undefined) {
    const old = await tx
      .selectFrom('run')
      .select(['id', 'work'])
      .where('status', '<>', 'running')
      .where('ended_at', '<', before)
      .where('id', 'not in', tx.selectFrom('snapshot').select('run_id'))
      .execute();
    for (const { id, work } of old) {
      const { spool } = JSON.parse(work) as { spool?: unknown };
      if (typeof spool === 'string') spools.push(spool);
      await tx.deleteFrom('run').where('id', '=', id).execute();
    }
  }
  return { snapshots, spools };
}

function fromRow(row: RunRow): RunRecord {
  return {
    id: row.id,
    activation: row.activation,
    segment: row.segment,
    slot: row.slot,
    mode: row.mode as RunRecord['mode'],
    status: row.status as RunRecord['status'],
    step: row.step as RunRecord['step'],
    attempt: row.attempt,
    counts: JSON.parse(row.counts) as RunRecord['counts'],
    files: JSON.parse(row.files) as readonly RunFile[],
    ...(row.import === null ? {} : { import: JSON.parse(row.import) as NonNullable<Run['import']> }),
    startedAt: row.started_at,
    endedAt: row.ended_at,
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as NonNullable<Run['error']> }),
    work: JSON.parse(row.work) as RunRecord['work'],
    owner: row.owner === null ? null : (JSON.parse(row.owner) as Owner),
    heartbeatAt: row.heartbeat_at,
  };
}

function toSnapshotRow(pointer: SnapshotPointer): StateTables['snapshot'] {
  const { runId, keys, ...rest } = pointer;
  return { ...rest, run_id: runId, keys: JSON.stringify(keys) };
}

function fromSnapshotRow({ run_id: runId, keys, ...rest }: Selectable<StateTables['snapshot']>): SnapshotPointer {
  return { ...rest, runId, keys: JSON.parse(keys) as readonly string[] };
}

function lostClaim({ runId }: Claim): AppError {
  return new AppError({
    code: 'RC4006',
    message: `another process has taken over the run \`${runId}\``,
    hint: `nothing more was written by this one; look with \`reconcile runs show ${runId}\``,
  });
}
