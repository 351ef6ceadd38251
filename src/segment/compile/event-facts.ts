import { DAY_MS, type Instant } from '../../model/instant.ts';
import { printSql } from '../../sql/print-sql.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';
import { timestampSql } from './compile-time.ts';
import type { Fragment } from './context.ts';
import { typeSql } from './type-sql.ts';

/** One number, truth or list per profile, computed from its events in a pass that all segments share. */
export interface EventFact {
  /** The aggregate over `e` without its filter, such as `count(*)`. */
  readonly aggregate: Sql;
  /** It is a list, wanted in order. */
  readonly sorted?: boolean;
  readonly type: PqlType;
  /** Which events it looks at. */
  readonly of: EventChoice;
}

/** Events that one row alone can tell. */
export interface EventChoice {
  /** All of them hold; none for all events. May be NULL instead of false. */
  readonly conditions: readonly Sql[];
  /** Needs columns of `p`, so that events are joined with profiles. */
  readonly correlated: boolean;
  /** They take none from before; undefined when it may. */
  readonly since: Instant | undefined;
}

/**
 * The relations of event aggregates. Windows of time are passes of their own: their files or row groups are few when events come in order of time, and
 * their groups are few in any order.
 */
const RELATIONS = { whole: { name: '#events', alias: 'f' }, recent: { name: '#recent', alias: 'r' }, joined: { name: '#joined', alias: 'g' } } as const;
type Side = keyof typeof RELATIONS;
const SIDES = Object.keys(RELATIONS) as readonly Side[];

interface Stored extends EventFact {
  readonly column: string;
}

/** A part of a statement that is settled when all facts are known: `parts` are those of `answer`. */
interface Pending {
  readonly parts: SqlPart[];
  readonly answer: Sql;
}

export interface FactRelations {
  readonly with: readonly { readonly name: string; readonly sql: Sql }[];
  readonly joins: readonly Sql[];
}

/** Above so many different conditions their `or` costs more than it spares. */
const MAX_SCAN_CONDITIONS = 12;
/** A window that is longer spares little of a history of a few years. */
const RECENT_MS = 400 * DAY_MS;
const BOOLEAN: PqlType = { kind: 'boolean' };

/** Where a condition is decided: a column of a relation that has a row for everybody who differs from `without`, and perhaps for others. */
export interface DecidedBy {
  readonly relation: string;
  readonly column: string;
  /** What it is for whoever has no row there. */
  readonly without: Sql;
}

/** Collects the facts of one compilation. */
export class EventFacts {
  readonly #now: Instant;
  readonly #facts: Readonly<Record<Side, Map<string, Stored>>> = { whole: new Map(), recent: new Map(), joined: new Map() };
  readonly #existences = new Map<string, Pending & { readonly of: EventChoice }>();
  readonly #conditions: (Pending & { readonly condition: Sql; readonly without: Sql | undefined })[] = [];
  readonly #decided = new WeakMap<Sql, DecidedBy>();
  #inLambda = false;

  constructor(now: Instant) {
    this.#now = now;
  }

  /** The column of a fact, to be used beside `p`; equal facts are one. NULL for profiles without such events. */
  add(fact: EventFact): Fragment {
    const { correlated, since } = fact.of;
    const side = correlated ? 'joined' : since !== undefined && since >= this.#now - RECENT_MS ? 'recent' : 'whole';
    const facts = this.#facts[side];
    const key = printSql(sql`${fact.aggregate} ${allOf(fact.of.conditions)}`, 'duckdb');
    const known = facts.get(key) ?? { ...fact, column: `a${facts.size}` };
    facts.set(key, known);
    return ident(RELATIONS[side].alias, known.column);
  }

  /** Whether there is such an event: true or false. `inLambda`: asked for each item of a list, where the engine takes no subquery. */
  addExistence(of: EventChoice, inLambda: boolean): Sql {
    this.#inLambda ||= inLambda;
    const key = printSql(sql`${literal(of.correlated)} ${allOf(of.conditions)}`, 'duckdb');
    const known = this.#existences.get(key) ?? { of, ...pending([]) };
    this.#existences.set(key, known);
    return known.answer;
  }

  /**
   * The same condition, never NULL, to be used beside `p` and outside of lambdas. When one relation of facts decides it, it is decided there, so
   * that a profile brings truths into the statement and not what they come from, and brings nothing when all are as they are without events.
   * `without`: what it is then, when that is known.
   */
  addCondition(condition: Sql, without: Sql | undefined): Sql {
    const one = { condition, without, ...pending([condition]) };
    this.#conditions.push(one);
    return one.answer;
  }

