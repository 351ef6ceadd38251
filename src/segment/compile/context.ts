import type { Instant } from '../../model/instant.ts';
import type { Sql, SqlPart } from '../../sql/sql.ts';
import type { PqlType } from '../type.ts';
import type { Typed, VariableId } from '../typed.ts';
import type { EventFacts } from './event-facts.ts';

export type Fragment = Exclude<SqlPart, string>;

/** What a variable stands for where it is used. */
export type Meaning =
  /** The row of the relation `event` at hand; its members are columns. */
  | { readonly kind: 'row' }
  /** The parameter of a lambda over a list. */
  | { readonly kind: 'item'; readonly value: Fragment }
  /** What `let` gave a name to, in the surroundings where it stood. */
  | { readonly kind: 'let'; readonly typed: Typed; readonly env: Env };

export type Env = ReadonlyMap<VariableId, Meaning>;

export const NO_ENV: Env = new Map();

/** How a condition is wanted. */
export interface TruthMode {
  /** Wanted when the node is false instead of true. */
  readonly negated: boolean;
  /** True: never NULL. False: may be NULL instead of false, for `where`, `filter` and `when`, so that plain conditions stay plain. */
  readonly strict: boolean;
}

/** One compilation: several segments that share what is computed of events. */
export interface Compiler {
  readonly now: Instant;
  readonly facts: EventFacts;
  /** The typed tree of a segment named by `inSegment`. */
  segment(name: string): Typed;
  /** A fresh name for a lambda's parameter. */
  name(): Fragment;
  /** Compiles what is asked once per item; throws RC1202 when that is nested too deep. */
  perItem(body: () => Sql): Sql;
  /** True while that is compiled. */
  isPerItem(): boolean;
  /** Columns of `profile` that the joined relations read. */
  readonly profileColumns: Set<string>;
  readonly eventColumns: Set<string>;
  /** True when `event` is read at all. */
  usesEvents: boolean;
  /** Event fields that the expression at hand names: a list of events holds these, and they order events of the same time. */
  eventFields: ReadonlyMap<string, PqlType>;
  /** The expression at hand asks for times inside arrays, maps and objects. */
  innerTimes: boolean;
  value(node: Typed, env: Env): Sql;
  truth(node: Typed, env: Env, mode: TruthMode): Sql;
}

export const WHERE: TruthMode = { negated: false, strict: false };
export const ALWAYS: TruthMode = { negated: false, strict: true };
