import { literal, sql, type Sql } from '../../sql/sql.ts';

/** What the optimizer misreads: a group that may be empty, and a beginning or an end of the text. */
const MISREAD = /\(\?|[$^]|\\[Az]/;

/**
 * A pattern, which is always a constant, as the engine is asked with it. Its optimizer makes a comparison with a text of it where it can, and takes an empty group and each
 * beginning or end of the text for one that stands at its side of the whole: `a(?:)` becomes `suffix(…, 'a')`, and so does `a^`, which nothing matches (DuckDB 1.5). Something repeated
 * keeps it from looking, means nothing, and hardly costs; letters alone, where a prefix or `contains` is much faster, and `^letters$` are read rightly.
 */
export function patternSql(pattern: string): Sql {
  const between = pattern.replace(/^(?:\^|\\A)/, '').replace(/(?:\$|\\z)$/, '');
  return sql`${literal(MISREAD.test(between) ? `(?:){1}${pattern}` : pattern)}`;
}
