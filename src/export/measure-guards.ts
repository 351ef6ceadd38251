import { literal, sql } from '../sql/sql.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import { durationMs } from '../support/duration.ts';
import { heldReasons } from './exclusion.ts';
import { judgeGuards, type GuardVerdict, type SourceFacts } from './guards.ts';
import type { OpenedJob } from './open-job.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import type { Selection } from './select-job.ts';

export interface GuardRequest {
  readonly ledger: Pick<RunLedger, 'find'>;
  readonly job: SegmentJob;
  readonly opened: OpenedJob;
  readonly source: SourceFacts;
  /** Members recorded as delivered, now, and recorded ones that are none now. */
  readonly recorded: number;
  readonly members: number;
  readonly removed: number;
  /** Undefined where everybody goes out and nobody is compared. */
  readonly selection: Selection | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many of a pair's latest successes are looked through for what one of them has seen of the source. */
const LOOKED_THROUGH = 20;

/** Measures what the guards that are set ask for, no more, and judges. */
export async function measureGuards(request: GuardRequest): Promise<GuardVerdict> {
  const { ledger, job, selection, opened, signal, source, recorded, members, removed } = request;
  const { guards } = job;
  const looksBack = guards?.maxSourceShrinkPercent !== undefined || guards?.maxSourceAge !== undefined;
  return judgeGuards({
    segment: job.segment,
    guards,
    time: job.time,
    recorded,
    members,
    removed,
    added: guards?.maxAddedPercent === undefined || selection === undefined ? 0 : await countJoiners(opened, selection, signal),
    source,
    before: looksBack ? await lastSeen(ledger, job) : undefined,
    rejected: selection === undefined ? {} : heldReasons(opened.columns, selection.counts.reasons),
    allow: job.allow,
  });
}

/** What this run sees of its source; events are looked at only where a guard asks. Those of the future tell nothing of when it was loaded. */
export async function sourceFacts(job: SegmentJob, { engine, source }: OpenedJob, signal?: AbortSignal): Promise<SourceFacts> {
  const { rows } = source.health;
  if (durationMs(job.guards?.maxSourceAge) === undefined || job.attributes.events === undefined) return { rows };
  const [row] = await engine.rows(sql`select max(epoch_ms("timestamp")) as "newest" from event where epoch_ms("timestamp") <= ${literal(job.time)}`, signal);
  const newest = row?.['newest'];
  return newest === null || newest === undefined ? { rows } : { rows, newestEvent: Number(newest) };
}

/** Members who would be delivered for the first time: who is left out each time again is no growth. */
async function countJoiners({ engine }: OpenedJob, { relation, losers }: Selection, signal: AbortSignal | undefined): Promise<number> {
  const lost = losers === undefined ? sql`` : sql` and "id" not in (select "id" from ${losers})`;
  const [row] = await engine.rows(sql`select count(*) as "n" from ${relation} where "present" and "delivered" is not true and "reason" is null${lost}`, signal);
  return Number(row?.['n'] ?? 0);
}

/** The source as the latest success up to this run's time saw it. */
async function lastSeen(ledger: Pick<RunLedger, 'find'>, { activation, segment, time }: SegmentJob): Promise<SourceFacts | undefined> {
  const runs = await ledger.find({ activation, segment, status: 'success', limit: LOOKED_THROUGH });
  return runs
    .map(workOf)
    .filter((work) => work.source !== undefined && (work.time ?? 0) <= time)
    .toSorted((a, b) => (b.time ?? 0) - (a.time ?? 0))[0]?.source;
}
