import { printSql } from '../../sql/print-sql.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { Fragment } from './context.ts';

/** One number, truth or list per profile, computed from its events in one pass that all segments share. */
export interface EventFact {
  /** The aggregate over `e` without its filter, such as `count(*)`. */
  readonly aggregate: Sql;
  /** Which events it looks at; undefined for all. May be NULL instead of false. */
  readonly filter: Sql | undefined;
  /** Needs columns of `p`, so that events are joined with profiles. */
  readonly correlated: boolean;
}

interface Stored extends EventFact {
  readonly column: string;
}

/** The relations of event aggregates: `#events` over `event` alone and `#joined` over events with their profiles. */
const RELATIONS = { plain: { name: '#events', alias: 'f' }, joined: { name: '#joined', alias: 'g' } } as const;
/** Above so many different conditions their `or` costs more than it spares. */
const MAX_SCAN_CONDITIONS = 12;

export class EventFacts {
  readonly #facts = { plain: new Map<string, Stored>(), joined: new Map<string, Stored>() };

  /** The column of a fact, to be used beside `p`; equal facts are one. NULL for profiles without such events. */
  add(fact: EventFact): Fragment {
    const side = fact.correlated ? 'joined' : 'plain';
    const facts = this.#facts[side];
    const key = printSql(sql`${fact.aggregate} ${fact.filter ?? sql``}`, 'duckdb');
    const known = facts.get(key) ?? { ...fact, column: `a${facts.size}` };
    facts.set(key, known);
    return ident(RELATIONS[side].alias, known.column);
  }

  /** The `with` clauses and the joins behind `profile p`. */
  relations(): { readonly with: readonly { readonly name: string; readonly sql: Sql }[]; readonly joins: readonly Sql[] } {
    const sides = (['plain', 'joined'] as const).filter((side) => this.#facts[side].size > 0);
    return {
      with: sides.map((side) => ({ name: RELATIONS[side].name, sql: relationSql([...this.#facts[side].values()], side === 'joined') })),
      joins: sides.map((side) => {
        const { name, alias } = RELATIONS[side];
        return sql` left join ${ident(name)} as ${ident(alias)} on ${ident(alias, '#key')} = p."#key"`;
      }),
    };
  }
}

function relationSql(facts: readonly Stored[], joined: boolean): Sql {
  const filters = new Map(facts.map(({ filter }) => [filter === undefined ? '' : printSql(filter, 'duckdb'), filter]));
  const [only] = filters.values();
  const one = filters.size === 1;
  const columns = facts.map(({ aggregate, filter, column }) => {
    const value = one || filter === undefined ? aggregate : sql`${aggregate} filter (where ${filter})`;
    return sql`${value} as ${ident(column)}`;
  });
  const scanned =
    filters.has('') || filters.size > MAX_SCAN_CONDITIONS
      ? undefined
      : one
        ? only
        : sql`(${joinSql(
            [...filters.values()].map((filter) => sql`(${filter ?? literal(true)})`),
            ' or ',
          )})`;
  const from = joined ? sql`event e join profile p on p."#key" = e."#key"` : sql`event e`;
  const where = scanned === undefined ? sql`` : sql` where ${scanned}`;
  return sql`select e."#key" as "#key", ${joinSql(columns, ', ')} from ${from}${where} group by e."#key"`;
}
