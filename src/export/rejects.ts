import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFormat } from '../engine/file-format.ts';
import { joinSql, literal, sql } from '../sql/sql.ts';
import type { ExportPaths } from './deps.ts';
import type { OpenedJob } from './open-job.ts';
import type { SegmentJob } from './segment-job.ts';
import type { Selection } from './select-job.ts';
import { REASON_FORGOTTEN } from './suppression.ts';

/** Of lists for people on this side. */
export const LIST_FORMAT: FileFormat = {
  type: 'csv',
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  quoteAll: false,
  nullValue: '',
  lineEnding: 'LF',
  dateFormat: '%Y-%m-%d',
  timestampFormat: '%Y-%m-%dT%H:%M:%SZ',
};

/** Who was left out by an expectation or another rule, as `id,reason`: on the sender's side only, beside the state. A held run leaves its list too. Who is
 * forgotten stands in none. */
export async function writeRejects(input: {
  readonly opened: OpenedJob;
  readonly selection: Selection;
  readonly paths: ExportPaths;
  readonly job: SegmentJob;
  readonly runId: string;
  readonly signal: AbortSignal | undefined;
}): Promise<void> {
  const { opened, selection, paths, job, runId, signal } = input;
  if (Object.keys(selection.counts.reasons).length === 0) return;
  const folder = join(paths.state, 'rejects', job.activation, job.segment);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const rounds = selection.rounds.map(({ reason, losers }) => sql`when "id" in (select "id" from ${losers}) then ${literal(reason)}`);
  const lost = rounds.length === 0 ? sql`null` : sql`case ${joinSql(rounds, ' ')} end`;
  const query = sql`select cast("id" as varchar) as "id", coalesce("reason", ${lost}) as "reason" from ${selection.relation} where "present" and coalesce("reason", ${lost}) is not null and coalesce("reason", '') <> ${literal(REASON_FORGOTTEN)} order by "id"`;
  await opened.engine.write({ query, path: join(folder, `${runId}.csv`), format: LIST_FORMAT, ...(signal === undefined ? {} : { signal }) });
}
