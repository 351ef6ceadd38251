import { ident, joinSql, literal, noSql, sql, type Sql } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import type { Exclusions } from './exclusion.ts';
import { carriedText, comparedKey, textOf, type OutputColumn } from './output-columns.ts';
import { keyAsText, profileKey, type RowKey } from './row-key.ts';
import { columnsAfter, without } from './select-rows.ts';
import { REASON_FORGOTTEN } from './suppression.ts';

/** What a selection is made of, for one segment. */
export interface SelectionInput {
  readonly audience: Audience;
  readonly exclusions: Exclusions;
  /** What expressions join to `profile p`. */
  readonly calculated: Sql;
  readonly carried: readonly OutputColumn[];
  /** The slot's time in milliseconds: since when joiners are members. */
  readonly since: number;
  readonly by: RowKey;
  /** The members delivered before, and which carried columns that file has; undefined on the first run. */
  readonly snapshot: { readonly relation: Sql; readonly columns: readonly string[] } | undefined;
  /** Leave out whoever was delivered and goes out still: most rows of most slots, and nothing is due for them. */
  readonly differencesOnly: boolean;
}

/**
 * The selection: one row per profile that is a member or was delivered before, or only those for whom something differs.
 *
 * `id` the row's key (see `row-key.ts`) · `present` is a member now · `delivered` was delivered before, NULL for a member of whom nobody knows · `since` first slot as a member, milliseconds · `reason` why it is left out,
 * NULL when it is not · `n_<name>` carried values now · `s_<name>` carried values of the snapshot.
 */
export function selectionQuery(input: SelectionInput): Sql {
  const { audience, exclusions, calculated, carried, since, snapshot, by, differencesOnly } = input;
  const now = carried.map((column) => sql`${textOf(column)} as ${ident(`n_${column.carriedAs}`)}`);
  const members = sql`select ${joinSql([sql`${profileKey(by)} as "id"`, sql`${exclusions.reason} as "reason"`, ...now], ', ')} from ${audience.from}${calculated} where ${exclusions.candidates}`;
  if (snapshot === undefined) {
    const never = columnsAfter(carried.map((column) => sql`cast(null as varchar) as ${ident(`s_${column.carriedAs}`)}`));
    return sql`${audience.with}select m.*, true as "present", false as "delivered", cast(${literal(since)} as bigint) as "since"${never} from (${members}) m`;
  }
  const before = by === 'key' ? sql`s."id"` : keyAsText(sql`s."id"`);
  const parts = [
    sql`coalesce(m."id", ${before}) as "id"`,
    sql`m."reason" as "reason"`,
    sql`coalesce(m."present", false) as "present"`,
    // Nobody knows of whom a file without an end was read: who is no member leaves, in any case.
    sql`case when s."id" is null then false when m."present" then s."delivered" else coalesce(s."delivered", true) end as "delivered"`,
    sql`coalesce(s."since", cast(${literal(since)} as bigint)) as "since"`,
    ...carried.map((column) => sql`m.${ident(`n_${column.carriedAs}`)} as ${ident(`n_${column.carriedAs}`)}`),
    ...carried.map((column) => sql`${carriedText(column, snapshot.columns, keyAsText(sql`s."id"`))} as ${ident(`s_${column.carriedAs}`)}`),
  ];
  return sql`${audience.with}select ${joinSql(parts, ', ')} from (select *, true as "present" from (${members})) m full join ${snapshot.relation} s on m."id" = ${before}${
    differencesOnly ? sql` where (m."present" and m."reason" is null and s."delivered") is not true` : noSql
  }`;
}

/** Who competes for a deduplication key. `lost`: who has lost already and competes no more. `part`: a condition over the keys, `n_<name>`. */
export interface Competition {
  readonly selection: Sql;
  readonly by: RowKey;
  readonly keys: readonly OutputColumn[];
  readonly columns: readonly OutputColumn[];
  readonly calculated: Sql;
  readonly lost: Sql | undefined;
  readonly part: Sql;
}

