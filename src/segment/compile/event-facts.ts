import { printSql } from '../../sql/print-sql.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
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

/** A question whether there is such an event; how it is asked is decided when all facts are known. */
interface Existence {
  readonly fact: EventFact;
  /** Filled by `relations`. */
  readonly parts: SqlPart[];
  readonly answer: Sql;
}

export interface FactRelations {
  readonly with: readonly { readonly name: string; readonly sql: Sql }[];
  readonly joins: readonly Sql[];
}

/** The relations of event aggregates: `#events` over `event` alone and `#joined` over events with their profiles. */
const RELATIONS = { plain: { name: '#events', alias: 'f' }, joined: { name: '#joined', alias: 'g' } } as const;
/** Above so many different conditions their `or` costs more than it spares. */
const MAX_SCAN_CONDITIONS = 12;
const COUNT = sql`count(*)`;

/** Collects the facts of one compilation. */
export class EventFacts {
  readonly #facts = { plain: new Map<string, Stored>(), joined: new Map<string, Stored>() };
  readonly #existences = new Map<string, Existence>();
  #inLambda = false;

  /** The column of a fact, to be used beside `p`; equal facts are one. NULL for profiles without such events. */
  add(fact: EventFact): Fragment {
    const side = fact.correlated ? 'joined' : 'plain';
    const facts = this.#facts[side];
    const key = keyOf(fact);
    const known = facts.get(key) ?? { ...fact, column: `a${facts.size}` };
    facts.set(key, known);
    return ident(RELATIONS[side].alias, known.column);
  }

  /** Whether there is such an event: true or false. `inLambda`: asked for each item of a list, where the engine takes no subquery. */
  addExistence(filter: Sql | undefined, correlated: boolean, inLambda: boolean): Sql {
    const fact = { aggregate: COUNT, filter, correlated };
    this.#inLambda ||= inLambda;
    const parts: SqlPart[] = [];
    const known = this.#existences.get(keyOf(fact)) ?? { fact, parts, answer: { type: 'sql', parts } };
    this.#existences.set(keyOf(fact), known);
    return known.answer;
  }

  /** The `with` clauses and the joins behind `profile p`. To be called once, when everything is compiled. */
  relations(): FactRelations {
    const [only, ...others] = this.#existences.values();
    const alone = only !== undefined && others.length === 0 && this.#facts.plain.size + this.#facts.joined.size === 0;
    if (alone && !only.fact.correlated && !this.#inLambda) only.parts.push(membership(only.fact));
    else for (const { fact, parts } of this.#existences.values()) parts.push(sql`(coalesce(${this.add(fact)}, 0) > 0)`);
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

/** One question alone is cheapest as a semi or anti join, without an aggregate: half the time on five million events. */
function membership({ filter }: EventFact): Sql {
  const condition = filter === undefined ? sql`` : sql` and (${filter})`;
  return sql`coalesce(p."#key" in (select e."#key" from event e where e."#key" is not null${condition}), false)`;
}

function keyOf({ aggregate, filter }: EventFact): string {
  return printSql(sql`${aggregate} ${filter ?? sql``}`, 'duckdb');
}

function relationSql(facts: readonly Stored[], joined: boolean): Sql {
  const filters = new Map(facts.map(({ filter }) => [filter === undefined ? '' : printSql(filter, 'duckdb'), filter]));
  const [only] = filters.values();
  const one = filters.size === 1;
  const columns = facts.map(({ aggregate, filter, column }) => {
    const value = one || filter === undefined ? aggregate : sql`${aggregate} filter (where ${filter})`;
    return sql`${value} as ${ident(column)}`;
  });
  const from = joined ? sql`event e join profile p on p."#key" = e."#key"` : sql`event e`;
  const where = filters.has('') || filters.size > MAX_SCAN_CONDITIONS ? undefined : one ? only : anyOf([...filters.values()]);
  return sql`select e."#key" as "#key", ${joinSql(columns, ', ')} from ${from}${where === undefined ? sql`` : sql` where ${where}`} group by e."#key"`;
}

function anyOf(filters: readonly (Sql | undefined)[]): Sql {
  const parts = filters.map((filter) => sql`(${filter ?? literal(true)})`);
  return sql`(${joinSql(parts, ' or ')})`;
}
