import type { Diagnostic } from '../../model/diagnostic.ts';
import { digestOf } from '../../support/digest.ts';
import { mayBeAlive } from '../owner.ts';
import type { StateReport } from '../opened-state.ts';
import { readAtOnce, type Reader, type StateConnection } from './connection.ts';
import { brokenEntries, unfinishedEntries } from './journal.ts';
import { readResources } from './resource-rows.ts';
import { fromRunRow, fromSnapshotRow } from './run-rows.ts';

type Rows = Omit<StateReport, 'exists' | 'format'>;

/** Reads everything at one instant and checks it against what must hold; undefined when there is no database. */
export function inspectRows(connection: StateConnection): Promise<Rows | undefined> {
  return readAtOnce(connection, async (tx) => {
    const count = async (table: 'resource' | 'generation' | 'run' | 'journal'): Promise<number> =>
      Number(
        (
          await tx
            .selectFrom(table)
            .select(({ fn }) => fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      );
    const problems = [...(await checkResources(tx, connection.place)), ...(await checkJournal(tx)), ...(await checkLease(tx)), ...(await checkRuns(tx))];
    return {
      resources: await count('resource'),
      generations: await count('generation'),
      runs: await count('run'),
      journalEntries: await count('journal'),
      snapshots: (await tx.selectFrom('snapshot').selectAll().execute()).map(fromSnapshotRow),
      problems,
    };
  });
}

async function checkResources(tx: Reader, place: string): Promise<readonly Diagnostic[]> {
  const problems: Diagnostic[] = [];
  for (const [key, resource] of await readResources(tx, place)) {
    let whole = false;
    try {
      whole = digestOf({ metadata: resource.metadata, spec: resource.spec }) === resource.digest;
    } catch {
      whole = false;
    }
    if (whole) continue;
    problems.push({
      code: 'RC3031',
      severity: 'error',
      message: `what is recorded for \`${key}\` is not what was applied: its digest differs`,
      hint: `\`reconcile state history\` lists earlier generations; \`reconcile apply\` of the manifest writes it anew`,
    });
  }
  return problems;
}

async function checkJournal(tx: Reader): Promise<readonly Diagnostic[]> {
  const broken = await brokenEntries(tx);
  const problems: Diagnostic[] =
    broken.length === 0
      ? []
      : [
          {
            code: 'RC3032',
            severity: 'error',
            message: `the journal was changed: ${broken.length} of its entries, the first with number ${broken[0] ?? 0}, do not follow from the one before`,
            hint: 'compare with a backup; applying goes on as before',
          },
        ];
  const unfinished = (await unfinishedEntries(tx)).filter(({ type }) => type === 'begin');
  for (const { applyId, at } of unfinished) {
    problems.push({
      code: 'RC3033',
      severity: 'warning',
      message: `the apply \`${applyId}\` of ${new Date(at).toISOString()} began and did not end`,
      hint: 'when no apply is running, `reconcile apply` finishes it',
    });
  }
  return problems;
}

async function checkLease(tx: Reader): Promise<readonly Diagnostic[]> {
  const row = await tx.selectFrom('lease').selectAll().where('owner', 'is not', null).executeTakeFirst();
  if (row?.owner === undefined || row.owner === null) return [];
  const owner = JSON.parse(row.owner) as Parameters<typeof mayBeAlive>[0];
  if (mayBeAlive(owner)) return [];
  return [
    {
      code: 'RC3034',
      severity: 'warning',
      message: `the lock is still in the name of process ${owner.pid} on ${owner.host} (${row.purpose}), which is dead`,
      hint: 'the next apply takes it over by itself',
    },
  ];
}

async function checkRuns(tx: Reader): Promise<readonly Diagnostic[]> {
  const running = (await tx.selectFrom('run').selectAll().where('status', '=', 'running').orderBy('started_at').execute()).map(fromRunRow);
  return running
    .filter(({ owner }) => owner === null || !mayBeAlive(owner))
    .map((run) => ({
      code: 'RC3035',
      severity: 'warning' as const,
      message: `the run \`${run.id}\` of ${run.activation}, ${run.segment} was interrupted at the step ${run.step}`,
      // By its id: the slot may be off the grid of the activation's other segments, or on none.
      hint: `${run.slot === null ? 'export again' : 'it goes on with'}:  reconcile runs retry ${run.id}`,
    }));
}