/**
 * The competition for keys that occur twice: `id`, `k0` …, `since`, and the values of `order` as `o0` …. The winner qualified latest; on a tie the other columns, as text, decide,
 * the first in order wins (activation-rules 2.9), and at last the id.
 */
export function competitorsQuery(competition: Competition): {
  readonly query: Sql;
  readonly ahead: readonly Sql[];
  readonly order: readonly Sql[];
  /** Their `id` alone. */
  readonly ids: Sql;
} {
  const { selection, by, keys, columns, calculated, lost, part } = competition;
  const names = keys.map((_key, index) => ident(`k${index}`));
  const values = keys.map((key, index) => sql`${comparedKey(key, ident(`n_${key.carriedAs}`))} as ${ident(`k${index}`)}`);
  const shared = joinSql(names, ', ');
  const present = joinSql(
    keys.map(({ carriedAs }) => sql`${ident(`n_${carriedAs}`)} is not null`),
    ' and ',
  );
  const candidates = sql`select *, ${joinSql(values, ', ')} from ${selection}${lost === undefined ? noSql : without(lost, sql`"id"`)} where "present" and "reason" is null and ${present} and ${part}`;
  const twice = sql`select ${shared} from (${candidates}) group by ${shared} having count(*) > 1`;
  const same = joinSql(
    names.map((name) => sql`c.${name} = d.${name}`),
    ' and ',
  );
  const order = tieOrder(columns);
  const ordered = order.map((value, index) => sql`, ${value} as ${ident(`o${index}`)}`);
  const listed = joinSql(
    names.map((name) => sql`c.${name} as ${name}`),
    ', ',
  );
  const profile = order.length === 0 ? noSql : sql` join profile p on ${profileKey(by)} = c."id"${calculated}`;
  return {
    query: sql`select c."id" as "id", ${listed}, c."since" as "since"${joinSql(ordered, ' ')} from (${candidates}) c join (${twice}) d on ${same}${profile}`,
    ahead: [sql`"since" desc`],
    order,
    ids: sql`select c."id" as "id" from (${candidates}) c join (${twice}) d on ${same}`,
  };
}

/** `id` of those who compete and did not win. */
export function losersQuery(competitors: Sql, winners: Sql): Sql {
  return sql`select "id" from (${competitors})${without(winners, sql`"id"`)}`;
}

/** What decides a tie: the other columns as text, complex ones left out. */
export function tieOrder(columns: readonly OutputColumn[]): readonly Sql[] {
  const compared = columns.filter(
    (column) => !column.key && column.kind !== 'status' && column.type !== 'array' && column.type !== 'map' && column.type !== 'object',
  );
  return compared.map((column) => sql`coalesce(${textOf(column)}, '')`);
}

/**
 * Exits whose key a present member still has, or another exit with it: the key did not leave. `id` of those that get no row. The key is the one that the row
 * would have: of the profile while it is in the source, else what the snapshot carries. A key that nobody knows is nobody else's. Who was delivered has theirs
 * also while a rule leaves them out: no later file would tell of them again.
 */
export function silentExitsQuery({ selection, by, keys, calculated }: Pick<Competition, 'selection' | 'by' | 'keys' | 'calculated'>): Sql {
  const exits = sql`select * from ${selection} where "delivered" and not "present"`;
  const values = keys.map((key, index) => sql`${textOf(key)} as ${ident(`k${index}`)}`);
  const current = sql`select ${profileKey(by)} as "#id", ${joinSql(values, ', ')} from profile p${calculated} where ${profileKey(by)} in (select "id" from (${exits}))`;
  const leaving = keys.map(
    (key, index) => sql`${comparedKey(key, sql`coalesce(c.${ident(`k${index}`)}, e.${ident(`s_${key.carriedAs}`)})`)} as ${ident(`k${index}`)}`,
  );
  const rows = sql`select e."id" as "id", e."since" as "since", ${joinSql(leaving, ', ')} from (${exits}) e left join (${current}) c on c."#id" = e."id"`;
  const key = keys.map((_key, index) => sql`x.${ident(`k${index}`)}`);
  const still = joinSql(
    keys.map((one, index) => {
      const held = sql`coalesce(m.${ident(`n_${one.carriedAs}`)}, m.${ident(`s_${one.carriedAs}`)})`;
      return sql`${comparedKey(one, held)} = x.${ident(`k${index}`)}`;
    }),
    ' and ',
  );
  const listed = joinSql(key, ', ');
  const ranked = sql`select x."id", coalesce(${listed}) is not null and row_number() over (partition by ${listed} order by x."since" desc, x."id") > 1 as "twice", exists (select 1 from ${selection} m where m."present" and (m."reason" is null or m."delivered") and ${still}) as "still" from (${rows}) x`;
  return sql`select "id" from (${ranked}) where "twice" or "still"`;
}

