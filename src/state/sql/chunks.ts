/** Rows per statement: SQLite allows 32,766 parameters, Postgres 65,535. */
const ROWS_PER_STATEMENT = 500;

/** Cuts rows into what one statement takes. No rows: no chunk. */
export function inChunks<T>(rows: readonly T[], size: number = ROWS_PER_STATEMENT): readonly T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => rows.slice(index * size, (index + 1) * size));
}
