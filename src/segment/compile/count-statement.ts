import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import { withClause, type CompiledSegments } from './compile-segments.ts';
import type { DecidedBy } from './event-facts.ts';

interface Counted {
  /** Where it stands among those asked for. */
  readonly index: number;
  readonly condition: Sql;
  readonly by: DecidedBy | undefined;
}

const OTHERS = ident('#others');
const ALL = ident('#all');

/**
 * One row, `c0`, `c1` … in the order of `names`: how many members each segment has. Alone, a condition stands where it lets the engine read and join no more
 * than it asks for. Of several that events decide, only profiles are looked up for which one of them is not what it is without events: with two relations
 * of events over 10 million profiles that spares an eighth of the processor time of joining both to every profile (`test/bench/segments.ts`).
 */
export function countStatement(compiled: CompiledSegments, names: readonly string[]): Sql {
  const all = names.map((name, index) => ({ index, condition: compiled.filters.get(name) ?? sql`false`, by: compiled.decided.get(name) }));
  const [only] = all;
  const start = withClause(compiled.with);
  if (only !== undefined && all.length === 1) return sql`${start}select count(*) as "c0" from ${compiled.from} where ${only.condition}`;
  const decided = all.filter(({ by }) => by !== undefined);
  const others = all.filter(({ by }) => by === undefined);
  const mixed = names.some((name) => compiled.joined.has(name) && !compiled.decided.has(name));
  if (mixed || decided.length === 0) return sql`${start}select ${joinSql(all.map(counted), ', ')} from ${compiled.from}`;
  const columns = all.map(({ index, by }) => {
    const count = ident(`c${index}`);
    if (by === undefined) return sql`${ident('#all', `c${index}`)} as ${count}`;
    return sql`if(${by.without}, ${ident('#all', '#count')} - ${ident('#others', `c${index}`)}, ${ident('#others', `c${index}`)}) as ${count}`;
  });
  const whole = sql`select ${joinSql([sql`count(*) as "#count"`, ...others.map(counted)], ', ')} from profile p`;
  return sql`${start}select ${joinSql(columns, ', ')} from (${whole}) as ${ALL} cross join (${differing(decided)}) as ${OTHERS}`;
}

/** For how many profiles each is not what it is without events. */
function differing(decided: readonly Counted[]): Sql {
  const relations = [...new Set(decided.map(({ by }) => by?.relation ?? ''))];
  const parts = relations.map((relation) => {
    const columns = decided.map(({ index, by }) => {
      const differs = by?.relation === relation ? sql`${ident(by.column)} <> ${by.without}` : literal(false);
      return sql`${differs} as ${ident(`d${index}`)}`;
    });
    return sql`select "#key", ${joinSql(columns, ', ')} from ${ident(relation)}`;
  });
  const counts = decided.map(({ index }) => sql`count(*) filter (where d.${ident(`d${index}`)}) as ${ident(`c${index}`)}`);
  return sql`select ${joinSql(counts, ', ')} from profile p join (${joinSql(parts, ' union all ')}) as d on d."#key" = p."#key"`;
}

function counted({ index, condition }: Counted): Sql {
  return sql`count(*) filter (where ${condition}) as ${ident(`c${index}`)}`;
}