/**
 * The next snapshot: `id`, `since`, `delivered` and the carried values as `k_<name>`. Where members compete for a key all of them are kept, delivered or not,
 * but who is forgotten: since when they are members decides.
 */
export function snapshotQuery(input: {
  readonly selection: Sql;
  readonly losers: Sql | undefined;
  readonly carried: readonly OutputColumn[];
  /** Full exports deliver exactly what is in this file; incremental ones add to what was delivered. */
  readonly incremental: boolean;
}): Sql {
  const { selection, losers, carried, incremental } = input;
  const won = losers === undefined ? sql`true` : sql`l."#lost" is null`;
  const judged = losers === undefined ? noSql : sql` left join (select "id" as "#lost" from ${losers}) l on l."#lost" = s."id"`;
  const goesOut = sql`(s."reason" is null and ${won})`;
  const delivered = incremental ? sql`(s."delivered" or ${goesOut})` : goesOut;
  // What is known last: an exit is found by the key that its row had, also when the profile lost it before it left.
  const values = carried.map(({ carriedAs }) => sql`coalesce(s.${ident(`n_${carriedAs}`)}, s.${ident(`s_${carriedAs}`)}) as ${ident(`k_${carriedAs}`)}`);
  const kept = losers === undefined ? sql`${delivered} is distinct from false` : sql`s."reason" is distinct from ${literal(REASON_FORGOTTEN)}`;
  return sql`select ${joinSql([sql`s."id" as "id"`, sql`s."since" as "since"`, sql`${delivered} as "delivered"`, ...values], ', ')} from ${selection} s${judged} where s."present" and s."id" is not null and ${kept}`;
}

/**
 * The same from the last snapshot and a selection of differences only. Nobody in it lost a deduplication, and nothing is carried: where either can
 * be, selections are whole.
 */
export function nextSnapshotQuery(input: { readonly selection: Sql; readonly before: Sql; readonly by: RowKey; readonly incremental: boolean }): Sql {
  const { selection, before, by, incremental } = input;
  const id = by === 'key' ? sql`s."id"` : keyAsText(sql`s."id"`);
  const gone = incremental ? sql`not "present"` : sql`(not "present" or "reason" is not null)`;
  const stay = sql`select ${id} as "id", s."since" as "since", true as "delivered" from ${before} s${without(sql`(select "id" from ${selection} where ${gone})`, id)} where s."delivered"`;
  const come = sql`select "id", "since", true as "delivered" from ${selection} where ${comes}`;
  const unsure = sql`select "id", "since", "delivered" from ${selection} where "present" and "reason" is not null and "delivered" is null`;
  return sql`${stay} union all ${come}${incremental ? sql` union all ${unsure}` : noSql}`;
}

/** Of a selection of differences: who is new in the next snapshot. */
const comes = sql`"present" and "reason" is null and "id" is not null`;

/** How many rows of a selection of differences change the snapshot. */
export function snapshotChanges(incremental: boolean): Sql {
  return incremental ? sql`count(*) filter (where not "present" or (${comes}))` : sql`count(*) filter (where "id" is not null)`;
}
