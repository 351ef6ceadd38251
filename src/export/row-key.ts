import { ident, sql, type SqlPart } from '../sql/sql.ts';

type Expression = Exclude<SqlPart, string>;

/**
 * By what rows of selections and snapshots are told apart: the primary identity in the source's own type, which joins fastest; or as text, where a
 * snapshot was made when the source had another type.
 */
export type RowKey = 'key' | 'id';

/** The key of a row of `profile p`. */
export function profileKey(by: RowKey): Expression {
  return ident('p', by === 'key' ? '#key' : 'id');
}

/** The key in a file of ours, as text: for people and for comparing with values from outside. */
export function keyAsText(column: Expression): Expression {
  return sql`cast(${column} as varchar)`;
}
