import type { Instant } from '../model/instant.ts';
import { literal, sql } from '../sql/sql.ts';
import type { RunLedger, RunRecord } from '../state/run-ledger.ts';
import type { ExportPaths } from './deps.ts';
import { requireAsSealed } from './blame-snapshot.ts';
import { lastSnapshot } from './last-snapshot.ts';
import { findLeftBehind, type AskStorage } from './left-behind.ts';
import { membersTold, type KeptMembers } from './members-told.ts';
import type { OpenedJob } from './open-job.ts';
import { uniqueColumns } from './output-columns.ts';
import { workOf } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';

/** What the members on record say of somebody. */
export interface RecordedMember {
  /** The members on record hold them: a file has told of them. */
  readonly delivered: boolean;
  /** The destination refused the last row that told of them: the next slot's file has it again. */
  readonly refused: boolean;
  /** First slot as a member; undefined when not on record. */
  readonly since: Instant | undefined;
  /** The files that told of them, as far as the run is on record. `orLater`: who was left out of that one, or refused, may stand in a later one. */
  readonly files: readonly string[];
  readonly orLater: boolean;
  /** Slots that did not succeed and left files, which told otherwise of them than what was delivered before: nobody knows who read them. */
  readonly unsettled: readonly Instant[];
}

/** Whom the next export compares with, and where that comes from. */
export interface RecordedMembers {
  readonly last: KeptMembers | undefined;
  /** Slots that left files without an end, oldest first. */
  readonly leftBehind: readonly RunRecord[];
  /** What was delivered and what they may have told, together. */
  readonly told: KeptMembers | undefined;
}

export interface RecordedRequest {
  readonly ledger: RunLedger;
  readonly paths: ExportPaths;
  readonly job: SegmentJob;
  readonly opened: OpenedJob;
  /** A folder of the asker's own. */
  readonly folder: string;
  readonly storage: AskStorage;
  readonly signal: AbortSignal | undefined;
}

/** As the next slot finds them, whenever that is. */
export async function recordedMembers({ ledger, paths, job, opened, folder, storage, signal }: RecordedRequest): Promise<RecordedMembers> {
  const last = await lastSnapshot({ ledger, paths }, job);
  const leftBehind = await findLeftBehind(ledger, { ...job, slot: Infinity }, storage);
  const told = await membersTold({ job, engine: opened.engine, paths, folder, last, leftBehind, signal });
  return { last, leftBehind, told };
}

export async function findRecorded(request: RecordedRequest, { last, leftBehind, told }: RecordedMembers, member: string): Promise<RecordedMember> {
  const { ledger, job, opened, signal } = request;
  const { activation, segment, mode } = job;
  const none = { delivered: false, refused: false, since: undefined, files: [], orLater: false, unsettled: [] };
  if (told === undefined) return none;
  const rowOf = async ({ path }: KeptMembers): Promise<Readonly<Record<string, unknown>> | undefined> => {
    await requireAsSealed(path);
    const [row] = await opened.engine.rows(sql`select * from ${opened.engine.files([path])} where cast("id" as varchar) = ${literal(member)}`, signal);
    return row;
  };
  const row = await rowOf(told);
  if (row === undefined) return none;
  const before = last === undefined || last === told ? row : await rowOf(last);
  const since = Number(row['since']);
  const delivered = last !== undefined && before?.['delivered'] === true;
  // Only a snapshot from which refused rows were taken has the column that says so.
  const refused = before?.['refused'] === true;
  const unsettled = row['delivered'] === null ? leftBehind.flatMap(({ slot }) => slot ?? []) : [];
  if (!delivered) return { ...none, refused, since, unsettled };
  // A full export tells of everybody each time: the last file counts. An incremental one tells of those who joined.
  const [run] = mode === 'full' ? await ledger.find({ id: last.pointer.runId }) : [await firstToTell(ledger, { activation, segment, since })];
  const files = (run?.files ?? []).filter(({ rows }) => rows > 0).map(({ path }) => path);
  // Where people compete for a value, who was left out stands among the members as well; so does who was refused.
  const leftOut = (opened.keys.length > 0 || uniqueColumns(opened.columns).length > 0) && (run?.counts.excluded ?? 0) > 0;
  const orLater = mode === 'incremental' && run !== undefined && (leftOut || workOf(run).refused !== undefined);
  return { delivered, refused, since, files, orLater, unsettled };
}

/** The run of a member's first slot; where that one did not succeed, the next one that did. Undefined when it is not on record any more. */
async function firstToTell(
  ledger: RunLedger,
  { activation, segment, since }: { readonly activation: string; readonly segment: string; readonly since: Instant },
): Promise<RunRecord | undefined> {
  const [first] = await ledger.find({ activation, segment, slot: since, limit: 1 });
  if (first === undefined || first.status === 'success') return first;
  const successes = await ledger.find({ activation, segment, status: 'success' });
  return successes.filter(({ slot }) => slot !== null && slot > since).toSorted((a, b) => (a.slot ?? 0) - (b.slot ?? 0))[0];
}
