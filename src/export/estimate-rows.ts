import { literal, sql } from '../sql/sql.ts';
import type { OpenedJob } from './open-job.ts';
import type { SegmentJob } from './segment-job.ts';

/** Rows looked at for a guess: the source's first ones, which cost a glance. */
const LOOKED_AT = 200_000;
/** A guess may be wrong by so much before it decides badly. */
const MARGIN = 0.8;

/**
 * How many rows there will be, counted exactly where a glance says that they may not fit into one file; undefined where they surely or very likely do.
 * A wrong guess costs time, never rows: a file that grows too long is written anew in parts.
 */
export async function countIfMany(job: SegmentJob, opened: OpenedJob, signal: AbortSignal | undefined): Promise<number | undefined> {
  const { audience, file } = job;
  const total = opened.source.health.rows;
  if (total <= file.maxRows) return undefined;
  if (audience.eventColumns === undefined) {
    const glance = sql`(select * from profile limit ${literal(LOOKED_AT)})`;
    const [guess] = await opened.engine.rows(sql`select count(*) as "n" from ${glance} p where ${audience.predicate}`, signal);
    if ((Number(guess?.['n'] ?? 0) / Math.min(total, LOOKED_AT)) * total < file.maxRows * MARGIN) return undefined;
  }
  const [count] = await opened.engine.rows(sql`${audience.with}select count(*) as "n" from ${audience.from} where ${audience.predicate}`, signal);
  return Number(count?.['n'] ?? 0);
}
