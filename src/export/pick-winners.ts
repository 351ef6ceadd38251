import type { Engine } from '../engine/engine.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import { profileKey, type RowKey } from './row-key.ts';

export interface PickWinnersRequest {
  readonly engine: Engine;
  /** Writes a query to a file of that name in the spool; gives the relation that reads it. */
  readonly write: (query: Sql, name: string) => Promise<Sql>;
  /** Starts the files' names. */
  readonly name: string;
  /** Who competes: `id`, the key's parts as text `k0` …, the values of `order` as `o0` …, and what `ahead` names. No NULL among the keys. */
  readonly competitors: Sql;
  readonly keys: number;
  /** What decides before all else, over `competitors`. */
  readonly ahead: readonly Sql[];
  /** What decides then, over `profile p`, one after the other; at last the id does. */
  readonly order: readonly Sql[];
  /** What `order` joins to `profile p`. */
  readonly calculated: Sql;
  readonly by: RowKey;
  readonly signal: AbortSignal | undefined;
}

const SAMPLE_ROWS = 20_000;
const MOST_COLUMNS = 4;
const NEARLY_ALL = 0.9;

/**
 * The first of each key: a relation with the winners' `id`. All columns of all rows in one window is what a query by hand would sort; here rows are
 * ranked by the first columns alone, which decide nearly always, and only those that are equal in them are looked at as a whole.
 */
export async function pickWinners(request: PickWinnersRequest): Promise<Sql> {
  const { engine, write, name, competitors, keys, ahead, order, calculated, by, signal } = request;
  const names = Array.from({ length: keys }, (_, index) => ident(`k${index}`));
  const listed = joinSql(names, ', ');
  const depth = await decidingColumns(request);
  const lead = [...ahead, ...order.slice(0, depth).map((_value, index) => sql`${ident(`o${index}`)}`), ...(order.length === 0 ? [sql`"id"`] : [])];
  const rankedFirst = sql`select "id", ${listed}, rank() over (partition by ${listed} order by ${joinSql(lead, ', ')}) as "rank" from (${competitors})`;
  const first = await write(sql`select "id", ${listed} from (${rankedFirst}) where "rank" = 1`, `${name}-first.parquet`);
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
  const rest: readonly Exclude<SqlPart, string>[] = [...order.slice(depth), sql`c."id"`];
  const ranked = sql`select c."id" as "id", row_number() over (partition by ${partition} order by ${joinSql(rest, ', ')}) as "rank" from ${first} c join (${equal}) d on ${same} join profile p on ${profileKey(by)} = c."id"${calculated}`;
  const alone = sql`select c."id" from ${first} c anti join (${equal}) d on ${same}`;
  return write(sql`${alone} union all select "id" from (${ranked}) where "rank" = 1`, `${name}.parquet`);
}

/** How many of the first columns tell nearly all rows apart, as a sample has it. Whatever it says, the winners are the same. */
async function decidingColumns({ engine, order, calculated, signal }: PickWinnersRequest): Promise<number> {
  const asked = order.slice(0, MOST_COLUMNS);
  // What is computed of events is not worth computing for a guess.
  if (asked.length < 2 || calculated.parts.length > 0) return Math.min(1, asked.length);
  const values = asked.map((value, index) => sql`${value} as ${ident(`o${index}`)}`);
  const counts = asked.map((_value, index) => {
    const first = asked.slice(0, index + 1).map((_one, at) => ident(`o${at}`));
    return sql`count(distinct row(${joinSql(first, ', ')})) as ${ident(`d${index}`)}`;
  });
  const [row] = await engine.rows(
    sql`select ${joinSql(counts, ', ')} from (select ${joinSql(values, ', ')} from profile p limit ${literal(SAMPLE_ROWS)})`,
    signal,
  );
  const different = asked.map((_value, index) => Number(row?.[`d${index}`] ?? 0));
  const enough = Math.max(...different) * NEARLY_ALL;
  return different.findIndex((some) => some >= enough) + 1;
}
