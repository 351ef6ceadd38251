import type { Sql } from '../sql/sql.ts';

/** A segment compiled over the relations `profile p` and `event`: who is a member is one condition of one scan. */
export interface Audience {
  readonly segment: string;
  /** `with … ` and a space, or nothing. */
  readonly with: Sql;
  /** `profile p` and what it is joined with. */
  readonly from: Sql;
  readonly predicate: Sql;
  /** Attribute paths that decide. */
  readonly profileColumns: readonly string[];
  /** Undefined when no event decides. */
  readonly eventColumns: readonly string[] | undefined;
}
