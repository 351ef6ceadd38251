import type { Transaction } from 'kysely';
import type { RunLedger } from '../run-ledger.ts';
import { inChunks } from './chunks.ts';
import type { StateTables } from './tables.ts';

type Pruned = Awaited<ReturnType<RunLedger['prune']>>;

/** Drops pointers and old records, as the port says. */
export async function pruneRuns(
  tx: Transaction<StateTables>,
  { activation, segments, before, keep = new Set(), dryRun = false }: Parameters<RunLedger['prune']>[0],
): Promise<Pruned> {
  const snapshots = activation === undefined ? [] : await dropPointers(tx, activation, segments, dryRun);
  const dropped = before === undefined ? { spools: [], runs: 0 } : await dropRuns(tx, before, keep, dryRun);
  return { snapshots, ...dropped };
}

async function dropPointers(
  tx: Transaction<StateTables>,
  activation: string,
  segments: readonly string[] | undefined,
  dryRun: boolean,
): Promise<readonly string[]> {
  const rows = await tx.selectFrom('snapshot').select(['segment', 'path']).where('activation', '=', activation).orderBy('segment').execute();
  const dropped = rows.filter(({ segment }) => segments === undefined || segments.includes(segment));
  for (const part of dryRun ? [] : inChunks(dropped.map(({ segment }) => segment)))
    await tx.deleteFrom('snapshot').where('activation', '=', activation).where('segment', 'in', part).execute();
  return dropped.map(({ path }) => path);
}

async function dropRuns(tx: Transaction<StateTables>, before: number, keep: ReadonlySet<string>, dryRun: boolean): Promise<Pick<Pruned, 'spools' | 'runs'>> {
  const forgettable = await tx
    .selectFrom('run')
    .select(['id', 'work'])
    .where('status', '<>', 'running')
    .where('ended_at', '<', before)
    .where('id', 'not in', tx.selectFrom('snapshot').select('run_id'))
    // The newest success of a pair says which slots are decided.
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('status', '<>', 'success'),
        eb('slot', 'is', null),
        exists(
          selectFrom('run as later')
            .select('later.id')
            .whereRef('later.activation', '=', 'run.activation')
            .whereRef('later.segment', '=', 'run.segment')
            .where('later.status', '=', 'success')
            .whereRef('later.slot', '>', 'run.slot'),
        ),
      ]),
    )
    .orderBy('started_at')
    .orderBy('id')
    .execute();
  const old = forgettable.filter(({ id }) => !keep.has(id));
  for (const part of dryRun ? [] : inChunks(old.map(({ id }) => id))) await tx.deleteFrom('run').where('id', 'in', part).execute();
  const spools = old.flatMap(({ work }) => {
    const { spool } = JSON.parse(work) as { spool?: unknown };
    return typeof spool === 'string' ? [spool] : [];
  });
  return { spools, runs: old.length };
}
