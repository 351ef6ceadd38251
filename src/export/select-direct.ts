import { join } from 'node:path';
import { SCRATCH_FORMAT } from '../engine/file-format.ts';
import { ident, joinSql, sql, type Sql } from '../sql/sql.ts';
import { REASON_DUPLICATE } from './exclusion.ts';
import type { OpenedJob } from './open-job.ts';
import { pickWinners } from './pick-winners.ts';
import type { SegmentJob } from './segment-job.ts';
import { tieOrder } from './select-members.ts';
import { outgoing } from './select-rows.ts';
import { textOf } from './output-columns.ts';

/** What an export now needs to know before its one scan; there is no snapshot to compare with and none to make. */
export interface DirectSelection {
  /** `id` of who lost a deduplication, where they are few. */
  readonly losers: Sql | undefined;
  /** `id` of who won it, where losers are many. */
  readonly winners: Sql | undefined;
  /** Undefined: nobody is left out, and the rows that are written are the count. */
  readonly counts: { readonly received: number; readonly activated: number; readonly reasons: Readonly<Record<string, number>> } | undefined;
}

/** From this share of rows with a key that others have too, ranking all rows beats finding those first. */
const MANY_DUPLICATES = 0.25;

/** Counts what will be left out and finds a deduplication's losers, from the columns that decide alone. */
export async function selectDirect(job: SegmentJob, opened: OpenedJob, folder: string, signal: AbortSignal | undefined): Promise<DirectSelection> {
  const { engine, exclusions, keys, columns } = opened;
  const { audience, calculated } = job;
  if (exclusions.reasons.length === 0 && keys.length === 0) return { losers: undefined, winners: undefined, counts: undefined };

  const reasons: Record<string, number> = {};
  let received = 0;
  if (exclusions.reasons.length > 0) {
    const counted = await engine.rows(
      sql`${audience.with}select ${exclusions.reason} as "reason", count(*) as "n" from ${audience.from}${calculated} where ${exclusions.candidates} group by 1`,
      signal,
    );
    const byReason = new Map(counted.map((row) => [row['reason'], Number(row['n'])]));
    for (const { reason } of exclusions.reasons) if (byReason.has(reason)) reasons[reason] = byReason.get(reason) ?? 0;
    for (const count of byReason.values()) received += count;
  }
  const excluded = (): number => Object.values(reasons).reduce((sum, some) => sum + some, 0);
  if (keys.length === 0) return { losers: undefined, winners: undefined, counts: { received, activated: received - excluded(), reasons } };

  const where = outgoing({ audience, exclusions });
  const names = keys.map((_key, index) => ident(`k${index}`));
  const values = keys.map((key, index) => sql`${textOf(key)} as ${ident(`k${index}`)}`);
  const listed = joinSql(
    names.map((name) => sql`${name}`),
    ', ',
  );
  const grouped = sql`select ${listed}, count(*) as "n" from (${audience.with}select ${joinSql(values, ', ')} from ${audience.from}${calculated} where ${where}) group by ${listed}`;
  const [row] = await engine.rows(
    sql`select count(*) as "keys", coalesce(sum("n"), 0) as "rows", coalesce(sum("n") filter (where "n" > 1), 0) as "shared" from (${grouped})`,
    signal,
  );
  const [different, rows, shared] = [Number(row?.['keys'] ?? 0), Number(row?.['rows'] ?? 0), Number(row?.['shared'] ?? 0)];
  if (exclusions.reasons.length === 0) received = rows;
  if (rows > different) reasons[REASON_DUPLICATE] = rows - different;
  const counts = { received, activated: received - excluded(), reasons };
  if (shared === 0) return { losers: undefined, winners: undefined, counts };

  const write = async (query: Sql, name: string): Promise<Sql> => {
    const path = join(folder, name);
    await engine.write({ query, path, format: SCRATCH_FORMAT, ...(signal === undefined ? {} : { signal }) });
    return engine.files([path]);
  };
  const order = [...tieOrder(columns), sql`p."#key"`];
  if (shared > rows * MANY_DUPLICATES) {
    const [first = sql`p."#key"`, ...rest] = order;
    const competitors = sql`${audience.with}select p."#key" as "id", ${joinSql(values, ', ')}, ${first} as "lead" from ${audience.from}${calculated} where ${where}`;
    const winners = await pickWinners({
      engine,
      write,
      name: 'winners',
      competitors,
      keys: keys.length,
      lead: [sql`"lead"`],
      rest,
      calculated,
      by: 'key',
      signal,
    });
    return { losers: undefined, winners, counts };
  }
  const rank = sql`row_number() over (partition by ${joinSql(keys.map(textOf), ', ')} order by ${joinSql(order, ', ')})`;
  const same = joinSql(
    keys.map((key, index) => sql`${textOf(key)} = d.${ident(`k${index}`)}`),
    ' and ',
  );
  const twice = sql`select ${listed} from (${grouped}) where "n" > 1`;
  const ranked = sql`${audience.with}select p."#key" as "id", ${rank} as "rank" from ${audience.from}${calculated} join (${twice}) d on ${same} where ${where}`;
  return { losers: await write(sql`select "id" from (${ranked}) where "rank" > 1`, 'losers.parquet'), winners: undefined, counts };
}