  /** The `with` clauses and the joins behind `profile p`. To be called once, when everything is compiled; `roots`: all that was. */
  relations(roots: readonly Sql[]): FactRelations {
    this.#settleExistences();
    const decided = this.#settleConditions();
    const used = usedFacts(roots);
    const sides = SIDES.filter((side) => this.#facts[side].size > 0);
    return {
      with: sides.map((side) => ({ name: RELATIONS[side].name, sql: this.#relation(side, [...decided[side].values()], used) })),
      joins: sides.map((side) => {
        const { name, alias } = RELATIONS[side];
        return sql` left join ${ident(name)} as ${ident(alias)} on ${ident(alias, '#key')} = p."#key"`;
      }),
    };
  }

  /**
   * What decides a condition that `addCondition` gave, as a whole; undefined when it is of no relation alone. Counting needs no more than that: no
   * profile without a row has to be looked at. Known after `relations`.
   */
  decidedBy(answer: Sql): DecidedBy | undefined {
    return this.#decided.get(answer);
  }

  /** Whether an expression asks for columns of the relations. Known after `relations`. */
  asksRelations(expression: Sql): boolean {
    return usedFacts([expression]).size > 0;
  }

  #settleExistences(): void {
    const [only, ...others] = this.#existences.values();
    const alone = only !== undefined && others.length === 0 && SIDES.every((side) => this.#facts[side].size === 0);
    if (alone && !only.of.correlated && !this.#inLambda) only.parts.push(membership(only.of));
    else
      for (const { of, parts } of this.#existences.values())
        parts.push(sql`coalesce(${this.add({ aggregate: sql`bool_or(true)`, type: BOOLEAN, of })}, false)`);
  }

  #settleConditions(): Readonly<Record<Side, Map<string, Decided>>> {
    const decided: Readonly<Record<Side, Map<string, Decided>>> = { whole: new Map(), recent: new Map(), joined: new Map() };
    for (const { condition, without: given, parts, answer } of this.#conditions) {
      const side = soleSide(condition);
      const without = given ?? (side === undefined ? undefined : this.#withoutEvents(condition, side));
      if (side === undefined || without === undefined) continue;
      const key = printSql(condition, 'duckdb');
      const known = decided[side].get(key) ?? { condition, column: `b${decided[side].size}`, without };
      decided[side].set(key, known);
      parts.splice(0, 1, sql`coalesce(${ident(RELATIONS[side].alias, known.column)}, ${known.without})`);
      this.#decided.set(answer, { relation: RELATIONS[side].name, column: known.column, without: known.without });
    }
    return decided;
  }

  /** The condition for whoever has no events; undefined with lists, which the engine takes ages to fold. */
  #withoutEvents(condition: Sql, side: Side): Sql | undefined {
    const types = new Map([...this.#facts[side].values()].map(({ column, type }) => [column, type]));
    let lists = false;
    const result = replaced(condition, (part) => {
      const type = isFact(part) ? types.get(part.names[1] ?? '') : undefined;
      lists ||= type?.kind === 'array';
      return type === undefined ? undefined : sql`cast(null as ${typeSql(type)})`;
    });
    return lists ? undefined : result;
  }

  #relation(side: Side, decided: readonly Decided[], used: ReadonlySet<string>): Sql {
    const facts = [...this.#facts[side].values()];
    const { alias } = RELATIONS[side];
    const aggregates = aggregatesSql(facts, side === 'joined');
    if (decided.length === 0) return aggregates;
    const kept = facts.filter(({ column }) => used.has(`${alias} ${column}`));
    const columns = [
      ident(alias, '#key'),
      ...kept.map(({ column }) => ident(alias, column)),
      ...decided.map(({ condition, column }) => sql`${condition} as ${ident(column)}`),
    ];
    const different = decided.map(({ condition, without }) => sql`(${condition} <> ${without})`);
    return sql`select ${joinSql(columns, ', ')} from (${aggregates}) as ${ident(alias)}${kept.length > 0 ? sql`` : sql` where ${joinSql(different, ' or ')}`}`;
  }
}

/** A condition that one relation decides. */
interface Decided {
  readonly condition: Sql;
  readonly column: string;
  readonly without: Sql;
}

type Ident = Extract<SqlPart, { readonly type: 'ident' }>;

function pending(parts: SqlPart[]): Pending {
  return { parts, answer: { type: 'sql', parts } };
}

/** One question alone is cheapest as a semi or anti join, without an aggregate: half the time on five million events. */
function membership({ conditions }: EventChoice): Sql {
  const chosen = conditions.length === 0 ? sql`` : sql` and ${allOf(conditions)}`;
  return sql`coalesce(p."#key" in (select e."#key" from event e where e."#key" is not null${chosen}), false)`;
}

function aggregatesSql(facts: readonly Stored[], joined: boolean): Sql {
  const asked = facts.map(({ of }) => new Map(of.conditions.map((condition) => [printSql(condition, 'duckdb'), condition])));
  // What all ask for is asked once, by the scan; what else one asks for is the filter of its aggregate.
  const common = new Map([...(asked[0] ?? [])].filter(([text]) => asked.every((conditions) => conditions.has(text))));
  const rests = asked.map((conditions) => new Map([...conditions].filter(([text]) => !common.has(text))));
  const columns = facts.map(({ aggregate, sorted = false, column }, index) => {
    const rest = [...(rests[index] ?? new Map<string, Sql>()).values()];
    const value = rest.length === 0 ? aggregate : sql`${aggregate} filter (where ${allOf(rest)})`;
    return sql`${sorted ? sql`list_sort(${value})` : value} as ${ident(column)}`;
  });
  const from = joined ? sql`event e join profile p on p."#key" = e."#key"` : sql`event e`;
  const choices = widest(facts.map(({ of }, index) => ({ conditions: rests[index] ?? new Map<string, Sql>(), since: of.since })));
  const all = choices.some(({ conditions }) => conditions.size === 0) || choices.length > MAX_SCAN_CONDITIONS;
  const any = all ? [] : [anyOf(choices.map(({ conditions }) => allOf([...conditions.values()])))];
  // Said once more for all: the engine does not see it in an `or`, and skips whole row groups by it.
  const since = any.length === 0 || facts.some(({ of }) => of.since === undefined) ? undefined : Math.min(...facts.map(({ of }) => of.since ?? 0));
  const conditions = [...(since === undefined ? [] : [sql`e."timestamp" >= ${timestampSql(since)}`]), ...common.values(), ...any];
  const where = conditions.length === 0 ? sql`` : sql` where ${allOf(conditions)}`;
  return sql`select e."#key" as "#key", ${joinSql(columns, ', ')} from ${from}${where} group by e."#key"`;
}

interface Choice {
  /** By their text. */
  readonly conditions: ReadonlyMap<string, Sql>;
  readonly since: Instant | undefined;
}

/**
 * Without repetition, and without those that ask for all that another one asks for, and for more. A later start of a window asks for more than an
 * earlier one.
 */
function widest(all: readonly Choice[]): readonly Choice[] {
  const different = [...new Map(all.map((choice) => [[...choice.conditions.keys()].sort().join('\n'), choice])).values()].map((choice) => {
    const start = choice.since === undefined ? undefined : printSql(sql`${ident('e', 'timestamp')} >= ${timestampSql(choice.since)}`, 'duckdb');
    const starts = start !== undefined && choice.conditions.has(start);
    return { choice, since: starts ? choice.since : undefined, rest: [...choice.conditions.keys()].filter((text) => !starts || text !== start) };
  });
  const within = (one: (typeof different)[number], other: (typeof different)[number]): boolean =>
    one !== other &&
    other.rest.every((text) => one.choice.conditions.has(text)) &&
    (other.since === undefined || (one.since !== undefined && other.since <= one.since));
  return different.filter((one) => !different.some((other) => within(one, other))).map(({ choice }) => choice);
}

function anyOf(parts: readonly Sql[]): Sql {
  return sql`(${joinSql(
    parts.map((part) => sql`(${part})`),
    ' or ',
  )})`;
}

function allOf(parts: readonly Sql[]): Sql {
  return joinSql(
    parts.map((part) => sql`(${part})`),
    ' and ',
  );
}

function isFact(part: SqlPart): part is Ident {
  return typeof part !== 'string' && part.type === 'ident' && part.names.length === 2 && SIDES.some((side) => RELATIONS[side].alias === part.names[0]);
}

/** The relation that decides a condition; undefined when it needs several, none, or the profile. */
function soleSide(condition: Sql): Side | undefined {
  const aliases = new Set<string>();
  eachIdent(condition, ({ names }) => {
    if (names.length === 2) aliases.add(names[0] ?? '');
  });
  const [only] = aliases;
  return aliases.size === 1 ? SIDES.find((side) => RELATIONS[side].alias === only) : undefined;
}

function usedFacts(roots: readonly Sql[]): ReadonlySet<string> {
  const used = new Set<string>();
  for (const root of roots) eachIdent(root, (part) => isFact(part) && used.add(part.names.join(' ')));
  return used;
}

/** Calls back for every identifier of a tree; what stands in it several times is looked at once. */
function eachIdent(root: Sql, see: (part: Ident) => void): void {
  const seen = new Set<SqlPart>();
  const open: SqlPart[] = [root];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part === 'string' || part.type === 'literal' || seen.has(part)) continue;
    seen.add(part);
    if (part.type === 'ident') see(part);
    else for (const child of part.parts) open.push(child);
  }
}

function replaced(root: Sql, by: (part: SqlPart) => Sql | undefined): Sql {
  const known = new Map<Sql, Sql>();
  const walk = (part: Sql): Sql => {
    const found = known.get(part);
    if (found !== undefined) return found;
    const parts = part.parts.map((child) => by(child) ?? (typeof child !== 'string' && child.type === 'sql' ? walk(child) : child));
    const result: Sql = { type: 'sql', parts };
    known.set(part, result);
    return result;
  };
  return walk(root);
}
