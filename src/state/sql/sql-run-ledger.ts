import type { Transaction } from 'kysely';
import type { RunFile } from '../../model/run.ts';
import { decideClaim } from '../claim-rules.ts';
import { abandonRun, advanceRun, finishRun, newRun, runAgain } from '../run-changes.ts';
import { redactRun } from '../redact-run.ts';
import type { Claim, ClaimOutcome, ClaimRequest, FinishRun, RunFilter, RunLedger, RunRecord } from '../run-ledger.ts';
import { lostClaim } from '../state-errors.ts';
import { inChunks } from './chunks.ts';
import { readAtOnce, writeAtOnce, type Reader, type StateConnection } from './connection.ts';
import { pruneRuns } from './prune-runs.ts';
import { fromRunRow, fromSnapshotRow, toRunRow, toSnapshotRow, type RunRow } from './run-rows.ts';
import type { StateTables } from './tables.ts';

/** The ledger's queries, in no database's dialect. */
export function createSqlRunLedger(connection: StateConnection): RunLedger {
  return {
    claim: (request) => writeAtOnce(connection, (tx) => claimRun(tx, request)),

    advance: (claim, change) => writeAtOnce(connection, async (tx) => void (await changeRun(tx, claim, (run) => advanceRun(run, change)))),

    requestCancel: (runId, request) =>
      writeAtOnce(connection, async (tx) => {
        const changed = await tx
          .updateTable('run')
          .set({ cancel: JSON.stringify(request) })
          .where('id', '=', runId)
          .where('status', '=', 'running')
          .executeTakeFirst();
        return changed.numUpdatedRows > 0n;
      }),

    finish: (claim, end) =>
      writeAtOnce(connection, async (tx) => {
        const run = await changeRun(tx, claim, (before) => finishRun(before, end));
        if (end.snapshot !== undefined) await moveSnapshot(tx, end.snapshot);
        if (end.delivered !== undefined) await recordDelivered(tx, claim.runId, end.delivered);
        return run;
      }),

    async find(filter) {
      const rows = await readAtOnce(connection, (tx) => selectRuns(tx, filter));
      return rows === undefined ? [] : rows.map(fromRunRow);
    },

    async snapshot(activation, segment) {
      const row = await readAtOnce(connection, (tx) =>
        tx.selectFrom('snapshot').selectAll().where('activation', '=', activation).where('segment', '=', segment).executeTakeFirst(),
      );
      return row === undefined ? undefined : fromSnapshotRow(row);
    },

    async delivered(target, paths) {
      if (paths.length === 0) return new Map();
      return (await readAtOnce(connection, (tx) => findDelivered(tx, target, paths))) ?? new Map();
    },

    redact: (values) =>
      writeAtOnce(connection, async (tx) => {
        const rows = await tx
          .selectFrom('run')
          .selectAll()
          .where(({ or, eb }) => or([eb('error', 'is not', null), eb('earlier', 'is not', null)]))
          .execute();
        const naming = rows.flatMap((row) => {
          const run = fromRunRow(row);
          const clean = redactRun(run, values);
          return clean === run ? [] : [{ row, clean }];
        });
        for (const { row, clean } of naming) await saveRun(tx, row, clean);
        return naming.length;
      }),

    prune: (what) => writeAtOnce(connection, (tx) => pruneRuns(tx, what)),

    async [Symbol.asyncDispose]() {},
  };
}

/** Changes the run of a claim that is still the latest one. */
async function changeRun(tx: Transaction<StateTables>, claim: Claim, change: (run: RunRecord) => RunRecord): Promise<RunRecord> {
  const row = await tx
    .selectFrom('run')
    .selectAll()
    .where('id', '=', claim.runId)
    .where('epoch', '=', claim.epoch)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (row === undefined) throw lostClaim(claim.runId);
  return saveRun(tx, row, change(fromRunRow(row)));
}

