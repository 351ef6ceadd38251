import { literal, sql, type Sql } from '../../sql/sql.ts';

/**
 * A pattern, which is always a constant, as the engine is asked with it. Its optimizer takes an empty group beside letters for an end of the text: `a(?:)` becomes `suffix(…, 'a')`
 * (DuckDB 1.5). Something repeated keeps it from looking, means nothing, and hardly costs; letters alone, where a prefix or `contains` is much faster, hold no such group.
 */
export function patternSql(pattern: string): Sql {
  return sql`${literal(pattern.includes('(?') ? `(?:){1}${pattern}` : pattern)}`;
}
