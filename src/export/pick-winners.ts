import type { Engine } from '../engine/engine.ts';
import { ident, joinSql, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import { profileKey, type RowKey } from './row-key.ts';

export interface PickWinnersRequest {
  readonly engine: Engine;
  /** Writes a query to a file of that name in the spool; gives the relation that reads it. */
  readonly write: (query: Sql, name: string) => Promise<Sql>;
  /** Starts the files' names. */
  readonly name: string;
  /** Who competes: `id`, the key's parts as text `k0` …, and what `lead` orders by. No NULL among the keys. */
  readonly competitors: Sql;
  readonly keys: number;
  /** What decides nearly always, over `competitors`. */
  readonly lead: readonly Sql[];
  /** What decides where that is equal, over `profile p`; at last the id does. */
  readonly rest: readonly Sql[];
  /** What `rest` joins to `profile p`. */
  readonly calculated: Sql;
  readonly by: RowKey;
  readonly signal: AbortSignal | undefined;
}

/**
 * The first of each key in the order of `lead` and `rest`: a relation with the winners' `id`. All columns of all rows in one window is what a query by
 * hand would sort; here rows are ranked by the first deciding column alone, and only those that are equal in it are looked at as a whole.
 */
export async function pickWinners(request: PickWinnersRequest): Promise<Sql> {
  const { engine, write, name, competitors, keys, lead, rest, calculated, by, signal } = request;
  const names = Array.from({ length: keys }, (_, index) => ident(`k${index}`));
  const listed = joinSql(names, ', ');
  const ahead = sql`select "id", ${listed}, rank() over (partition by ${listed} order by ${joinSql(lead, ', ')}) as "rank" from (${competitors})`;
  const first = await write(sql`select "id", ${listed} from (${ahead}) where "rank" = 1`, `${name}-first.parquet`);
  const [row] = await engine.rows(
    sql`select (select count(*) from ${first}) as "rows", (select count(*) from (select distinct ${listed} from ${first})) as "keys"`,
    signal,
  );
  if (Number(row?.['rows'] ?? 0) === Number(row?.['keys'] ?? 0)) return sql`(select "id" from ${first})`;

  const equal = sql`select ${listed} from ${first} group by ${listed} having count(*) > 1`;
  const same = joinSql(
    names.map((key) => sql`c.${key} = d.${key}`),
    ' and ',
  );
  const partition = joinSql(
    names.map((key) => sql`c.${key}`),
    ', ',
  );
  const order: readonly Exclude<SqlPart, string>[] = [...rest, sql`c."id"`];
  const ranked = sql`select c."id" as "id", row_number() over (partition by ${partition} order by ${joinSql(order, ', ')}) as "rank" from ${first} c join (${equal}) d on ${same} join profile p on ${profileKey(by)} = c."id"${calculated}`;
  const alone = sql`select c."id" from ${first} c anti join (${equal}) d on ${same}`;
  return write(sql`${alone} union all select "id" from (${ranked}) where "rank" = 1`, `${name}.parquet`);
}
