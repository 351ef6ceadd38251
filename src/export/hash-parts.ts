import { joinSql, literal, sql, type Sql, type SqlPart } from '../sql/sql.ts';

/** Keys whose table fits into the engine's memory, or nearly: of more, not even its spilling gets by. */
const ROWS_PER_PART = 5_000_000;

/** Conditions that put so many rows into parts by their key; equal keys are in the same part. */
export function hashParts(rows: number, keys: readonly Exclude<SqlPart, string>[], rowsPerPart = ROWS_PER_PART): readonly Sql[] {
  const parts = Math.max(1, Math.ceil(rows / rowsPerPart));
  if (parts === 1) return [sql`true`];
  // Bits of the hash that the engine's own tables and partitions do not go by.
  const part = sql`(hash(${joinSql(keys, ', ')}) >> 28) % ${literal(parts)}`;
  return Array.from({ length: parts }, (_, index) => sql`${part} = ${literal(index)}`);
}