async function claimRun(tx: Transaction<StateTables>, request: ClaimRequest): Promise<ClaimOutcome> {
  const { slot, runId } = request;
  const ofPair = tx.selectFrom('run').selectAll().where('activation', '=', request.activation).where('segment', '=', request.segment);
  const running = await ofPair.where('status', '=', 'running').execute();
  const known = runId !== undefined ? ofPair.where('id', '=', runId) : slot === null ? undefined : ofPair.where('slot', '=', slot);
  const existing = await known?.executeTakeFirst();
  const decision = decideClaim(request, existing === undefined ? undefined : fromRunRow(existing), running.map(fromRunRow));
  if (!('abandoned' in decision)) return decision;
  for (const run of decision.abandoned) {
    const row = running.find(({ id }) => id === run.id);
    if (row !== undefined) await saveRun(tx, row, abandonRun(run, request.now));
  }
  if (existing !== undefined && decision.outcome === 'again') {
    const epoch = existing.epoch + 1;
    const run = await saveRun(tx, { ...existing, epoch }, runAgain(decision.run, request));
    return { outcome: 'claimed', claim: { runId: run.id, epoch }, run };
  }
  const run = newRun(request);
  await tx.insertInto('run').values(toRunRow(run, 1)).execute();
  return { outcome: 'claimed', claim: { runId: run.id, epoch: 1 }, run };
}

async function saveRun(tx: Transaction<StateTables>, { id, epoch }: RunRow, run: RunRecord): Promise<RunRecord> {
  const { id: _id, ...values } = toRunRow(run, epoch);
  await tx.updateTable('run').set(values).where('id', '=', id).execute();
  return run;
}

async function moveSnapshot(tx: Transaction<StateTables>, pointer: NonNullable<FinishRun['snapshot']>): Promise<void> {
  const row = toSnapshotRow(pointer);
  const { activation: _activation, segment: _segment, ...values } = row;
  await tx
    .insertInto('snapshot')
    .values(row)
    .onConflict((conflict) => conflict.columns(['activation', 'segment']).doUpdateSet(values))
    .execute();
}

async function recordDelivered(tx: Transaction<StateTables>, runId: string, { target, put, removed }: NonNullable<FinishRun['delivered']>): Promise<void> {
  for (const part of inChunks(removed)) await tx.deleteFrom('delivery').where('target', '=', target).where('path', 'in', part).execute();
  // The last of a path counts; one statement may name a row once.
  const rows = [...new Map(put.map(({ path, sha256 }) => [path, { target, path, run_id: runId, sha256 }])).values()];
  for (const part of inChunks(rows)) {
    await tx
      .insertInto('delivery')
      .values(part)
      .onConflict((conflict) =>
        conflict.columns(['target', 'path']).doUpdateSet(({ ref }) => ({ run_id: ref('excluded.run_id'), sha256: ref('excluded.sha256') })),
      )
      .execute();
  }
}

async function findDelivered(
  db: Reader,
  target: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, { readonly runId: string; readonly sha256: string }>> {
  const found = new Map<string, { readonly runId: string; readonly sha256: string }>();
  for (const part of inChunks(paths)) {
    const rows = await db.selectFrom('delivery').selectAll().where('target', '=', target).where('path', 'in', part).execute();
    for (const row of rows) found.set(row.path, { runId: row.run_id, sha256: row.sha256 });
  }
  // A run that was killed between a rename and its record had announced the file.
  const wanted = new Set(paths);
  const unfinished = await db
    .selectFrom('run')
    .select(['id', 'files'])
    .where('target', '=', target)
    .where('status', 'in', ['running', 'failed', 'cancelled', 'held'])
    .where('files', '<>', '[]')
    .orderBy('started_at')
    .execute();
  for (const row of unfinished) {
    for (const { path, sha256 } of JSON.parse(row.files) as RunFile[]) if (wanted.has(path) && !found.has(path)) found.set(path, { runId: row.id, sha256 });
  }
  return found;
}

async function selectRuns(db: Reader, filter: RunFilter): Promise<readonly RunRow[]> {
  let query = db.selectFrom('run').selectAll();
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.activation !== undefined) query = query.where('activation', '=', filter.activation);
  if (filter.segment !== undefined) query = query.where('segment', '=', filter.segment);
  if (filter.slot !== undefined) query = query.where('slot', '=', filter.slot);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  query = query.orderBy('started_at', 'desc').orderBy('id', 'desc');
  return (filter.limit === undefined ? query : query.limit(filter.limit)).execute();
}
