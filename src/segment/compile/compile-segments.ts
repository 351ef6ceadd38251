import { AppError } from '../../model/app-error.ts';
import type { Instant } from '../../model/instant.ts';
import type { DialectName } from '../../sql/print-sql.ts';
import { ident, joinSql, literal, noSql, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { MAX_ITEM_NESTING } from '../check/check-nesting.ts';
import { eventFields } from '../event-order.ts';
import type { PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import { asksInnerTimes } from './columns.ts';
import { ALWAYS, NO_ENV, WHERE, type Compiler } from './context.ts';
import { EventFacts, type DecidedBy } from './event-facts.ts';
import { asksOfEvents } from './event-set.ts';
import { truthSql, valueSql } from './compile-node.ts';

export interface CompileOptions {
  /** What `now` and `today` mean. */
  readonly now: Instant;
  readonly dialect: DialectName;
  /** Typed trees of every segment that `inSegment` may name, all over the same Attributes. Cycles are refused before. */
  readonly segments?: ReadonlyMap<string, Typed>;
}

/** Relations to read: `with <name> as (<sql>), … select … from <from>`. `profile p` is always among them. */
export interface CompiledRelations {
  readonly with: readonly { readonly name: string; readonly sql: Sql }[];
  /** `profile p` and the joins it needs, one row per profile. */
  readonly from: Sql;
  /** Attribute paths read by conditions and joins. */
  readonly profileColumns: readonly string[];
  /** Paths of event fields read; undefined when no event is. */
  readonly eventColumns: readonly string[] | undefined;
}

export interface CompiledSegments extends CompiledRelations {
  /** Who is a member: true or false, never NULL; for any place. */
  readonly predicates: ReadonlyMap<string, Sql>;
  /** The same for `where` and `filter (where …)` alone: may be NULL instead of false and costs a scan nothing. */
  readonly filters: ReadonlyMap<string, Sql>;
  /** Of those that one of the relations decides alone, by whom. */
  readonly decided: ReadonlyMap<string, DecidedBy>;
  /** Those that need any of the relations. */
  readonly joined: ReadonlySet<string>;
}

export interface CompiledValues extends CompiledRelations {
  readonly values: readonly { readonly value: Sql; readonly type: PqlType }[];
}

/** An expression grows with each use of a `let`; beyond this the engine would choke on it. */
const MAX_PARTS = 1_000_000;

/**
 * Compiles conditions on profiles to SQL over the relations `profile` and `event` (see src/engine/engine.ts). What they ask of events is computed
 * in one pass for all of them; segments that ask only of attributes add no join.
 */
export function compileSegments(segments: readonly { readonly name: string; readonly typed: Typed }[], options: CompileOptions): CompiledSegments {
  const { compiler, restartNames } = createCompiler(options);
  const predicates = new Map<string, Sql>();
  const filters = new Map<string, Sql>();
  for (const { name, typed } of segments) {
    compiler.eventFields = eventFields(typed);
    compiler.innerTimes = asksInnerTimes(typed);
    // The same names in both, so that both find the same facts.
    restartNames();
    filters.set(name, compiler.truth(typed, NO_ENV, WHERE));
    restartNames();
    predicates.set(name, compiler.truth(typed, NO_ENV, ALWAYS));
  }
  const relations = relationsOf(compiler, [...predicates.values(), ...filters.values()]);
  const decided = new Map<string, DecidedBy>();
  const joined = new Set<string>();
  for (const [name, filter] of filters) {
    const by = compiler.facts.decidedBy(filter);
    if (by !== undefined) decided.set(name, by);
    if (compiler.facts.asksRelations(filter)) joined.add(name);
  }
  return { ...relations, predicates, filters, decided, joined };
}

/** Compiles values for calculated fields; all in the same relations. */
export function compileValues(typed: readonly Typed[], options: CompileOptions): CompiledValues {
  const { compiler } = createCompiler(options);
  const values = typed.map((node) => {
    compiler.eventFields = eventFields(node);
    compiler.innerTimes = asksInnerTimes(node);
    return { value: compiler.value(node, NO_ENV), type: node.type };
  });
  return {
    ...relationsOf(
      compiler,
      values.map(({ value }) => value),
    ),
    values,
  };
}

/** `with …` and a space; nothing when there is nothing to define. */
export function withClause(relations: CompiledRelations['with']): Sql {
  if (relations.length === 0) return noSql;
  return sql`with ${joinSql(
    relations.map(({ name, sql: body }) => sql`${ident(name)} as (${body})`),
    ', ',
  )} `;
}

function createCompiler(options: CompileOptions): { readonly compiler: Compiler; readonly restartNames: () => void } {
  if (options.dialect !== 'duckdb') {
    throw new AppError({
      code: 'RC1215',
      message: `segments cannot be compiled for the engine \`${options.dialect}\` yet`,
      hint: 'use a Source with `engine: duckdb`',
    });
  }
  let names = 0;
  let depth = 0;
  /** Within a condition that may be decided among the events. */
  let deciding = false;
  const open = new Set<string>();
  const sizes = new WeakMap<Sql, number>();
  const bounded = (part: Sql): Sql => {
    if (sizeOf(part, sizes) > MAX_PARTS) {
      throw new AppError({
        code: 'RC1202',
        message: 'the expression grows too large when its names are replaced by what they stand for',
        hint: 'use each `let` name a few times at most',
      });
    }
    return part;
  };
  const compiler: Compiler = {
    now: options.now,
    facts: new EventFacts(options.now),
    profileColumns: new Set(),
    eventColumns: new Set(),
    usesEvents: false,
    eventFields: new Map(),
    innerTimes: false,
    segment(name) {
      const found = options.segments?.get(name);
      if (found === undefined) throw new AppError({ code: 'RC1213', message: `unknown segment \`${name}\``, hint: 'declare it, or remove the inSegment' });
      return found;
    },
    name: () => ident(`x${(names += 1)}`),
    isPerItem: () => depth > 0,
    perItem(body) {
      depth += 1;
      if (depth > MAX_ITEM_NESTING + 1) {
        throw new AppError({
          code: 'RC1202',
          message: 'segments with filters and quantifiers stand too deep within each other',
          hint: 'take inSegment out of the filters',
        });
      }
      const result = body();
      depth -= 1;
      return result;
    },
    value: (node, env) => bounded(valueSql(compiler, node, env)),
    truth: (node, env, mode) => {
      if (node.kind !== 'segment') {
        if (deciding || depth > 0 || !asksOfEvents(node, env)) return bounded(truthSql(compiler, node, env, mode));
        deciding = true;
        const condition = bounded(truthSql(compiler, node, env, { ...mode, strict: true }));
        deciding = false;
        return compiler.facts.addCondition(condition, node.kind === 'chain' ? sql`${literal(mode.negated)}` : undefined);
      }
      const { eventFields: outer, innerTimes } = compiler;
      const inner = compiler.segment(node.name);
      if (open.has(node.name))
        throw new AppError({ code: 'RC1217', message: `the segment \`${node.name}\` asks for its own membership`, hint: 'remove one of the inSegment' });
      open.add(node.name);
      compiler.eventFields = eventFields(inner);
      compiler.innerTimes = asksInnerTimes(inner);
      const result = compiler.truth(inner, NO_ENV, ALWAYS);
      compiler.eventFields = outer;
      compiler.innerTimes = innerTimes;
      open.delete(node.name);
      return mode.negated ? sql`(not ${result})` : result;
    },
  };
  return { compiler, restartNames: () => void (names = 0) };
}

function relationsOf(compiler: Compiler, roots: readonly Sql[]): CompiledRelations {
  const { with: relations, joins } = compiler.facts.relations(roots);
  return {
    with: relations,
    from: sql`profile p${joinSql(joins, ' ')}`,
    profileColumns: [...compiler.profileColumns].sort(),
    eventColumns: compiler.usesEvents || compiler.eventColumns.size > 0 ? [...compiler.eventColumns].sort() : undefined,
  };
}

function sizeOf(part: SqlPart, sizes: WeakMap<Sql, number>): number {
  if (typeof part === 'string' || part.type !== 'sql') return 1;
  const known = sizes.get(part);
  if (known !== undefined) return known;
  let size = 1;
  for (const child of part.parts) size += sizeOf(child, sizes);
  sizes.set(part, size);
  return size;
}
