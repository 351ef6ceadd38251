import { literal, joinSql, sql, type Sql } from '../../sql/sql.ts';
import type { WriteRequest } from '../engine.ts';
import type { FileFormat } from '../file-format.ts';

/** One column has no delimiter, but the writer wants one: a character that no text is expected to hold. */
const NO_DELIMITER = '\u0001';

/** Half the engine's own: with bounded memory, threads that fill larger groups wait for each other, which takes a quarter more time. */
const ROW_GROUP_ROWS = 61_440;
/** Groups of many columns have fewer rows. */
const ROW_GROUP_VALUES = 12 * ROW_GROUP_ROWS;

/** The COPY that writes a query's rows to a file. */
export function copyStatement({ query, path, format, columns = 1 }: WriteRequest): Sql {
  return sql`copy (${query}) to ${literal(path)} (${joinSql([sql`use_tmp_file false`, ...options(format, columns)], ', ')})`;
}

function options(format: FileFormat, columns: number): readonly Sql[] {
  switch (format.type) {
    case 'csv':
      return [
        sql`format csv`,
        sql`header ${literal(format.header)}`,
        sql`delimiter ${literal(format.delimiter)}`,
        sql`quote ${literal(format.quote)}`,
        sql`escape ${literal(format.escape)}`,
        sql`nullstr ${literal(format.nullValue)}`,
        sql`dateformat ${literal(format.dateFormat)}`,
        sql`timestampformat ${literal(format.timestampFormat)}`,
        ...(format.quoteAll ? [sql`force_quote *`] : []),
        ...(format.lineEnding === 'CRLF' ? [sql`new_line ${literal('\\r\\n')}`] : []),
      ];
    case 'json':
      return [
        sql`format json`,
        sql`array ${literal(format.array)}`,
        sql`dateformat ${literal(format.dateFormat)}`,
        sql`timestampformat ${literal(format.timestampFormat)}`,
      ];
    case 'lines':
      return [
        sql`format csv`,
        sql`header false`,
        sql`quote ''`,
        sql`escape ''`,
        sql`nullstr ''`,
        sql`delimiter ${literal(NO_DELIMITER)}`,
        sql`new_line ${literal(format.separator)}`,
        // Both or neither, says the engine.
        ...(format.prefix === '' ? [] : [sql`prefix ${literal(format.prefix)}`, sql`suffix ${literal(format.suffix)}`]),
      ];
    case 'parquet':
      // Columns of names and addresses have no use for a dictionary; giving up on it early saves a quarter of the time and gives the same bytes.
      return [
        sql`format parquet`,
        sql`compression ${literal(format.compression)}`,
        sql`dictionary_size_limit 4096`,
        sql`row_group_size ${literal(format.rowGroupRows ?? Math.min(ROW_GROUP_ROWS, Math.floor(ROW_GROUP_VALUES / columns)))}`,
      ];
  }
}
