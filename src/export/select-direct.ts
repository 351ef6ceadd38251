import { join } from 'node:path';
import { SCRATCH_FORMAT } from '../engine/file-format.ts';
import { ident, joinSql, sql, type Sql } from '../sql/sql.ts';
import { REASON_DUPLICATE } from './exclusion.ts';
import type { OpenedJob } from './open-job.ts';
import { hashParts } from './hash-parts.ts';
import { pickWinners } from './pick-winners.ts';
import type { SegmentJob } from './segment-job.ts';
import { losersQuery, tieOrder } from './select-members.ts';
import { outgoing } from './select-rows.ts';
import { comparedKey, textOf } from './output-columns.ts';

/** What an export now needs to know before its one scan; there is no snapshot to compare with and none to make. */
export interface DirectSelection {
  /** `id` of who lost a deduplication, where they are few. */
  readonly losers: Sql | undefined;
  /** `id` of who won it, where losers are many. */
  readonly winners: Sql | undefined;
  /** Undefined: nobody is left out, and the rows that are written are the count. */
  readonly counts: { readonly received: number; readonly activated: number; readonly reasons: Readonly<Record<string, number>> } | undefined;
}

export interface DirectRequest {
  readonly job: SegmentJob;
  readonly opened: OpenedJob;
  /** Absolute folder of the spool. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly rowsPerPart: number | undefined;
  readonly crashPoint: (name: string) => void;
}

/** From this share of rows with a key that others have too, ranking all rows beats finding those first. */
const MANY_DUPLICATES = 0.25;

/** Counts what will be left out and finds a deduplication's losers, from the columns that decide alone. */
export async function selectDirect({ job, opened, folder, signal, rowsPerPart, crashPoint }: DirectRequest): Promise<DirectSelection> {
  const { engine, exclusions, keys, columns } = opened;
  const { audience, calculated } = job;
  if (exclusions.reasons.length === 0 && keys.length === 0) return { losers: undefined, winners: undefined, counts: undefined };

  const reasons: Record<string, number> = {};
  const counted = await engine.rows(
    sql`${audience.with}select ${exclusions.reason} as "reason", count(*) as "n" from ${audience.from}${calculated} where ${exclusions.candidates} group by 1`,
    signal,
  );
  const byReason = new Map(counted.map((row) => [row['reason'], Number(row['n'])]));
  for (const { reason } of exclusions.reasons) if (byReason.has(reason)) reasons[reason] = byReason.get(reason) ?? 0;
  const received = [...byReason.values()].reduce((sum, some) => sum + some, 0);
  const passed = byReason.get(null) ?? 0;
  if (keys.length === 0) return { losers: undefined, winners: undefined, counts: { received, activated: passed, reasons } };

  const write = async (query: Sql, name: string): Promise<Sql> => {
    const path = join(folder, name);
    await engine.write({ query, path, format: SCRATCH_FORMAT, ...(signal === undefined ? {} : { signal }) });
    return engine.files([path]);
  };
  const where = outgoing({ audience, exclusions });
  const names = keys.map((_key, index) => ident(`k${index}`));
  const values = joinSql(
    keys.map((key, index) => sql`${comparedKey(key, textOf(key))} as ${ident(`k${index}`)}`),
    ', ',
  );
  const listed = joinSql(names, ', ');
  const parts = hashParts(passed, names, rowsPerPart);
  const keysOf = sql`${audience.with}select ${values} from ${audience.from}${calculated} where ${where}`;
  const twiceOf = await eachInTurn(parts, (part, index) =>
    write(sql`select ${listed}, count(*) as "n" from (${keysOf}) where ${part} group by ${listed} having count(*) > 1`, `shared-${index}.parquet`),
  );
  const twice = allOf(twiceOf);
  const [row] = await engine.rows(sql`select coalesce(sum("n"), 0) as "rows", count(*) as "keys" from ${twice}`, signal);
  const [shared, sharedKeys] = [Number(row?.['rows'] ?? 0), Number(row?.['keys'] ?? 0)];
  const lost = shared - sharedKeys;
  if (lost > 0) reasons[REASON_DUPLICATE] = lost;
  const counts = { received, activated: passed - lost, reasons };
  if (lost === 0) return { losers: undefined, winners: undefined, counts };

  const order = tieOrder(columns);
  const ordered = order.map((value, index) => sql`, ${value} as ${ident(`o${index}`)}`);
  const everybody = sql`${audience.with}select p."#key" as "id", ${values}${joinSql(ordered, ' ')} from ${audience.from}${calculated} where ${where}`;
  const same = joinSql(
    names.map((name) => sql`c.${name} = d.${name}`),
    ' and ',
  );
  const many = shared > passed * MANY_DUPLICATES;
  const rounds = await eachInTurn(parts, async (part, index) => {
    const all = sql`select * from (${everybody}) where ${part}`;
    const competitors = many ? all : sql`select c.* from (${all}) c join ${twiceOf[index] ?? twice} d on ${same}`;
    const request = { engine, write, name: `winners-${index}`, keys: keys.length, ahead: [], order, calculated, by: 'key', signal } as const;
    const winners = await pickWinners({ ...request, competitors });
    const round = many ? winners : await write(losersQuery(competitors, winners), `losers-${index}.parquet`);
    crashPoint(`selected-part-${index + 1}`);
    return round;
  });
  return { losers: many ? undefined : allOf(rounds), winners: many ? allOf(rounds) : undefined, counts };
}

async function eachInTurn<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}

function allOf(relations: readonly Sql[]): Sql {
  return sql`(${joinSql(
    relations.map((relation) => sql`select * from ${relation}`),
    ' union all ',
  )})`;
}
