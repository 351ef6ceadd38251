import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { SCRATCH_FORMAT } from '../engine/file-format.ts';
import { noSql, sql, type Sql } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import { byParts, withinMemory } from './by-parts.ts';
import { calculatedJoin } from './compile-job.ts';
import type { SegmentJob } from './segment-job.ts';

/** What decides who is a member, and what is calculated for everybody. */
type Asking = { readonly audience: Audience } & Partial<Pick<SegmentJob, 'calculated' | 'calculatedRows' | 'expressionPaths'>>;

/**
 * Does work with a job; when its lists of events do not fit in memory, does it once more from the beginning with a job that asks files: who is a member,
 * and what is calculated of events, found out part by part. The work opens the source itself.
 */
export async function withAudience<Job extends Asking, T>(
  engine: Engine,
  job: Job,
  signal: AbortSignal | undefined,
  work: (job: Job) => Promise<T>,
): Promise<T> {
  if (job.audience.eventColumns === undefined && job.expressionPaths?.event === undefined) return work(job);
  return withinMemory(
    engine,
    () => work(job),
    async () => work(await settle(engine, job, signal)),
  );
}

async function settle<Job extends Asking>(engine: Engine, job: Job, signal: AbortSignal | undefined): Promise<Job> {
  const { audience, calculatedRows, expressionPaths } = job;
  const folder = await engine.scratchFolder();
  const write = async (name: string, query: Sql): Promise<Sql> => {
    let count = 0;
    const paths = await byParts(engine, async () => {
      const path = join(folder, `${name}-${(count += 1)}.parquet`);
      await engine.write({ query, path, format: SCRATCH_FORMAT, ...(signal === undefined ? {} : { signal }) });
      return path;
    });
    return engine.files(paths);
  };
  let settled = job;
  if (audience.eventColumns !== undefined) {
    const { health } = await engine.open({ profile: audience.profileColumns, event: audience.eventColumns });
    const members = await write(
      'members',
      sql`${audience.with}select p."#key" as "#member" from ${audience.from} where ${audience.predicate} and p."#key" is not null`,
    );
    settled = { ...settled, audience: listed(audience, members, health.withoutIdentity > 0) };
  }
  if (calculatedRows !== undefined && expressionPaths?.event !== undefined) {
    await engine.open(expressionPaths);
    settled = { ...settled, calculated: calculatedJoin(await write('calculated', calculatedRows)) };
  }
  return settled;
}

/** The audience by the keys of its members. Who has no key has no events either, and is asked for as the segment says. */
function listed(audience: Audience, members: Sql, hasUnkeyed: boolean): Audience {
  const isMember = sql`p."#key" in (select "#member" from ${members})`;
  if (!hasUnkeyed) return { ...audience, with: noSql, from: sql`profile p`, predicate: isMember };
  const keyed = sql`select p.*, ${isMember} as "#is" from profile p where p."#key" is not null`;
  const asked = sql`${audience.with}select p.*, ${audience.predicate} as "#is" from ${audience.from} where p."#key" is null`;
  const unkeyed = sql`select * from (with event as (select * from temp.main.event limit 0) select * from (${asked}))`;
  return { ...audience, with: noSql, from: sql`(${keyed} union all ${unkeyed}) p`, predicate: sql`p."#is"` };
}
