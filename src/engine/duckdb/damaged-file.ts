import { relative } from 'node:path';
import { AppError } from '../../model/app-error.ts';
import { literal, sql } from '../../sql/sql.ts';
import type { Database } from './database.ts';
import { DamagedFileError } from './unreadable-data.ts';

/** Which of a dataset's Parquet files is damaged, for the engine says what is wrong and not where; undefined when each can be read. */
export async function findDamaged(fresh: Database, paths: readonly string[], project: string, signal: AbortSignal | undefined): Promise<AppError | undefined> {
  for (const path of paths) {
    try {
      await fresh.rows(sql`select bit_xor(hash(columns(*))) from read_parquet(${literal(path)}, hive_partitioning => false)`, signal);
    } catch (error) {
      if (error instanceof DamagedFileError) return error.at(relative(project, path));
      if (error instanceof AppError) throw error;
      return new DamagedFileError('the engine breaks down over it', error).at(relative(project, path));
    }
  }
  return undefined;
}
